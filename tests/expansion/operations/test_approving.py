"""Approvals by rules, with a second person, in somebody's name, after a question (issue: M17, M18, M25, F07, F08, F84 to F86)."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.db import IntegrityError, connection, transaction

from billing.domain.refusal import NotAllowed, Refusal, Stale
from billing.models import Document
from dealops.accounts.models import Role, User
from dealops.audit.models import Entry
from expansion.models import ApprovalRule, Change, Decision, Delegation, Notice
from expansion.operations import changes, deadlines, delegating, questions
from tests.books import assert_books_hold
from tests.expansion.desk import drafted, rejected, submitted
from tests.worlds import STORY_DAY, seed_world

pytestmark = pytest.mark.django_db


@pytest.fixture
def world(db):
    return seed_world()


def approve(world, change, by=None, now=None):
    return changes.approve(
        change_id=change.pk, version=change.version, shown_hash=change.content_hash, by=by or world.finance, now=now or world.now
    )


def person(name, limit=None, role=Role.FINANCE, **more):
    email = f"{name.lower()}@demo.example"
    return User.objects.create_user(email, name=name, role=role, approval_limit=limit, approval_currency="GBP" if limit else "", **more)


def seats(world, quantity):
    """More seats on the line as it was signed, whatever became of it since."""
    return [{"action": "quantity", "key": str(world.contract.lines.earliest("pk").key), "quantity": quantity}]


# --- rules -------------------------------------------------------------------------------------------------------------------


@pytest.mark.req("D2")
def test_the_change_keeps_which_rules_asked_and_a_later_rule_does_not_reach_it(world):
    change = submitted(world)
    assert change.approval["rules"] == [{"name": "Finance owns the future invoice", "role": "finance", "approvers": 1}]
    ApprovalRule.objects.create(name="Everything twice", approvers=2)
    assert approve(world, change).state == "applied"


@pytest.mark.req("S0-18")
def test_a_rule_can_ask_for_an_approval_where_sales_own_the_future_invoice():
    world = seed_world(owner="sales_cs")
    ApprovalRule.objects.create(name="From a hundred pounds", amount_from=100, currency="GBP")
    change = submitted(world)
    assert (change.state, change.approval["rules"][0]["name"]) == ("submitted", "From a hundred pounds")
    assert not change.handoffs.exists()
    assert approve(world, change).state == "applied"


def test_a_rule_switched_off_asks_for_nothing(world):
    ApprovalRule.objects.update(is_active=False)
    assert submitted(world).state == "applied"


# --- two people ---------------------------------------------------------------------------------------------------------------


@pytest.mark.req("M25")
def test_above_an_amount_two_different_people_agree_and_nothing_happens_before(world):
    ApprovalRule.objects.create(name="Large ones twice", amount_from=100, currency="GBP", approvers=2)
    change = approve(world, submitted(world))
    assert (change.state, change.waits_for, Document.objects.filter(reference=change.number).count()) == ("submitted", ["finance"], 0)
    assert Decision.objects.get().is_final is False
    assert Notice.objects.filter(change=change, event__startswith="second_needed", recipient=world.head_of_finance).exists()
    assert not Notice.objects.filter(change=change, event__startswith="second_needed", recipient=world.finance).exists()
    with pytest.raises(NotAllowed, match="agreed already"):
        approve(world, change)
    assert approve(world, change, by=world.head_of_finance).state == "applied"
    assert list(Decision.objects.order_by("pk").values_list("is_final", flat=True)) == [False, True]
    assert_books_hold()


@pytest.mark.req("F84")
def test_a_second_log_in_of_the_same_person_is_no_second_person(world):
    ApprovalRule.objects.create(name="Twice", approvers=2)
    change = approve(world, submitted(world))
    twin = person("Fiona again", Decimal(9000), person=world.finance.person)
    with pytest.raises(NotAllowed, match="agreed already"):
        approve(world, change, by=twin)


def test_the_second_may_say_no(world):
    ApprovalRule.objects.create(name="Twice", approvers=2)
    change = approve(world, submitted(world))
    done = changes.reject(change_id=change.pk, version=1, reason="Not agreed with us", by=world.head_of_finance, now=world.now)
    assert done.state == "rejected" and not Document.objects.filter(reference=change.number).exists()


def test_a_first_agreement_is_void_when_the_change_was_recalled_and_handed_in_again(world):
    ApprovalRule.objects.create(name="Twice", approvers=2)
    change = approve(world, submitted(world))
    changes.recall(change_id=change.pk, version=1, by=world.ae, now=world.now)
    change = changes.submit(change_id=change.pk, version=2, shown_hash=change.content_hash, by=world.ae, now=world.now)
    assert (change.agreed, change.waits_for) == ([], ["finance", "finance"])
    assert approve(world, change, by=world.head_of_finance).state == "submitted"
    assert approve(world, change, by=world.finance).state == "applied"


@pytest.mark.req("F86", "M25")
def test_three_small_changes_do_not_pass_under_a_limit_that_one_large_one_would_not(world):
    small = person("Sam Small", Decimal(200))
    first = approve(world, submitted(world, "25"), by=small)  # 125.00
    assert first.state == "applied"
    second = approve(world, submitted(world, intents=seats(world, "30")), by=small)  # 250.00 in thirty days
    assert (second.state, second.waits_for) == ("submitted", ["finance"])
    decision = second.decisions.get()
    assert (decision.limit, decision.rolling) == (Decimal(200), Decimal(250))
    assert "handed in" in Entry.objects.get(action="change.agreed").sentence
    assert approve(world, second, by=world.finance).state == "applied"


@pytest.mark.req("M25")
def test_what_is_older_than_thirty_days_or_another_makers_does_not_count(world):
    small = person("Sam Small", Decimal(200))
    approve(world, submitted(world, "25"), by=small)
    Change.objects.update(submitted_at=world.now - timedelta(days=31))
    assert approve(world, submitted(world, intents=seats(world, "30")), by=small).state == "applied"
    assert approve(world, submitted(world, intents=seats(world, "35"), by=world.csm), by=small).state == "applied"


# --- in somebody's name -------------------------------------------------------------------------------------------------------


def stand_in(world, taker, *, starts=STORY_DAY, ends=STORY_DAY, giver=None):
    giver = giver or world.head_of_finance
    return delegating.delegate(
        giver=giver, taker=taker, starts=starts, ends=ends, reason="Annual leave", by=giver, on=starts, now=world.now
    )


def test_a_delegate_decides_within_the_givers_limit_on_the_givers_days_and_it_says_so(world):
    small = person("Sam Small", Decimal(10))
    change = submitted(world)
    with pytest.raises(NotAllowed, match="above your limit"):
        approve(world, change, by=small)
    stand_in(world, small, starts=STORY_DAY - timedelta(days=2), ends=STORY_DAY - timedelta(days=1))
    with pytest.raises(NotAllowed, match="above your limit"):
        approve(world, change, by=small)
    stand_in(world, small)
    assert approve(world, change, by=small).state == "applied"
    decision = change.decisions.get()
    assert (decision.by, decision.acting_for, decision.for_person) == (small, world.head_of_finance, world.head_of_finance.person)
    assert "Sam Small for George Hall approved" in Entry.objects.get(action="change.approved").sentence


@pytest.mark.req("F84")
def test_a_delegate_decides_neither_about_their_own_change_nor_about_the_givers(world):
    giver = person("Grace Giver", Decimal(10_000))
    taker = person("Tom Taker", Decimal(10))
    stand_in(world, taker, giver=giver)
    maker = person("Grace at Sales", role=Role.SALES, person=giver.person)
    change = submitted(world, by=maker)
    with pytest.raises(NotAllowed):
        approve(world, change, by=taker)
    changes.recall(change_id=change.pk, version=1, by=maker, now=world.now)
    changes.discard(change_id=change.pk, version=2, by=maker, now=world.now)
    own = submitted(world, by=person("Tom at Sales", role=Role.SALES, person=taker.person))
    with pytest.raises(NotAllowed, match="You made"):
        approve(world, own, by=taker)


def test_a_delegation_that_was_ended_or_whose_giver_is_gone_holds_no_more(world):
    small = person("Sam Small", Decimal(10))
    made = stand_in(world, small)
    delegating.end(delegation_id=made.pk, by=world.head_of_finance, now=world.now)
    with pytest.raises(NotAllowed):
        approve(world, submitted(world), by=small)
    change = Change.objects.get()
    stand_in(world, small)
    User.objects.filter(pk=world.head_of_finance.pk).update(is_active=False)
    with pytest.raises(NotAllowed):
        approve(world, change, by=small)


@pytest.mark.parametrize("wrong", ["self", "sales", "other_giver", "no_reason", "backwards", "too_long"])
def test_what_cannot_be_delegated(world, wrong):
    facts = {
        "giver": world.head_of_finance, "taker": world.finance, "starts": STORY_DAY, "ends": STORY_DAY, "reason": "Leave",
        "by": world.head_of_finance, "on": STORY_DAY, "now": world.now,
    }  # fmt: skip
    facts |= {
        "self": {"taker": world.head_of_finance},
        "sales": {"taker": world.ae},
        "other_giver": {"by": world.finance},
        "no_reason": {"reason": " "},
        "backwards": {"ends": STORY_DAY - timedelta(days=1)},
        "too_long": {"ends": STORY_DAY + timedelta(days=100)},
    }[wrong]
    with pytest.raises(Refusal):
        delegating.delegate(**facts)
    assert not Delegation.objects.exists()


# --- questions ----------------------------------------------------------------------------------------------------------------


def test_a_question_stops_the_clock_blocks_the_approval_and_the_answer_starts_it_again(world):
    change = submitted(world)
    due = change.due_at
    asked_at, answered_at = world.now + timedelta(hours=1), world.now + timedelta(days=2)
    question = questions.ask(change_id=change.pk, version=1, text="Is there a purchase order?", by=world.finance, now=asked_at)
    with pytest.raises(Refusal, match="not answered yet"):
        approve(world, change)
    assert deadlines.remind(now=answered_at).escalated == 0
    questions.answer(question_id=question.pk, text="Yes, PO 4711.", by=world.ae, now=answered_at)
    change.refresh_from_db()
    assert (change.clock_stopped_at, change.due_at - answered_at) == (None, timedelta(hours=23))
    assert change.due_at > due
    assert approve(world, change, now=answered_at).state == "applied"


def test_only_those_who_decide_ask_and_only_the_maker_or_revops_answers(world):
    change = submitted(world)
    with pytest.raises(NotAllowed):
        questions.ask(change_id=change.pk, version=1, text="Really?", by=world.csm, now=world.now)
    question = questions.ask(change_id=change.pk, version=1, text="Really?", by=world.finance, now=world.now)
    with pytest.raises(NotAllowed):
        questions.answer(question_id=question.pk, text="Yes", by=world.csm, now=world.now)
    with pytest.raises(Refusal, match="open already"):
        questions.ask(change_id=change.pk, version=1, text="And why?", by=world.head_of_finance, now=world.now)


@pytest.mark.req("F08")
@pytest.mark.parametrize(
    ("ended", "words"),
    [
        (rejected, "Already rejected by Fiona Reid"),
        (lambda world, change: changes.recall(change_id=change.pk, version=1, by=world.ae, now=world.now), "does not wait for a decision"),
    ],
    ids=["rejected", "recalled"],
)
def test_a_question_that_nobody_waits_for_any_more_is_not_answered(world, ended, words):
    change = submitted(world)
    question = questions.ask(change_id=change.pk, version=1, text="Is there a purchase order?", by=world.finance, now=world.now)
    ended(world, change)
    with pytest.raises(Stale, match=words):
        questions.answer(question_id=question.pk, text="Yes, PO 4711.", by=world.ae, now=world.now)
    assert not Entry.objects.filter(action="change.answered").exists()


# --- time ---------------------------------------------------------------------------------------------------------------------


@pytest.mark.req("S0-21")
def test_a_late_decision_is_reminded_once_and_goes_to_those_above_after_a_working_day(world):
    change = submitted(world)
    late, later = change.due_at + timedelta(minutes=1), change.due_at + timedelta(days=1, minutes=1)
    assert [deadlines.remind(now=late).reminded for _ in range(2)] == [1, 0]
    assert [deadlines.remind(now=later).escalated for _ in range(2)] == [1, 0]
    told = Notice.objects.filter(change=change, event="decision_escalated.1", channel="in_app")
    assert set(told.values_list("recipient__name", flat=True)) == {"George Hall", "Rhea Kaur"}


@pytest.mark.req("S0-21")
def test_a_hand_off_is_due_three_working_days_before_its_invoice_reminded_and_escalated(world):
    change = submitted(world)
    task = change.handoffs.get()
    assert (task.bill_date, task.due_on) == (date(2026, 7, 1), date(2026, 6, 26))
    for day, event in ((23, "day_3"), (25, "day_1"), (26, "day_0"), (29, "late")):
        deadlines.remind(now=world.now.replace(day=day))
        assert Notice.objects.filter(event=f"handoff_{event}.{task.pk}", channel="in_app").exists(), day
    assert Notice.objects.filter(event__startswith="handoff_late", recipient=world.admin).exists()


# --- what was shown is what is carried out ------------------------------------------------------------------------------------


@pytest.mark.req("F08", "M18")
def test_a_change_that_was_altered_past_every_door_is_carried_out_by_nobody(world):
    change = submitted(world)
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        cursor.execute("UPDATE expansion_change SET impact = jsonb_set(impact, '{net}', '\"1.00\"') WHERE id = %s", [change.pk])
        cursor.execute("SET session_replication_role = origin")
    with pytest.raises(Stale):
        approve(world, change)
    assert not Decision.objects.exists()


@pytest.mark.req("F85")
def test_who_lost_the_role_or_the_limit_since_opening_the_page_decides_no_more(world):
    change = submitted(world)
    User.objects.filter(pk=world.finance.pk).update(approval_limit=Decimal(1))
    with pytest.raises(NotAllowed, match="above your limit"):
        approve(world, change)
    User.objects.filter(pk=world.finance.pk).update(role=Role.SALES)
    with pytest.raises(NotAllowed):
        approve(world, change)


# --- raw SQL ------------------------------------------------------------------------------------------------------------------


def insert_decision(change, by, **more):
    row = {
        "change_id": change.pk, "change_version": change.version, "kind": "approve", "is_final": True, "by_id": by.pk,
        "by_person": "00000000-0000-0000-0000-000000000001", "maker_person": "00000000-0000-0000-0000-000000000002", "role": "finance",
        "limit_currency": "", "content_hash": change.content_hash, "reason": "", "via": "sql", "at": change.submitted_at, **more,
    }  # fmt: skip
    columns = ", ".join(f'"{name}"' for name in row)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"INSERT INTO expansion_decision ({columns}) VALUES ({', '.join(['%s'] * len(row))})", list(row.values()))


@pytest.mark.req("F84", "M17", "M18", "G19")
def test_raw_sql_cannot_decide_for_the_maker_an_editor_an_administrator_or_another_content(world):
    change = drafted(world)
    changes.edit(change_id=change.pk, version=1, intents=world.more_seats(), effective=STORY_DAY, by=world.admin, now=world.now)
    change.refresh_from_db()
    change = changes.submit(change_id=change.pk, version=2, shown_hash=change.content_hash, by=world.ae, now=world.now)
    boss = person("Boss", Decimal(9000), is_superuser=True)
    twin = person("Ada again", Decimal(9000), person=world.ae.person)
    for by in (world.ae, twin, world.admin, boss):
        with pytest.raises(IntegrityError):
            insert_decision(change, by)
    with pytest.raises(IntegrityError):
        insert_decision(change, world.finance, acting_for_id=world.ae.pk)
    with pytest.raises(IntegrityError):
        insert_decision(change, world.finance, content_hash="0" * 64)
    with pytest.raises(IntegrityError):
        insert_decision(change, world.finance, change_version=1)
    assert not Decision.objects.exists()


@pytest.mark.req("F84", "G19")
def test_raw_sql_cannot_approve_without_a_decision(world):
    change = submitted(world)
    with pytest.raises(IntegrityError, match="not approved by anybody"), transaction.atomic():
        Change.objects.filter(pk=change.pk).update(state="approved")
    ApprovalRule.objects.create(name="Twice", approvers=2)


@pytest.mark.req("F84")
def test_an_administrator_of_finance_does_not_decide(world):
    boss = person("Boss", Decimal(9000), is_superuser=True)
    with pytest.raises(NotAllowed, match="administrator"):
        approve(world, submitted(world), by=boss)


@pytest.mark.req("F84")
def test_who_edited_a_change_does_not_decide_about_it(world):
    change = drafted(world)
    changes.edit(change_id=change.pk, version=1, intents=world.more_seats(), effective=STORY_DAY, by=world.admin, now=world.now)
    change.refresh_from_db()
    change = changes.submit(change_id=change.pk, version=2, shown_hash=change.content_hash, by=world.ae, now=world.now)
    twin = person("Rhea in Finance", Decimal(9000), person=world.admin.person)
    with pytest.raises(NotAllowed, match="You edited"):
        approve(world, change, by=twin)
