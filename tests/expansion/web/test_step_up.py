"""What weighs a lot is approved by somebody who has just shown who they are; the rest, and rejecting, asks nobody again (F95, F97)."""

import time
from urllib.parse import unquote

import pytest
from django.test import Client
from django.urls import reverse

from dealops.accounts.models import Role, User
from expansion.models import ApprovalRule, Change, Decision
from expansion.operations import bulk
from expansion.operations.bulk_actions import ACTIONS
from tests.dealops.accounts.signing_in import PASSWORD, sign_in
from tests.expansion.api.conftest import Api
from tests.expansion.desk import set_clock, shown, submitted
from tests.worlds import seed_world

pytestmark = [pytest.mark.django_db, pytest.mark.req("F97")]


@pytest.fixture
def world(db, settings):
    made = seed_world()
    set_clock(settings)
    settings.STEP_UP_AMOUNTS = {"GBP": 100}
    for person in (made.finance, made.admin):
        person.set_password(PASSWORD)
        person.save()
    return made


def signed_in(user, minutes_ago=60):
    """In a browser, signed in so long ago."""
    client = Client()
    sign_in(client, user)
    session = client.session
    records = session["account_authentication_methods"]
    session["account_authentication_methods"] = [{**record, "at": time.time() - minutes_ago * 60} for record in records]
    session.save()
    return client


def press(client, change, what="approve", **more):
    return client.post(reverse(f"approval_{what}", args=[change.number]), {**shown(change), **more})


def confirm(client, answer, password=PASSWORD):
    assert answer.status_code == 302 and answer.url.startswith("/accounts/reauthenticate/"), answer.content[:300]
    return client.post(answer.url, {"password": password, "next": unquote(answer.url.partition("next=")[2])})


def test_a_large_approval_asks_again_and_then_goes_on_with_what_was_pressed(world):
    change, client = submitted(world), signed_in(world.finance)
    page = client.get(reverse("approval", args=[change.number])).content.decode()
    assert "Above 100 GBP whoever approves confirms who they are. You are asked after you press." in page
    asked = press(client, change)
    assert not Decision.objects.exists()
    wrong = confirm(client, asked, "not my password")
    assert wrong.status_code == 200 and not Decision.objects.exists()
    confirm(client, asked)
    change.refresh_from_db()
    assert change.state == "applied"
    assert Decision.objects.get().by == world.finance


def test_who_has_just_signed_in_is_not_asked_again(world):
    change, client = submitted(world), signed_in(world.finance, minutes_ago=1)
    assert "confirms who they are" not in client.get(reverse("approval", args=[change.number])).content.decode()
    assert press(client, change).url == reverse("approval", args=[change.number])
    assert Decision.objects.count() == 1


@pytest.mark.parametrize(("limits", "asks"), [({"GBP": 125}, False), ({"GBP": 124}, True), ({"USD": 10**9}, True), ({}, True)])
def test_the_setting_draws_the_line_by_currency_and_an_unnamed_one_always_asks(world, settings, limits, asks):
    settings.STEP_UP_AMOUNTS = limits
    change = submitted(world)  # 125.00 GBP
    press(signed_in(world.finance), change)
    assert Decision.objects.exists() is not asks


def test_rejecting_asks_nobody_again(world):
    change = submitted(world)
    press(signed_in(world.finance), change, "reject", reason="The purchase order is missing")
    change.refresh_from_db()
    assert change.state == "rejected"


def test_a_waiver_asks_whatever_the_amount(world, settings):
    settings.STEP_UP_AMOUNTS = {"GBP": 10**9}
    change = submitted(world, "15", treatment="no_adjustment", waiver_reason="Agreed when they signed for three years")
    asked = press(signed_in(world.finance), change)
    assert asked.status_code == 302 and "reauthenticate" in asked.url
    assert not Decision.objects.exists()


def test_the_api_answers_with_the_way_out(world):
    change = submitted(world)
    person = Api(world.finance, session=True)
    person.client = signed_in(world.finance)
    body = {"version": 1, "content_hash": change.content_hash}
    answer = person.post(f"changes/{change.number}/approve/", body)
    assert (answer.status_code, answer.json()["code"]) == (403, "step_up_required")
    assert "/accounts/reauthenticate/" in answer.json()["detail"]
    assert not Decision.objects.exists()
    person.client = signed_in(world.finance, minutes_ago=0)
    assert person.post(f"changes/{change.number}/approve/", body).status_code == 200


def test_many_at_once_above_the_sum_ask_as_well(world, monkeypatch, settings):
    settings.STEP_UP_AMOUNTS = {"GBP": 100}
    monkeypatch.setattr("expansion.queries.approvals.flags_of", lambda *given: ())
    submitted(world, goal="More people")
    found = ACTIONS["approve"].candidates(Change.objects.select_related("deal__contract__legal_entity", "maker"), world.finance, world.now)
    job = bulk.prepare(kind="approve", candidates=found, by=world.finance, now=world.now, listing="approvals")
    asked = signed_in(world.finance).post(reverse("bulk_start", args=[job.pk]), {"typed": "125.00"})
    assert asked.status_code == 302 and "reauthenticate" in asked.url
    job.refresh_from_db()
    assert job.state == "shown"
    done = signed_in(world.finance, minutes_ago=0).post(reverse("bulk_start", args=[job.pk]), {"typed": "125.00"})
    assert done.url == f"/bulk/{job.pk}"


# --- what decides about the decisions of others ----------------------------------------------------------------------------------


@pytest.fixture
def boss(world):
    world.admin.is_staff = True
    world.admin.save()
    return world.admin


RULE = {"name": "From a hundred pounds", "position": "10", "is_active": "on", "amount_from": "100", "currency": "GBP", "role": "finance",
        "approvers": "2", "owner": "", "mechanism": "", "document": "", "discount_from": "", "days_back_from": ""}  # fmt: skip


def test_a_new_approval_rule_asks_again_and_is_saved_afterwards(boss):
    client = signed_in(boss)
    assert client.get("/admin/expansion/approvalrule/add/").status_code == 200
    asked = client.post("/admin/expansion/approvalrule/add/", RULE)
    assert not ApprovalRule.objects.filter(name=RULE["name"]).exists()
    confirm(client, asked)
    assert ApprovalRule.objects.get(name=RULE["name"]).approvers == 2


def test_a_limit_or_a_role_is_given_only_after_asking_again(boss, world):
    address = f"/admin/accounts/user/{world.finance.pk}/change/"
    client = signed_in(boss)
    page = client.get(address)
    form = {name: value for name, value in page.context["adminform"].form.initial.items() if value is not None}
    form |= {"seen": page.context["adminform"].form["seen"].value(), "approval_limit": "9999999", "is_active": "on"}
    asked = client.post(address, form)
    assert asked.status_code == 302 and "reauthenticate" in asked.url
    assert User.objects.get(pk=world.finance.pk).approval_limit == world.finance.approval_limit
    confirm(client, asked)
    assert User.objects.get(pk=world.finance.pk).approval_limit == 9999999


def test_who_may_not_edit_them_is_refused_and_not_asked(world):
    auditor = world.auditor
    auditor.is_staff = True
    auditor.set_password(PASSWORD)
    auditor.save()
    assert auditor.role == Role.AUDITOR
    assert signed_in(auditor).post("/admin/expansion/approvalrule/add/", RULE).status_code == 403
