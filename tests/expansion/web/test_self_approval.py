"""The ways to approve one's own change: none is open, by person and not by log-in (F84, G19).

The token is in tests/expansion/api, Slack in tests/expansion/web/test_slack.py, raw SQL in tests/expansion/operations/test_approving.py.
"""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.test import Client
from django.urls import NoReverseMatch, reverse

from billing.domain.refusal import NotAllowed
from dealops.accounts.models import Role, User
from expansion.models import ApprovalRule, Change, Decision, Delegation
from expansion.operations import bulk_actions, changes, deciding, delegating
from tests.expansion.api.conftest import Api
from tests.expansion.desk import shown, submitted
from tests.worlds import STORY_DAY

pytestmark = [pytest.mark.django_db, pytest.mark.req("F84", "G19", "M17")]


@pytest.fixture
def twin(world):
    """The maker's second log-in, in Finance, with any limit."""
    return User.objects.create_user(
        "ada.second@demo.example", name="Ada in Finance", role=Role.FINANCE, person=world.ae.person, approval_limit=Decimal(10**6)
    )


@pytest.fixture(params=["10", "25", "400"], ids=["credit", "small", "large"])
def change(world, request):
    """A credit, a small one and a large one."""
    return submitted(world, request.param)


def nothing_decided(change):
    change.refresh_from_db()
    assert change.state == "submitted"
    assert not Decision.objects.exists()


def as_(user):
    client = Client()
    client.force_login(user)
    return client


def test_not_on_the_page(change, twin):
    answer = as_(twin).post(reverse("approval_approve", args=[change.number]), shown(change))
    assert answer.status_code == 403
    nothing_decided(change)


def test_not_over_the_api_with_a_session(change, twin):
    body = {"version": change.version, "content_hash": change.content_hash}
    answer = Api(twin, session=True).post(f"changes/{change.number}/approve/", body)
    assert (answer.status_code, answer.json()["code"]) == (403, "not_allowed")
    with pytest.raises(NotAllowed):
        deciding.approve(change_id=change.pk, version=1, shown_hash=change.content_hash, by=twin, now=change.submitted_at)
    nothing_decided(change)


def test_not_in_the_admin(change, world):
    boss = User.objects.create_superuser("boss@demo.example", "x", name="Boss", role=Role.REVOPS, person=world.ae.person)
    page = as_(boss)
    for name in ("change", "add"):
        try:
            address = reverse(f"admin:expansion_decision_{name}", args=[] if name == "add" else [1])
        except NoReverseMatch:
            continue
        assert page.post(address, {"change": change.pk, "kind": "approve"}).status_code in {302, 403, 404}
    assert page.post(reverse("admin:expansion_change_change", args=[change.pk]), {"state": "approved"}).status_code in {403, 302}
    nothing_decided(change)


def test_not_as_one_of_many(change, twin):
    candidates = list(bulk_actions.ACTIONS["approve"].candidates(Change.objects.filter(pk=change.pk), twin, change.submitted_at))
    assert [one.why_not for one in candidates] == ["You made this change. Someone else in Finance decides."]
    nothing_decided(change)


def test_not_in_somebody_elses_name(change, world, twin):
    delegating.delegate(
        giver=world.head_of_finance, taker=twin, starts=STORY_DAY, ends=STORY_DAY + timedelta(days=1), reason="Leave",
        by=world.head_of_finance, on=STORY_DAY, now=world.now,
    )  # fmt: skip
    assert Delegation.objects.count() == 1
    assert as_(twin).post(reverse("approval_approve", args=[change.number]), shown(change)).status_code == 403
    nothing_decided(change)


def test_not_as_the_second_of_two(world, twin):
    ApprovalRule.objects.create(name="Two people", approvers=2)
    change = submitted(world)
    told = {"change_id": change.pk, "version": 1, "shown_hash": change.content_hash, "now": world.now}
    changes.approve(**told, by=world.finance)
    with pytest.raises(NotAllowed, match="You made"):
        changes.approve(**told, by=twin)
    change.refresh_from_db()
    assert change.state == "submitted"
