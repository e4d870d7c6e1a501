"""The queue and a review in each of its states: no barrier on a phone or at a desk, light and dark (S08, S09)."""

from datetime import timedelta

import pytest
from playwright.sync_api import expect

from billing.models import Contract
from dealops.accounts.models import User
from expansion.models import ApprovalRule, Handoff
from expansion.operations import changes, delegating, questions
from tests.browser import look_at
from tests.expansion.desk import set_clock, submitted
from tests.expansion.more_deals import another_deal
from tests.worlds import STORY_DAY, seed_world

pytestmark = pytest.mark.browser


@pytest.fixture
def world(committed, settings):
    made = seed_world()
    set_clock(settings)
    return made


def told(change):
    return {"change_id": change.pk, "version": change.version}


def plain(world):
    return world.finance, submitted(world), "Within your limit of"


def second_of_two(world):
    ApprovalRule.objects.create(name="Large ones need two people", amount_from=100, currency="GBP", approvers=2)
    change = submitted(world)
    changes.approve(**told(change), shown_hash=change.content_hash, by=world.finance, now=world.now)
    return world.head_of_finance, change, "Fiona Reid agreed"


def first_of_two(world):
    ApprovalRule.objects.create(name="Large ones need two people", amount_from=100, currency="GBP", approvers=2)
    return world.finance, submitted(world), "Others decide after you"


def question_open(world):
    change = submitted(world)
    questions.ask(**told(change), text="Is there a purchase order?", by=world.finance, now=world.now)
    return world.finance, change, "question is not answered yet"


def asked_the_maker(world):
    change = submitted(world)
    questions.ask(**told(change), text="Is there a purchase order?", by=world.finance, now=world.now)
    return world.ae, change, "Your answer"


def stale(world):
    change = submitted(world)
    Contract.objects.filter(pk=world.contract.pk).update(version=2)
    return world.finance, change, "It cannot be approved"


def own(world):
    change = submitted(world)
    User.objects.filter(pk=world.finance.pk).update(person=world.ae.person)
    return world.finance, change, "You made this – someone else must decide."


def over_limit(world):
    User.objects.filter(pk=world.finance.pk).update(approval_limit=100)
    return world.finance, submitted(world), "is above your limit of 100.00"


def confirmed_first(world):
    world.head_of_finance.set_password("correct horse battery")
    world.head_of_finance.save()
    return world.head_of_finance, submitted(world, "900"), "whoever approves confirms who they are"


def handed_over_with_differences(world):
    change = submitted(world)
    changes.approve(**told(change), shown_hash=change.content_hash, by=world.finance, now=world.now, finance_updates=True)
    rows = [{"field": "net", "ours": "1250", "theirs": "1000"}, {"field": "next date", "ours": "2026-07-01", "theirs": "2026-08-01"}]
    Handoff.objects.update(state="acknowledged", acknowledged_by=world.finance, acknowledged_at=world.now, checked_at=world.now,
                           updated_by=world.finance, checks=1, differences=rows)  # fmt: skip
    return world.finance, change, "£1,250.00"


def in_somebodys_name(world):
    on, limit = STORY_DAY, User.objects.filter(pk=world.finance.pk)
    limit.update(approval_limit=1)
    delegating.delegate(giver=world.head_of_finance, taker=world.finance, starts=on, ends=on + timedelta(days=5), reason="Leave",
                        by=world.head_of_finance, on=on, now=world.now)  # fmt: skip
    world.finance.refresh_from_db()
    return world.finance, submitted(world), "You act for"


STATES = [plain, first_of_two, second_of_two, question_open, stale, own, over_limit, confirmed_first, handed_over_with_differences,
          in_somebodys_name]  # fmt: skip


@pytest.mark.parametrize("state", STATES, ids=lambda state: state.__name__)
def test_a_review_in_every_state_says_what_is_the_matter_and_has_no_barrier(at_site, world, state):
    reader, change, words = state(world)
    page = at_site.open(f"/approvals/{change.number}", reader)
    expect(page.get_by_text(words).first).to_be_visible()
    look_at(page)


def test_the_maker_reads_the_question_and_answers_it(at_site, world):
    maker, change, words = asked_the_maker(world)
    page = at_site.open(f"/changes/{change.number}", maker)
    look_at(page)
    page.get_by_label(words).fill("PO 4711, sent by mail")
    page.get_by_role("button", name="Answer Fiona Reid").click()
    expect(page.get_by_text("PO 4711, sent by mail").first).to_be_visible()


@pytest.mark.parametrize("tab", ["mine", "team", "delegated"])
def test_the_queue_has_no_barrier_in_any_tab(at_site, world, tab):
    reader, _, _ = in_somebodys_name(world)
    other = another_deal(world, 2001, "Alder Freight")
    change = submitted(other)
    changes.approve(**told(change), shown_hash=change.content_hash, by=world.head_of_finance, now=world.now, finance_updates=True)
    page = at_site.open(f"/approvals?tab={tab}", reader)
    shown = "Alder Freight" if tab == "handoffs" else "Brightwave Logistics"
    expect(page.get_by_text(shown).first).to_be_visible()
    look_at(page)
