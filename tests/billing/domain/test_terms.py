"""Edits on the terms of a contract: cutting, re-basing, undoing, refusing."""

import itertools
from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.domain.terms import Edit, TermsError, apply_edits
from tests.billing.domain.contracts import add, d, line, n, price, quantity, remove, swap, terms
from tests.billing.domain.effort import effort


def held(after, key="team"):
    """(starts, ends, product, quantity, price) of the slices of one line."""
    return [
        (s.starts.isoformat(), s.ends.isoformat() if s.ends else None, s.product, str(s.quantity.normalize()), f"{s.unit_price:.2f}")
        for s in after.by_key.get(key, ())
    ]


def refused(before, *edits, on="2026-06-16"):
    with pytest.raises(TermsError) as error:
        apply_edits(before, edits, d(on))
    assert error.value.message
    return error.value.code, error.value.field


@pytest.mark.req("S0-09", "S0-22")
def test_the_effective_day_belongs_to_the_new_terms():
    after = apply_edits(terms(), [quantity(25)], d("2026-06-16"))
    assert held(after) == [("2026-01-01", "2026-06-16", "team", "2E+1", "50.00"), ("2026-06-16", None, "team", "25", "50.00")]


def test_what_is_not_touched_stays_the_very_same():
    other = line("vault", "3", "7.00", family="storage")
    before = terms(line(), other)
    after = apply_edits(before, [quantity(25)], d("2026-06-16"))
    assert after.by_key["vault"][0] is other
    assert (after.start, after.end, after.months, after.currency) == (before.start, before.end, before.months, before.currency)


def test_a_change_on_the_first_day_of_a_slice_replaces_it():
    assert held(apply_edits(terms(), [quantity(25)], d("2026-01-01"))) == [("2026-01-01", None, "team", "25", "50.00")]


@pytest.mark.req("F06")
def test_a_step_agreed_for_later_keeps_its_own_difference():
    before = terms(line(ends="2026-08-01"), line(quantity="22", starts="2026-08-01"))
    after = apply_edits(before, [quantity(25)], d("2026-06-16"))
    assert [row[3] for row in held(after)] == ["2E+1", "25", "27"]


def test_a_later_plan_keeps_its_plan_and_price_and_takes_the_seats():
    before = terms(line(ends="2026-08-01"), line(starts="2026-08-01", product="enterprise", name="Enterprise", price="80.00"))
    after = apply_edits(before, [quantity(25)], d("2026-06-16"))
    assert held(after)[1:] == [("2026-06-16", "2026-08-01", "team", "25", "50.00"), ("2026-08-01", None, "enterprise", "25", "80.00")]
    dearer = apply_edits(before, [price("52.00")], d("2026-06-16"))
    assert [row[4] for row in held(dearer)] == ["50.00", "52.00", "80.00"]


def test_a_later_price_step_keeps_its_own_difference():
    before = terms(line(ends="2026-08-01"), line(price="55.00", starts="2026-08-01"))
    assert [row[4] for row in held(apply_edits(before, [price("52.00")], d("2026-06-16")))] == ["50.00", "52.00", "57.00"]


def test_a_swap_keeps_line_quantity_discount_and_later_steps():
    before = terms(line(ends="2026-08-01", discount=n(10)), line(quantity="22", starts="2026-08-01", discount=n(10)))
    after = apply_edits(before, [swap("enterprise", "80.00", tier=3)], d("2026-06-16"))
    assert held(after) == [
        ("2026-01-01", "2026-06-16", "team", "2E+1", "50.00"),
        ("2026-06-16", "2026-08-01", "enterprise", "2E+1", "80.00"),
        ("2026-08-01", None, "enterprise", "22", "80.00"),
    ]
    assert {s.discount for s in after.lines} == {n(10)}


@pytest.mark.req("S0-13")
def test_until_makes_an_edit_temporary():
    after = apply_edits(terms(), [quantity(10, until=d("2026-10-01"))], d("2026-07-01"))
    assert [(*row[:2], row[3]) for row in held(after)] == [
        ("2026-01-01", "2026-07-01", "2E+1"),
        ("2026-07-01", "2026-10-01", "1E+1"),
        ("2026-10-01", None, "2E+1"),
    ]
    added = apply_edits(terms(), [add("analytics", until=d("2026-10-01"), key="new")], d("2026-07-01"))
    assert held(added, "new") == [("2026-07-01", "2026-10-01", "analytics", "1", "300.00")]


@pytest.mark.req("F81")
def test_a_ramp_is_several_dated_steps_in_one_change():
    steps = [quantity(40, on=d("2026-11-01")), quantity(25), quantity(30, on=d("2026-09-10"))]
    after = apply_edits(terms(), steps, d("2026-06-16"))
    assert [(row[0], int(Decimal(row[3]))) for row in held(after)] == [
        ("2026-01-01", 20),
        ("2026-06-16", 25),
        ("2026-09-10", 30),
        ("2026-11-01", 40),
    ]


def test_a_later_step_may_raise_what_an_earlier_one_adds():
    after = apply_edits(terms(), [add("analytics", key="new"), quantity(3, key="new", on=d("2026-09-01"))], d("2026-06-16"))
    assert [(row[0], row[3]) for row in held(after, "new")] == [("2026-06-16", "1"), ("2026-09-01", "3")]


def test_quantity_zero_and_removal_end_a_line():
    for edit in (quantity(0), remove()):
        after = apply_edits(terms(line(), line("vault", family="storage")), [edit], d("2026-06-16"))
        assert held(after) == [("2026-01-01", "2026-06-16", "team", "2E+1", "50.00")]
    whole = apply_edits(terms(line(), line("vault", family="storage")), [remove()], d("2026-01-01"))
    assert held(whole) == []


def test_a_removal_takes_the_steps_agreed_for_later_with_it():
    before = terms(line(ends="2026-08-01"), line(quantity="22", starts="2026-08-01"))
    assert [row[0] for row in held(apply_edits(before, [remove()], d("2026-06-16")))] == ["2026-01-01"]


@pytest.mark.req("F82")
def test_a_step_and_its_reverse_leave_no_trace():
    before = terms()
    up = apply_edits(before, [quantity(25)], d("2026-06-16"))
    assert apply_edits(up, [quantity(20)], d("2026-06-16")) == before
    added = apply_edits(before, [add("analytics", key="new")], d("2026-06-16"))
    assert set(apply_edits(added, [remove("new")], d("2026-06-16")).lines) == set(before.lines)


def test_the_key_of_a_new_line_is_the_same_for_the_same_preview_and_its_own_otherwise():
    first, again = (apply_edits(terms(), [add("analytics")], d("2026-06-16")) for _ in range(2))
    assert first == again
    later = apply_edits(terms(), [add("analytics")], d("2026-06-17"))
    two = apply_edits(terms(), [add("analytics"), add("maps")], d("2026-06-16"))
    keys = {s.key for s in (*first.lines, *later.lines, *two.lines)}
    assert len(keys) == 4


def test_a_product_may_come_back_after_it_went():
    gone = apply_edits(terms(), [remove()], d("2026-03-01"))
    back = apply_edits(gone, [add("team", "5", "50.00", "core")], d("2026-06-16"))
    assert len(back.by_key) == 2


@pytest.mark.parametrize("action", [quantity(5, key="once"), price("80", key="once"), remove("once")])
def test_what_is_charged_once_can_be_changed_until_its_day(action):
    once = line("once", "1", "900", starts="2026-07-01", ends="2026-07-02", family="services", recurring=False)
    after = apply_edits(terms(line(), once), [action], d("2026-06-16"))
    rows = [(row[3], row[4]) for row in held(after, "once")]
    assert rows in ([("5", "900.00")], [("1", "80.00")], [])
    assert refused(terms(line(), once), action, on="2026-07-02") == ("delivered", "edits[0].key")


def test_two_services_of_one_kind_are_two_services():
    once = add("training", "1", "500", "services", recurring=False)
    after = apply_edits(apply_edits(terms(), [once], d("2026-06-16")), [once], d("2026-06-20"))
    assert sum(not s.recurring for s in after.lines) == 2


@pytest.mark.req("F64", "S0-14")
@pytest.mark.parametrize(
    ("edits", "code", "field"),
    [
        ([quantity(25, key="nobody")], "unknown_line", "edits[0].key"),
        ([Edit("quantity", quantity=n(25))], "missing", "edits[0].key"),
        ([Edit("quantity", "team")], "missing", "edits[0].quantity"),
        ([quantity(-1)], "negative", "edits[0].quantity"),
        ([quantity(20)], "nothing_changed", "edits[0].quantity"),
        ([quantity("20.00")], "nothing_changed", "edits[0].quantity"),
        ([quantity(10_000_001)], "too_large", "edits[0].quantity"),
        ([quantity("20.00001")], "too_many_places", "edits[0].quantity"),
        ([quantity("NaN")], "not_a_number", "edits[0].quantity"),
        ([Edit("quantity", "team", quantity=25.0)], "wrong_type", "edits[0].quantity"),
        ([Edit("quantity", "team", quantity=25)], "wrong_type", "edits[0].quantity"),
        ([price("50.00")], "nothing_changed", "edits[0].unit_price"),
        ([price("-0.01")], "negative", "edits[0].unit_price"),
        ([price("1000000000.01")], "too_large", "edits[0].unit_price"),
        ([price("0.0000001")], "too_many_places", "edits[0].unit_price"),
        ([swap("team", "60")], "same_product", "edits[0].product"),
        ([swap("", "60")], "missing", "edits[0].product"),
        ([Edit("swap", "team", product="pro", name="Pro", family="core")], "missing", "edits[0].unit_price"),
        ([add("team", "5", "50", "core")], "already_on_contract", "edits[0].product"),
        ([add("analytics"), add("analytics")], "already_on_contract", "edits[1].product"),
        ([add("analytics", key="team")], "already_on_contract", "edits[0].key"),
        ([add("analytics", "0")], "nothing_changed", "edits[0].quantity"),
        ([add("analytics", months=0)], "wrong_months", "edits[0].months"),
        ([add("analytics", discount=n(101))], "too_large", "edits[0].discount"),
        ([add("analytics", tax_rate=n(-1))], "negative", "edits[0].tax_rate"),
        ([quantity(25, until=d("2026-06-16"))], "wrong_order", "edits[0].until"),
        ([quantity(25, until=d("2027-01-02"))], "wrong_order", "edits[0].until"),
        ([quantity(25, on=d("2026-06-15"))], "wrong_order", "edits[0].on"),
        ([quantity(25, on=d("2027-01-01"))], "outside_contract", "edits[0].on"),
        ([quantity(25), quantity(25)], "nothing_changed", "edits[1].quantity"),
        ([quantity(25), quantity(20)], "nothing_changed", "edits"),
        ([Edit("double", "team")], "unknown_action", "edits[0].action"),
        ([], "nothing_changed", "edits"),
    ],
)
def test_an_edit_that_cannot_be_names_its_field(edits, code, field):
    assert refused(terms(), *edits) == (code, field)


@pytest.mark.parametrize("on", ["2025-12-31", "2027-01-01", "2030-01-01"])
def test_a_day_outside_the_contract_is_refused(on):
    assert refused(terms(), quantity(25), on=on) == ("outside_contract", "effective")


def test_a_line_is_changed_only_while_it_is_in_force():
    before = terms(line(ends="2026-05-01"), line("late", starts="2026-09-01"))
    assert refused(before, quantity(25)) == ("not_held", "edits[0].key")
    assert refused(before, quantity(25, key="late")) == ("not_held", "edits[0].key")


def test_a_later_step_may_not_fall_below_zero():
    before = terms(line(ends="2026-08-01"), line(quantity="5", starts="2026-08-01"))
    assert refused(before, quantity(10)) == ("below_zero", "edits[0].quantity")
    assert [row[3] for row in held(apply_edits(before, [quantity(15)], d("2026-06-16")))] == ["2E+1", "15"]


@pytest.mark.req("F81")
def test_nothing_goes_below_what_the_customer_committed_to():
    before = terms(line(minimum=n(18)))
    assert refused(before, quantity(17)) == ("below_commitment", "edits[0].quantity")
    assert refused(before, remove()) == ("below_commitment", "edits[0].key")
    apply_edits(before, [quantity(18)], d("2026-06-16"))


def test_a_swap_to_a_product_on_another_line_is_refused():
    assert refused(terms(line(), line("pro")), swap("pro", "60")) == ("already_on_contract", "edits[0].product")


DAYS = st.integers(0, 364).map(lambda offset: date(2026, 1, 1) + timedelta(days=offset))


@pytest.mark.req("M08", "F16")
@effort(120)
@given(st.lists(st.tuples(DAYS, st.integers(-5, 9)), min_size=1, max_size=12), st.randoms())
def test_steps_of_quantity_give_the_same_terms_in_any_order(steps, chance):
    """Re-basing means: each step adds its own difference from its day on, whoever came first."""

    def apply(order):
        now = terms(line(quantity="500"))
        for day, delta in order:
            if delta:
                current = next(s for s in now.on(day) if s.key == "team").quantity
                now = apply_edits(now, [quantity(current + delta)], day)
        return now

    shuffled = list(steps)
    chance.shuffle(shuffled)
    assert apply(steps) == apply(shuffled)


@effort(120)
@given(st.lists(st.tuples(DAYS, st.integers(0, 40)), min_size=1, max_size=12))
def test_slices_never_overlap_and_say_what_the_last_edit_said(steps):
    now = terms(line(quantity="500"))
    for day, target in steps:
        current = [s for s in now.on(day) if s.key == "team"]
        if not current or current[0].quantity == target:
            continue
        try:
            now = apply_edits(now, [quantity(target)], day)
        except TermsError as error:
            assert error.code == "below_zero"
            continue
        assert sum((s.quantity for s in now.on(day)), Decimal(0)) == target
        slices = now.by_key.get("team", ())
        assert all(earlier.ends is not None and earlier.ends <= later.starts for earlier, later in itertools.pairwise(slices))
        assert all(earlier.terms != later.terms or earlier.ends < later.starts for earlier, later in itertools.pairwise(slices))
        assert all(s.quantity > 0 and (s.ends is None or s.starts < s.ends) for s in slices)
