"""Preferences, delegations, questions and rules as people meet them on pages."""

from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from expansion.models import ApprovalRule, Delegation, Notice, NoticePreference
from expansion.operations import digests
from tests.expansion.desk import set_clock, shown, submitted
from tests.worlds import STORY_DAY, seed_world

pytestmark = pytest.mark.django_db


@pytest.fixture
def world(db, settings):
    made = seed_world()
    set_clock(settings)
    return made


def as_(user):
    client = Client()
    client.force_login(user)
    return client


@pytest.mark.req("S0-21")
def test_e_mail_and_slack_follow_the_preference_and_the_task_in_the_app_is_always_there(world):
    page = as_(world.finance)
    assert page.get(reverse("preferences")).status_code == 200
    saved = page.post(reverse("preferences_save"), {"email": ["my_changes"], "slack": ["approvals"], "slack_id": "u024be7lh"})
    assert saved.status_code == 302
    submitted(world)
    channels = Notice.objects.filter(event="approval_needed.1", recipient=world.finance).values_list("channel", "address")
    assert set(channels) == {("in_app", ""), ("slack", "U024BE7LH")}


@pytest.mark.parametrize(
    ("posted", "words"),
    [({"slack": ["approvals"]}, "member id"), ({"slack_id": "javascript:"}, "starts with U or W"), ({"email": ["gossip"]}, "topics on")],
)
def test_a_wrong_preference_is_refused_with_a_sentence(world, posted, words):
    answer = as_(world.finance).post(reverse("preferences_save"), posted)
    assert answer.status_code == 422 and words in answer.content.decode()
    assert not NoticePreference.objects.exists()


@pytest.mark.req("S0-21", "F113")
def test_in_quiet_hours_the_task_comes_at_once_and_mail_and_slack_when_they_are_over(world, monkeypatch):
    night = datetime(2026, 6, 16, 23, 30, tzinfo=UTC)
    monkeypatch.setattr(timezone, "now", lambda: night)
    page = as_(world.finance)
    given = {"email": ["approvals"], "slack": ["approvals"], "slack_id": "U024BE7LH", "quiet_from": "22:00", "quiet_until": "07:00"}
    assert page.post(reverse("preferences_save"), given).status_code == 302
    shown = page.get(reverse("preferences")).content.decode()
    assert 'value="22:00"' in shown and 'value="07:00"' in shown
    submitted(world)
    told = Notice.objects.filter(event="approval_needed.1", recipient=world.finance)
    assert {notice.channel for notice in told} == {"in_app", "email", "slack"}
    morning = datetime(2026, 6, 17, 7, tzinfo=UTC)
    held = [notice.gathered_in for notice in told if notice.gathered_in]
    assert len(held) == 2 and {message.available_at for message in held} == {morning + digests.GRACE}
    others = Notice.objects.filter(event="approval_needed.1", message__isnull=False).exclude(recipient=world.finance)
    assert others and {notice.message.available_at for notice in others} == {night}, "a channel of the team and people without quiet hours"
    given |= {"quiet_from": "", "quiet_until": ""}
    page.post(reverse("preferences_save"), given)
    assert NoticePreference.objects.get().quiet_from is None


@pytest.mark.parametrize(
    ("hours", "words"),
    [
        ({"quiet_from": "22:00"}, "a beginning and an end"),
        ({"quiet_from": "22:00", "quiet_until": "22:00"}, "the whole day"),
        ({"quiet_from": "late", "quiet_until": "07:00"}, "hour and minute"),
    ],
)
def test_quiet_hours_that_make_no_sense_are_refused_and_kept_on_the_page(world, hours, words):
    answer = as_(world.finance).post(reverse("preferences_save"), {"email": ["approvals"], **hours})
    assert answer.status_code == 422 and words in answer.content.decode()
    assert f'value="{hours["quiet_from"]}"' in answer.content.decode()
    assert not NoticePreference.objects.exists()


def test_an_approver_lets_somebody_stand_in_and_ends_it(world):
    head = as_(world.head_of_finance)
    days = {"starts": STORY_DAY.isoformat(), "ends": (STORY_DAY + timedelta(days=5)).isoformat()}
    answer = head.post(reverse("delegation_make"), {"taker": world.finance.pk, "reason": "Leave", **days}, follow=True)
    assert "Fiona Reid decides for George Hall from 16 Jun 2026 to 21 Jun 2026." in answer.content.decode()
    row = Delegation.objects.get()
    assert as_(world.ae).post(reverse("delegation_end", args=[row.pk])).status_code == 404, "neither theirs nor their team's"
    head.post(reverse("delegation_end", args=[row.pk]))
    row.refresh_from_db()
    assert row.ended_at


@pytest.mark.parametrize("who", ["ae", "finance", "auditor"])
def test_nobody_takes_somebody_elses_approvals_for_themselves(world, who):
    taker = getattr(world, who)
    posted = {"giver": world.head_of_finance.pk, "taker": taker.pk, "starts": "2026-06-16", "ends": "2026-06-16", "reason": "Mine now"}
    assert as_(taker).post(reverse("delegation_make"), posted).status_code in {403, 422}
    assert not Delegation.objects.exists()


def test_a_question_is_asked_on_the_review_and_answered_on_the_change(world):
    change = submitted(world)
    finance, maker = as_(world.finance), as_(world.ae)
    asked = finance.post(reverse("approval_ask", args=[change.number]), {"version": 1, "text": "Is there an order?"}, follow=True)
    assert "Is there an order?" in asked.content.decode() and "not answered yet" in asked.content.decode()
    assert "Answer Fiona Reid" in maker.get(reverse("change", args=[change.number])).content.decode()
    answered = maker.post(reverse("change_answer", args=[change.number]), {"text": "PO 4711"}, follow=True)
    assert "PO 4711" in answered.content.decode()
    assert finance.post(reverse("approval_approve", args=[change.number]), shown(change)).status_code == 302
    change.refresh_from_db()
    assert change.state == "applied"


@pytest.mark.req("M25", "F84")
def test_the_first_of_two_is_told_so_before_and_after(world):
    ApprovalRule.objects.create(name="Large ones twice", approvers=2)
    change = submitted(world)
    finance = as_(world.finance)
    page = finance.get(reverse("approval", args=[change.number])).content.decode()
    assert "Agree to £125.00 + VAT; a second person decides" in page and "Large ones twice" in page
    finance.post(reverse("approval_approve", args=[change.number]), shown(change))
    page = finance.get(reverse("approval", args=[change.number])).content.decode()
    assert "You have agreed already. It waits for a second person." in page
    again = finance.post(reverse("approval_approve", args=[change.number]), shown(change))
    assert again.status_code == 302
    head = as_(world.head_of_finance).get(reverse("approval", args=[change.number])).content.decode()
    assert "Fiona Reid agreed" in head and "Approve £125.00 + VAT and update" in head


@pytest.mark.req("S0-19")
def test_finance_may_leave_the_next_invoice_to_itself_and_sees_both_ends(world):
    change = submitted(world)
    finance = as_(world.finance)
    finance.post(reverse("approval_approve", args=[change.number]), {**shown(change), "next_invoice": "accounting"})
    page = finance.get(reverse("approval", args=[change.number])).content.decode()
    assert "I updated it in accounting" in page and "Apply from here" in page
    finance.post(reverse("approval_updated", args=[change.number]))
    assert change.handoffs.get().state == "checking"
    assert as_(world.admin).post(reverse("approval_updated", args=[change.number]), follow=True).status_code == 200
    assert change.handoffs.get().checks == 1
    finance.post(reverse("approval_apply_update", args=[change.number]))
    change.refresh_from_db()
    assert not change.finance_updates


def test_the_rules_are_readable_by_everybody_and_edited_by_revops(world):
    ApprovalRule.objects.create(name="Large credits", document="credit_note", amount_from=1000, currency="GBP", approvers=2, position=5)
    for user in (world.ae, world.csm, world.finance, world.admin, world.auditor):
        page = as_(user).get(reverse("approval_rules"))
        assert page.status_code == 200 and "net 1,000 GBP or more" in page.content.decode()
        assert ("Edit the rules" in page.content.decode()) == (user == world.admin)


@pytest.mark.req("F08", "M18")
def test_the_review_says_that_the_content_matches_its_hash(world):
    page = as_(world.finance).get(reverse("approval", args=[submitted(world).number])).content.decode()
    assert "Matches the hash" in page
