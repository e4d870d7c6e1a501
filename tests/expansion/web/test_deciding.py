"""Approving and rejecting on the review: what was shown is decided, once, and every refusal is a page with a sentence."""

from decimal import Decimal

import pytest
from django.urls import reverse

from billing.models import Document
from dealops.accounts.models import User
from dealops.audit.models import Entry
from expansion.models import Change, Decision
from expansion.operations import changes
from tests.expansion.desk import drafted, submitted
from tests.expansion.web.test_approvals import approve, review_of, text

pytestmark = pytest.mark.django_db


@pytest.mark.req("S0-20", "S0-24")
def test_approving_leads_to_a_receipt_with_the_number(finance, world):
    change = submitted(world)
    response = approve(finance, change)
    assert (response.status_code, response.headers["Location"]) == (302, review_of(change))
    page = text(finance.get(review_of(change)))
    document = Document.objects.get(reference=change.number)
    assert document.number in page
    assert "Approved by Fiona Reid" in page
    assert "£150.00" in page
    assert reverse("change_lights", args=[change.number]) in page, "the lights go on by themselves"
    assert Entry.objects.get(action="change.approved").via == "web"


@pytest.mark.req("F03", "F04")
def test_the_same_approval_sent_twice_is_done_once_and_answered_alike(finance, world):
    change = submitted(world)
    first, second = approve(finance, change), approve(finance, change)
    assert (first.status_code, first.headers["Location"]) == (second.status_code, second.headers["Location"]) == (302, review_of(change))
    assert Decision.objects.count() == 1
    assert Document.objects.filter(reference=change.number).count() == 1


@pytest.mark.req("F01")
def test_the_second_approver_is_told_who_was_first(client, world):
    change = submitted(world)
    changes.approve(change_id=change.pk, version=change.version, shown_hash=change.content_hash, by=world.head_of_finance, now=world.now)
    client.force_login(world.finance)
    response = approve(client, change)
    assert response.status_code == 409
    assert f"Already approved by {world.head_of_finance.name}, 11:00." in text(response)
    assert "What you pressed changed nothing." in text(response)
    assert Decision.objects.count() == 1


@pytest.mark.req("F02")
def test_a_rejection_after_an_approval_is_told_which_it_was(client, world):
    change = submitted(world)
    changes.approve(change_id=change.pk, version=change.version, shown_hash=change.content_hash, by=world.head_of_finance, now=world.now)
    client.force_login(world.finance)
    response = client.post(reverse("approval_reject", args=[change.number]), {"version": change.version, "reason": "Too expensive"})
    assert response.status_code == 409
    assert "Already approved by" in text(response)


@pytest.mark.req("F08")
def test_a_hash_that_is_not_what_was_shown_decides_nothing(finance, world):
    change = submitted(world)
    response = approve(finance, change, shown_hash="0" * 64)
    assert response.status_code == 409
    assert not Decision.objects.exists()


@pytest.mark.req("F05")
def test_an_older_version_decides_nothing(finance, world):
    change = submitted(world)
    changes.recall(change_id=change.pk, version=1, by=world.ae, now=world.now)
    again = Change.objects.get(pk=change.pk)
    changes.submit(change_id=again.pk, version=again.version, shown_hash=again.content_hash, by=world.ae, now=world.now)
    response = approve(finance, change)
    assert response.status_code == 409
    assert "was changed since you opened it" in text(response)
    assert not Decision.objects.exists()


@pytest.mark.req("F84")
def test_the_maker_is_refused_on_the_page_too(client, world):
    change = submitted(world)
    User.objects.filter(pk=world.finance.pk).update(person=world.ae.person)
    client.force_login(User.objects.get(pk=world.finance.pk))
    response = approve(client, change)
    assert response.status_code == 403
    assert "You made this change" in text(response)
    assert not Decision.objects.exists()


@pytest.mark.req("M25")
def test_above_the_limit_is_refused_with_who_can(finance, world):
    change = submitted(world)
    User.objects.filter(pk=world.finance.pk).update(approval_limit=Decimal(100))
    page = text(finance.get(review_of(change)))
    assert "above your limit of 100.00" in page and "You can still reject it." in page
    response = approve(finance, change)
    assert response.status_code == 403
    assert "Someone with a higher limit must approve" in text(response)


def test_rejecting_needs_a_reason_and_keeps_what_was_typed(finance, world):
    change = submitted(world)
    response = finance.post(reverse("approval_reject", args=[change.number]), {"version": change.version, "reason": "no"})
    assert response.status_code == 422
    page = text(response)
    assert "Say in a sentence why" in page and ">no</textarea>" in page
    assert not Decision.objects.exists()


def test_rejecting_closes_the_change_and_bills_nothing(finance, world):
    change = submitted(world)
    finance.post(reverse("approval_reject", args=[change.number]), {"version": change.version, "reason": "Wrong price agreed"})
    change.refresh_from_db()
    assert change.state == "rejected"
    page = text(finance.get(review_of(change)))
    assert "Rejected by Fiona Reid" in page and "Wrong price agreed" in page and "Nothing was billed." in page
    assert not Document.objects.filter(reference=change.number).exists()


def test_a_draft_cannot_be_approved(finance, world):
    change = drafted(world)
    response = approve(finance, change)
    assert response.status_code in (403, 409)
    assert "there is nothing to decide" in text(response)


@pytest.mark.req("F95")
def test_no_decision_is_made_by_opening_an_address(finance, world):
    change = submitted(world)
    for name in ("approval_approve", "approval_reject", "approval_acknowledge"):
        assert finance.get(reverse(name, args=[change.number])).status_code == 405
    for address in ("/approvals", review_of(change), reverse("approval_preview", args=[change.number])):
        assert finance.get(address).status_code == 200
    assert not Decision.objects.exists()


def test_a_form_without_its_token_decides_nothing(world):
    from django.test import Client

    change, client = submitted(world), Client(enforce_csrf_checks=True)
    client.force_login(world.finance)
    assert approve(client, change).status_code == 403
    assert not Decision.objects.exists()


@pytest.mark.req("F92")
def test_what_people_typed_is_shown_as_text(finance, world):
    world.deal.customer.name = "<script>alert(1)</script>"
    world.deal.customer.save()
    change = submitted(world, goal='"><img src=x onerror=alert(2)>')
    for address in ("/approvals", review_of(change), "/approvals?tab=handoffs"):
        page = finance.get(address).content.decode()
        assert "<script>alert(1)" not in page and "<img src=x" not in page
