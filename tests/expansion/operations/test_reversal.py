"""Undo: the same amounts with the opposite sign, by the same way, newer changes kept (F82, M23)."""

import random
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import IntegrityError, connection, transaction

from billing.domain.refusal import NotAllowed, Refusal, Stale
from billing.models import Contract, CreditAllocation, Document, LegalEntity
from billing.operations.billing_run import bill
from billing.queries import terms_at, terms_of
from expansion.models import Change, Deal
from expansion.operations import changes, daily, renewal, reversal
from tests.books import assert_books_hold
from tests.worlds import STORY_DAY, seed_world

pytestmark = [pytest.mark.django_db, pytest.mark.req("F82", "M23")]

WHY = "The order was taken back"


@pytest.fixture
def world(db):
    return seed_world(owner="sales_cs")


def apply(world, intents, effective=STORY_DAY, now=None, **more):
    now = now or world.now
    change = changes.draft(deal=world.deal, intents=intents, effective=effective, by=world.ae, now=now, **more)
    change = changes.submit(change_id=change.pk, version=1, shown_hash=change.content_hash, by=world.ae, now=now)
    if change.state == "submitted":
        change = changes.approve(change_id=change.pk, version=1, shown_hash=change.content_hash, by=world.head_of_finance, now=now)
    return change


def seats(world, quantity):
    """The Team line to `quantity`, however many slices it has by now."""
    return [{"action": "quantity", "key": str(world.contract.lines.first().key), "quantity": quantity}]


def undo(world, change, now=None):
    return reversal.reverse(change_id=change.pk, reason=WHY, by=world.ae, now=now or world.now)


def contract():
    return Contract.objects.select_related("legal_entity", "customer__segment").get(number="C-1042")


def document(change):
    return Document.objects.filter(reference=change.number).first()


def lines_of(change):
    found = document(change)
    return [(row.side, row.product_code, row.quantity, row.net, row.tax) for row in found.lines.order_by("position")] if found else []


# --- what waits for the next invoice --------------------------------------------------------------------------------------------

WAITING = {
    "too small to bill": ("gross", 200, "credit_note", lambda key: [{"action": "quantity", "key": key, "quantity": "18"}, ANALYTICS]),
    "a credit by policy": ("net", 0, "credit_on_next_invoice", lambda key: [swapped(key, "starter")]),
    "a dearer plan": ("net", 1000, "", lambda key: [swapped(key, "business")]),
}
ANALYTICS = {"action": "add", "product": "route-analytics", "quantity": "1"}


def swapped(key, plan):
    return {"action": "swap", "key": key, "product": plan, "quantity": "20"}


def waiting_change(world, case):
    shape, minimum, treatment, intents = WAITING[case]
    LegalEntity.objects.update(proration_shape=shape, minimum_amount=minimum)
    return apply(world, intents(str(world.contract.lines.get().key)), treatment=treatment)


@pytest.mark.req("M07", "M08")
@pytest.mark.parametrize("case", WAITING)
def test_what_waits_for_the_next_invoice_is_taken_off_it_and_nobody_is_asked_where_a_rest_goes(world, case):
    before = contract().future_invoice.current.total
    change = waiting_change(world, case)
    assert contract().pending_lines.filter(withdrawn_by="").exists() and not document(change)
    back = undo(world, change)
    assert (back.state, back.impact["why_code"], document(back)) == ("applied", "withdrawn", None)
    waited = Decimal(change.impact["deferred"])
    assert Decimal(back.impact["deferred"]) == -waited
    assert f"the {'charge' if waited > 0 else 'credit'} of {abs(waited)} GBP that waited for the next invoice" in back.impact["why"]
    assert set(contract().pending_lines.values_list("withdrawn_by", "billed_in")) == {(back.number, None)}
    assert contract().future_invoice.current.total == before
    assert_books_hold()
    bill(on=date(2026, 7, 1), at=world.now)
    assert Document.objects.latest("pk").total == before
    assert_books_hold()


@pytest.mark.req("M07")
def test_of_two_changes_that_wait_with_the_same_line_only_one_is_taken_off(world):
    LegalEntity.objects.update(minimum_amount=200)
    first, second = (apply(world, seats(world, quantity)) for quantity in ("21", "22"))
    undo(world, second)
    left = contract().pending_lines.filter(withdrawn_by="")
    assert [line.reference for line in left] == [first.number]
    assert contract().future_invoice.current.net == Decimal(21 * 50 + 25)
    assert_books_hold()


@pytest.mark.req("M23")
def test_what_an_invoice_has_taken_up_meanwhile_is_credited_in_the_ordinary_way(world):
    change = waiting_change(world, "a dearer plan")
    bill(on=date(2026, 7, 1), at=world.now)
    later = datetime(2026, 7, 2, 10, tzinfo=UTC)
    back = undo(world, change, now=later)
    assert (back.impact["document"], back.impact["remainder"]) == ("credit_note", "0.00")
    assert {line["outcome"] for line in back.impact["lines"]} == {"document"}
    changes.approve(change_id=back.pk, version=back.version, shown_hash=back.content_hash, by=world.head_of_finance, now=later)
    assert_books_hold()


# --- the same amounts, the opposite sign ----------------------------------------------------------------------------------------


def test_five_seats_taken_back_are_a_credit_note_of_the_same_amount(world):
    change = apply(world, world.more_seats())
    back = undo(world, change)
    assert (back.state, back.reverses, back.goal) == ("applied", change, WHY)
    assert back.amount_now == -change.amount_now == Decimal(-125)
    note = document(back)
    assert (note.kind, note.net, note.tax) == ("credit_note", Decimal(125), Decimal(25))
    assert [part.invoice_line.document for part in CreditAllocation.objects.all()] == [document(change)]
    assert set(terms_of(contract()).lines) == set(terms_at(contract(), 1).lines)
    world.deal.refresh_from_db()
    assert (world.deal.amount, world.deal.mrr) == (Decimal(12000), Decimal(1000))


def test_a_downgrade_that_was_waived_comes_back_without_a_charge(world):
    change = apply(world, world.more_seats("15"))
    assert (change.impact["waived"], document(change)) == ("125.00", None)
    back = undo(world, change)
    assert (back.state, document(back), back.impact["why_code"]) == ("applied", None, "waiver_reversed")
    assert set(terms_of(contract()).lines) == set(terms_at(contract(), 1).lines)


def test_a_swap_a_product_and_a_price_come_back_line_by_line(world):
    key = str(world.seat_line().key)
    change = apply(
        world, [{"action": "swap", "key": key, "product": "business"}, {"action": "add", "product": "scheduler", "quantity": "1"}]
    )
    back = undo(world, change)
    turned = {"charge": "credit", "credit": "charge"}
    assert sorted(lines_of(back)) == sorted((turned[side], *rest) for side, *rest in lines_of(change))
    assert (document(back).net, document(back).kind) == (document(change).net, "credit_note")


def test_a_reversal_is_reversed_in_turn(world):
    change = apply(world, world.more_seats())
    back = undo(world, change)
    again = undo(world, back)
    assert (again.reverses, document(again).kind, again.amount_now) == (back, "invoice", Decimal(125))
    assert set(terms_of(contract()).lines) == set(terms_at(contract(), 2).lines)


def test_what_invoices_have_charged_since_comes_back_too(world):
    change = apply(world, world.more_seats())
    bill(on=date(2026, 7, 1), at=datetime(2026, 7, 1, 6, tzinfo=UTC))
    later = datetime(2026, 7, 10, 9, tzinfo=UTC)
    draft = undo(world, change, now=later)
    assert (draft.state, draft.impact["prior_period"]) == ("submitted", True), "June is over: Finance has to agree (F67)"
    back = changes.approve(change_id=draft.pk, version=1, shown_hash=draft.content_hash, by=world.head_of_finance, now=later)
    assert [(row[0], row[3]) for row in lines_of(back)] == [("credit", Decimal(125)), ("credit", Decimal(250))]


def test_newer_seats_stay_when_older_ones_go(world):
    change = apply(world, world.more_seats("25"))
    apply(world, seats(world, "28"), effective=date(2026, 6, 21), now=world.now + timedelta(days=5))
    undo(world, change, now=world.now + timedelta(days=6))
    held = [(line.starts, line.quantity) for line in terms_of(contract()).lines]
    assert held == [(date(2026, 1, 1), 20), (date(2026, 6, 21), 23)]


# --- who, and how often ---------------------------------------------------------------------------------------------------------


@pytest.mark.req("F84", "S0-20")
def test_where_finance_owns_the_future_invoice_finance_agrees_and_never_the_maker():
    world = seed_world(owner="finance")
    change = apply(world, world.more_seats())
    back = undo(world, change)
    assert (back.state, document(back)) == ("submitted", None)
    with pytest.raises(NotAllowed):
        changes.approve(change_id=back.pk, version=1, shown_hash=back.content_hash, by=world.ae, now=world.now)
    back = changes.approve(change_id=back.pk, version=1, shown_hash=back.content_hash, by=world.finance, now=world.now)
    assert (back.state, document(back).net) == ("applied", Decimal(125))


def test_a_change_is_taken_back_once(world):
    change = apply(world, world.more_seats())
    back = undo(world, change)
    with pytest.raises(Refusal, match=f"reversed by {back.number} already"):
        undo(world, change)
    with pytest.raises(IntegrityError, match="reversed_once"), transaction.atomic():
        another_row_like(back)


def another_row_like(change):
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO expansion_change
            SELECT (jsonb_populate_record(NULL::expansion_change, to_jsonb(c) || '{"id": 999999, "number": "CH-2026-9999"}')).*
              FROM expansion_change c WHERE id = %s
            """,
            [change.pk],
        )


def test_a_rejected_reversal_may_be_tried_again():
    world = seed_world(owner="finance")
    change = apply(world, world.more_seats())
    back = undo(world, change)
    changes.reject(change_id=back.pk, version=1, reason="Not yet, please", by=world.finance, now=world.now)
    assert undo(world, change).state == "submitted"


@pytest.mark.parametrize("reason", ["", "  ", "no"])
def test_it_needs_a_reason(world, reason):
    change = apply(world, world.more_seats())
    with pytest.raises(Refusal) as refused:
        reversal.reverse(change_id=change.pk, reason=reason, by=world.ae, now=world.now)
    assert refused.value.field == "reason"


def test_finance_and_auditors_take_nothing_back(world):
    change = apply(world, world.more_seats())
    for person in (world.finance, world.auditor):
        with pytest.raises(NotAllowed):
            reversal.reverse(change_id=change.pk, reason=WHY, by=person, now=world.now)


def test_only_what_was_shown_is_taken_back(world):
    change = apply(world, world.more_seats())
    with pytest.raises(Stale):
        reversal.reverse(change_id=change.pk, reason=WHY, by=world.ae, now=world.now, shown_hash="0" * 64)
    assert not Change.objects.filter(reverses=change).exists()


def test_seats_that_newer_changes_have_used_up_cannot_go_twice(world):
    change = apply(world, world.more_seats("60"))
    apply(world, seats(world, "30"), effective=date(2026, 7, 1), now=datetime(2026, 7, 1, 9, tzinfo=UTC))
    with pytest.raises(Refusal, match="newer changes have reduced it since"):
        undo(world, change, now=datetime(2026, 7, 2, 9, tzinfo=UTC))


@pytest.mark.parametrize(
    ("intents", "effective", "code"),
    [
        (
            [{"action": "reverse", "change": "CH-2026-0042"}, {"action": "add", "product": "scheduler", "quantity": "1"}],
            STORY_DAY,
            "mixed_reversal",
        ),
        ([{"action": "reverse", "change": "CH-2020-0001"}], STORY_DAY, "unknown_change"),
        ([{"action": "reverse"}], STORY_DAY, "unknown_change"),
        ([{"action": "reverse", "change": "CH-2026-0042"}], STORY_DAY + timedelta(days=1), "other_day"),
        ([{"action": "reverse", "change": "CH-2026-0042"}], STORY_DAY, "reason_missing"),
    ],
)
def test_a_reversal_sent_as_an_ordinary_change_is_held_to_the_same_rules(world, intents, effective, code):
    apply(world, world.more_seats())
    with pytest.raises(Refusal) as refused:
        changes.draft(deal=world.deal, intents=intents, effective=effective, by=world.ae, now=world.now)
    assert refused.value.code == code


def test_what_is_not_in_effect_is_not_reversed(world):
    change = changes.draft(deal=world.deal, intents=world.more_seats(), effective=STORY_DAY, by=world.ae, now=world.now)
    with pytest.raises(Refusal) as refused:
        undo(world, change)
    assert refused.value.code == "not_applied"


# --- calling off what is scheduled ----------------------------------------------------------------------------------------------


def test_a_cancelled_scheduled_change_bills_nothing_and_others_keep_their_day(world):
    first = apply(world, world.more_seats("25"), effective=date(2026, 7, 1))
    second = apply(world, [{"action": "add", "product": "scheduler", "quantity": "1"}], effective=date(2026, 7, 11))
    assert {first.state, second.state} == {"scheduled"}
    gone = reversal.cancel(change_id=first.pk, reason="Budget was cut", by=world.ae, now=world.now)
    assert (gone.state, gone.closed_reason) == ("discarded", "Budget was cut")
    assert daily.catch_up(on=date(2026, 7, 11), at=lambda day: datetime(2026, 7, day.day, 8, tzinfo=UTC)).applied == [second.number]
    assert {line.product: line.quantity for line in terms_of(contract()).lines} == {"team": 20, "scheduler": 1}


def test_only_the_maker_finance_or_revops_calls_it_off(world):
    change = apply(world, world.more_seats("25"), effective=date(2026, 7, 1))
    with pytest.raises(NotAllowed, match="Only Ada Ellis"):
        reversal.cancel(change_id=change.pk, reason="Not mine to call off", by=world.csm, now=world.now)
    assert reversal.cancel(change_id=change.pk, reason="The customer called Finance", by=world.finance, now=world.now).state == "discarded"
    assert set(change.notices.filter(event="cancelled").values_list("recipient__name", flat=True)) == {"Ada Ellis"}
    with pytest.raises(NotAllowed, match="Only a scheduled change"):
        reversal.cancel(change_id=change.pk, reason="Twice is once", by=world.ae, now=world.now)


# --- any change at all ----------------------------------------------------------------------------------------------------------


def random_change(world, dice):
    """A change as people make them: more, fewer, another plan, another product, several at once."""
    key, quantity = str(world.seat_line().key), dice.randint(1, 60)
    plan = dice.choice(["starter", "business", "enterprise"])
    choices = [
        [{"action": "quantity", "key": key, "quantity": str(quantity if quantity != 20 else 21)}],
        [{"action": "swap", "key": key, "product": plan, "quantity": str(quantity)}],
        [{"action": "add", "product": dice.choice(["scheduler", "route-analytics", "api-access"]), "quantity": str(dice.randint(1, 3))}],
        [{"action": "add", "product": "training-day", "quantity": "2"}],
        [{"action": "price", "key": key, "unit_price": f"{dice.randint(4500, 9000) / 100:.2f}"}],
        [{"action": "quantity", "key": key, "quantity": str(quantity + 21), "until": "2026-09-01"}],
        [{"action": "remove", "key": key}, {"action": "add", "product": "premium-support", "quantity": "1"}],
    ]
    return dice.choice(choices)


def test_any_change_and_its_reversal_come_to_nothing(world):
    for seed in range(30):
        with transaction.atomic():
            come_to_nothing(world, random.Random(seed))
            transaction.set_rollback(True)


def come_to_nothing(world, dice):
    treatment = dice.choice(["credit_note", "no_adjustment"])
    LegalEntity.objects.update(downgrade_treatment=treatment, proration_shape=dice.choice(["net", "gross"]))
    effective = date(2026, 6, dice.randint(1, 30))
    now = datetime(2026, 6, max(effective.day, 16), 11, tzinfo=UTC)
    intents = random_change(world, dice)
    change = apply(world, intents, effective=effective, now=now)
    back = undo(world, change, now=now)
    assert back.state == "applied"
    assert back.amount_now == -change.amount_now, (intents, effective, treatment)
    issued = Document.objects.filter(reference__in=[change.number, back.number])
    assert sum(d.total if d.kind == "invoice" else -d.total for d in issued) == 0, (intents, effective, treatment)
    assert set(terms_of(contract()).lines) == set(terms_at(contract(), 1).lines)
    assert Deal.objects.get().amount == Decimal(12000)


def test_verify_knows_that_a_month_with_nothing_to_bill_was_billed_before_the_change_was_taken_back(world):
    """July had no line and so no invoice; what is owed for it again is no rest of the reversal."""
    gone = apply(world, seats(world, "0"), treatment="no_adjustment", waiver_reason="Trial went on")
    later = datetime(2026, 7, 1, 6, tzinfo=UTC)
    bill(on=date(2026, 7, 1), at=later)
    then = later + timedelta(days=9)
    back = undo(world, gone, now=then)
    back = changes.approve(change_id=back.pk, version=1, shown_hash=back.content_hash, by=world.head_of_finance, now=then)
    assert document(back).net == Decimal(1000)
    assert_books_hold()


def test_verify_makes_a_reversal_again_after_the_contract_was_ended_before_what_it_reached(world):
    """The change went to September, it was taken back twice, and then the contract was made to end in August (M08)."""
    gone = apply(world, [{**seats(world, "0")[0], "until": "2026-09-20"}], treatment="no_adjustment", waiver_reason="Trial went on")
    back = undo(world, gone)
    undo(world, back)
    renewal.end_early(deal_id=world.deal.pk, on=date(2026, 8, 1), reason="They gave notice", by=world.admin, now=world.now)
    assert_books_hold()


def test_verify_makes_a_reversal_again_that_came_after_the_early_end(world):
    """The change went to September, the contract was made to end in August, and only then the change was taken back (M08)."""
    gone = apply(world, [{**seats(world, "0")[0], "until": "2026-09-20"}], treatment="no_adjustment", waiver_reason="Trial went on")
    renewal.end_early(deal_id=world.deal.pk, on=date(2026, 8, 1), reason="They gave notice", by=world.admin, now=world.now)
    undo(world, gone)
    assert_books_hold()
