"""Taking a change back: same amounts, opposite sign, newer changes kept."""

import random
from dataclasses import replace
from datetime import timedelta

import pytest

from billing.domain.impact import Policy, impact
from billing.domain.reversal import undo
from billing.domain.terms import TermsError, apply_edits
from tests.billing.domain.contracts import HALF_A_YEAR, add, billed, change, d, line, n, price, quantity, remove, swap, terms
from tests.billing.domain.effort import cases

EDITS = [
    quantity(25),
    quantity(17),
    quantity(30, until=d("2026-09-01")),
    price("55.00"),
    swap("enterprise", "80.00"),
    swap("enterprise", "80.00", quantity=n(12)),
    add("analytics", key="new"),
    add("training", "2", "450", "services", recurring=False, key="once"),
    remove(),
    remove(until=d("2026-08-01")),
]


@pytest.mark.req("F82")
@pytest.mark.parametrize("edit", EDITS, ids=lambda edit: edit.action)
def test_right_after_a_change_its_undoing_is_what_was_before(edit):
    after = apply_edits(terms(), [edit], d("2026-06-16"))
    assert set(undo(terms(), after, after).lines) == set(terms().lines)


@pytest.mark.parametrize("edit", EDITS[:7], ids=lambda edit: edit.action)
def test_a_newer_change_of_another_line_is_kept(edit):
    before = terms(line(), line("vault", "3", "7", family="storage"))
    after = apply_edits(before, [edit], d("2026-06-16"))
    newer = quantity(8, key="vault")
    current = apply_edits(after, [newer], d("2026-06-20"))
    assert set(undo(before, after, current).lines) == set(apply_edits(before, [newer], d("2026-06-20")).lines)


def test_newer_seats_stay_when_older_ones_go():
    after = apply_edits(terms(), [quantity(25)], d("2026-06-16"))
    current = apply_edits(after, [quantity(28)], d("2026-07-10"))
    back = undo(terms(), after, current)
    assert [(s.starts.isoformat(), int(s.quantity)) for s in back.lines] == [("2026-01-01", 20), ("2026-07-10", 23)]


def test_a_scheduled_swap_is_kept_when_the_seats_before_it_go():
    after = apply_edits(terms(), [quantity(25)], d("2026-06-16"))
    current = apply_edits(after, [swap("enterprise", "80.00")], d("2026-08-01"))
    back = undo(terms(), after, current)
    assert [(s.product, int(s.quantity), str(s.unit_price)) for s in back.lines] == [("team", 20, "50.00"), ("enterprise", 20, "80.00")]
    unswapped = undo(after, current, current)
    assert set(unswapped.lines) == set(after.lines)


def test_seats_that_newer_changes_have_taken_cannot_go_twice():
    after = apply_edits(terms(), [quantity(60)], d("2026-06-16"))
    current = apply_edits(after, [quantity(30)], d("2026-07-01"))
    with pytest.raises(TermsError) as refused:
        undo(terms(), after, current)
    assert (refused.value.code, refused.value.field) == ("below_zero", "change")
    moved = apply_edits(terms(), [add("training", "2", "450", "services", recurring=False, key="once")], d("2026-07-16"))
    with pytest.raises(TermsError) as refused:
        undo(terms(), moved, apply_edits(moved, [quantity(3, key="once")], d("2026-07-10")))
    assert refused.value.code == "moved_on"


@pytest.mark.req("M23", "F82", "M12")
@pytest.mark.parametrize("minimum", [0, 1000])
@pytest.mark.parametrize("treatment", ["credit_note", "no_adjustment", "credit_on_next_invoice"])
@pytest.mark.parametrize("shape", ["net", "gross"])
@pytest.mark.parametrize("edit", EDITS[:7] + EDITS[8:9], ids=lambda edit: edit.action)
def test_a_reversal_has_the_same_amounts_with_the_opposite_sign(edit, shape, treatment, minimum):
    after = apply_edits(terms(), [edit], d("2026-06-16"))
    first = change(terms(), edit, policy=Policy(shape=shape, treatment=treatment, minimum_amount=n(minimum)))
    bills = (
        *(_as_billed(number, entry) for number, entry in enumerate(first.document_lines, start=100) if entry.side == "charge"),
        *HALF_A_YEAR,
    )
    for entry in first.allocations:
        bills = tuple(replace(b, credited=b.credited + entry.net) if b.line_id == entry.line_id else b for b in bills)
    back = impact(
        after,
        undo(terms(), after, after),
        effective=d("2026-06-16"),
        today=d("2026-06-18"),
        policy=Policy(shape=shape),
        billed=bills,
        billed_until=d("2026-07-01"),
        issued=sum((entry.net for entry in HALF_A_YEAR), first.signed_net),
        pending=first.deferred_lines,
        waived_before=[entry for entry in first.lines if entry.outcome == "waived"],
        waiting_before=first.deferred_lines,
    )
    assert back.signed_net == -first.signed_net
    assert (back.tax, back.total, back.waived, back.remainder) == (first.tax, first.total, -first.waived, n("0.00"))
    assert (back.mrr_delta, back.value_after) == (-first.mrr_delta, first.value_before)
    assert (back.why_code == "waiver_reversed") == (first.why_code == "waived")
    assert (back.deferred, back.deferred_lines) == (-first.deferred, ())
    assert (back.why_code == "withdrawn") == (first.why_code in ("next_invoice", "below_minimum"))
    assert [invoice.total for invoice in back.invoices_after] == [invoice.total for invoice in first.invoices_before]


def _as_billed(number, entry):
    return billed(
        str(entry.net), 6, entry.key, f"INV-{number}", line_id=number, product=entry.product, starts=entry.starts, ends=entry.ends
    )


@pytest.mark.req("M08", "M23")
@pytest.mark.parametrize("seed", range(4))
def test_undoing_one_of_many_steps_leaves_the_others(seed):
    chance = random.Random(seed)
    for _ in range(cases(30, proof=2_000)):
        steps = [(d("2026-01-01") + timedelta(days=chance.randrange(365)), chance.choice((-2, -1, 1, 3, 7))) for _ in range(6)]
        skipped = chance.randrange(len(steps))
        versions = [terms(line(quantity="100"))]
        for day, delta in steps:
            versions.append(_step(versions[-1], day, delta))
        without = terms(line(quantity="100"))
        for number, (day, delta) in enumerate(steps):
            if number != skipped:
                without = _step(without, day, delta)
        assert set(undo(versions[skipped], versions[skipped + 1], versions[-1]).lines) == set(without.lines)


def _step(now, day, delta):
    return apply_edits(now, [quantity(now.on(day)[0].quantity + delta)], day)
