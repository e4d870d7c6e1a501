"""The one pricing function of recurring invoices."""

import itertools
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.domain import money
from billing.domain.invoice import divided, invoice_for_period
from billing.domain.periods import billing_periods
from billing.domain.refusal import Refusal
from billing.domain.terms import apply_edits
from tests.billing.domain.contracts import add, change, d, line, n, quantity, swap, terms
from tests.billing.domain.effort import effort


def invoice(agreed, day="2026-07-01", **more):
    return invoice_for_period(agreed, agreed.period_on(d(day)), **more)


def words(found):
    return [entry.explanation for entry in found.lines]


@pytest.mark.req("K02", "S0-25")
def test_a_whole_period_is_quantity_times_price_plus_tax():
    found = invoice(terms(line(quantity="25")))
    assert words(found) == ["25 x 50.00 = 1250.00"]
    assert (found.net, found.tax, found.total, found.date) == (n("1250.00"), n("250.00"), n("1500.00"), d("2026-07-01"))
    assert (found.starts, found.ends, found.kind) == (d("2026-07-01"), d("2026-08-01"), "recurring")


@pytest.mark.req("M01")
def test_a_step_within_the_period_is_charged_for_its_own_days():
    agreed = apply_edits(terms(), [quantity(25)], d("2026-06-16"))
    found = invoice(agreed, "2026-06-01")
    assert words(found) == ["20 x 50.00 x 15/30 days = 500.00", "25 x 50.00 x 15/30 days = 625.00"]
    assert found.net == n("1125.00")


@pytest.mark.req("S0-13")
def test_a_line_until_a_date_drops_off_on_it():
    agreed = terms(line(ends="2026-07-11"))
    assert words(invoice(agreed)) == ["20 x 50.00 x 10/31 days = 322.58"]
    assert invoice(agreed, "2026-08-01").lines == ()


@pytest.mark.req("S0-13")
def test_a_one_time_line_is_charged_once_and_whole():
    agreed = apply_edits(terms(), [add("setup", "2", "450", "services", recurring=False)], d("2026-07-20"))
    assert words(invoice(agreed, "2026-06-01")) == ["20 x 50.00 = 1000.00"]
    assert words(invoice(agreed)) == ["20 x 50.00 = 1000.00", "2 x 450.00 = 900.00"]
    assert words(invoice(agreed, "2026-08-01")) == ["20 x 50.00 = 1000.00"]


def test_stubs_at_both_ends_are_fractions_of_their_full_period():
    agreed = terms(line(starts="2026-01-15"), start="2026-01-15", end="2026-12-10", anchor="2026-02-01")
    assert words(invoice(agreed, "2026-01-15")) == ["20 x 50.00 x 17/31 days = 548.39"]
    assert words(invoice(agreed, "2026-12-01")) == ["20 x 50.00 x 9/31 days = 290.32"]


@pytest.mark.parametrize(
    ("basis", "expected"),
    [
        ("thirty_360", "20 x 50.00 x 16/30 days (30/360) = 533.33"),
        ("whole_months", "20 x 50.00 = 1000.00"),
        ("none", "20 x 50.00 = 1000.00"),
    ],
)
def test_stubs_follow_the_basis_of_the_policy(basis, expected):
    agreed = terms(line(starts="2026-01-15"), start="2026-01-15", anchor="2026-02-01")
    assert words(invoice(agreed, "2026-01-15", basis=basis)) == [expected]


def test_an_annual_line_on_a_monthly_contract_is_on_the_invoice_its_year_begins_with():
    annual = line("vault", "5", "600", family="storage", months=12)
    agreed = terms(line(), annual, end="2028-01-01")
    assert words(invoice(agreed, "2026-01-01")) == ["20 x 50.00 = 1000.00", "5 x 600.00 = 3000.00"]
    assert words(invoice(agreed, "2026-07-01")) == ["20 x 50.00 = 1000.00"]
    assert words(invoice(agreed, "2027-01-01")) == ["20 x 50.00 = 1000.00", "5 x 600.00 = 3000.00"]


def test_a_monthly_line_on_a_quarterly_contract_is_on_the_invoice_three_times():
    agreed = terms(line("team", "1", "300"), line("addon", "2", "10", months=1), months=3)
    found = invoice(agreed, "2026-04-01")
    assert words(found) == ["1 x 300.00 = 300.00", "2 x 10.00 = 20.00", "2 x 10.00 = 20.00", "2 x 10.00 = 20.00"]
    assert [entry.starts for entry in found.lines[1:]] == [d("2026-04-01"), d("2026-05-01"), d("2026-06-01")]


def test_in_arrears_the_invoice_follows_its_period():
    annual = line("vault", "5", "600", family="storage", months=12)
    agreed = terms(line(), annual, line("addon", "1", "9", months=6), in_advance=False)
    june = invoice(agreed, "2026-06-01")
    assert (june.date, words(june)) == (d("2026-07-01"), ["20 x 50.00 = 1000.00", "1 x 9.00 = 9.00"])
    assert words(invoice(agreed, "2026-12-01")) == ["20 x 50.00 = 1000.00", "5 x 600.00 = 3000.00", "1 x 9.00 = 9.00"]


@pytest.mark.req("F81")
def test_a_percentage_discount_is_part_of_the_price():
    assert words(invoice(terms(line(discount=n("12.5"))))) == ["20 x 50.00 less 12.5% = 875.00"]


@pytest.mark.req("F81")
def test_a_fixed_discount_is_shared_by_largest_remainder():
    agreed = terms(line("a", "1", "10"), line("b", "1", "10"), line("c", "1", "10"), fixed_discount=n("10.00"))
    found = invoice(agreed)
    assert [entry.discount_share for entry in found.lines] == [n("3.34"), n("3.33"), n("3.33")]
    assert [entry.net for entry in found.lines] == [n("6.66"), n("6.67"), n("6.67")]
    assert (found.net, found.tax) == (n("20.00"), n("3.99"))  # 1.332, 1.334 and 1.334, each rounded
    assert words(found)[0] == "1 x 10.00 = 10.00, less 3.34 of the fixed discount = 6.66"
    assert all(Fraction(entry.numerator, entry.denominator) == Fraction(entry.net) for entry in found.lines)


def test_a_fixed_discount_takes_its_part_of_a_stub_and_never_more_than_there_is():
    agreed = terms(line(starts="2026-01-15"), start="2026-01-15", anchor="2026-02-01", fixed_discount=n("100.00"))
    assert invoice(agreed, "2026-01-15").net == n("493.55")  # 548.39 - 54.84
    assert invoice(terms(line("a", "1", "10"), fixed_discount=n("100.00"))).net == n("0.00")
    assert invoice(terms(line(ends="2026-03-01"), fixed_discount=n("100.00"))).lines == ()


@pytest.mark.req("F73", "M14", "M30")
def test_a_credit_at_a_higher_tax_rate_never_makes_the_tax_of_the_next_invoice_negative():
    """300.00 at 20 % waits; the next invoice charges 1,000.00 without tax and 100.00 at 20 %: 100.00 of the credit fits."""
    (credit,) = change(terms(), quantity(8), effective="2026-06-16").lines  # 12 x 50.00 x 15/30 = 300.00
    mixed = terms(line("exempt", "1", "1000", tax_rate=n(0)), line(quantity="2"))
    first = invoice(mixed, "2026-07-01", pending=[credit, credit])
    assert (first.net, first.tax, first.total) == (n("1000.00"), n("0.00"), n("1000.00"))
    assert [(entry.net, entry.tax) for entry in first.carried_over] == [(n("200.00"), n("40.00")), (n("300.00"), n("60.00"))]
    exempt_only = invoice(terms(line("exempt", "1", "1000", tax_rate=n(0))), "2026-07-01", pending=[credit])
    assert (exempt_only.net, exempt_only.tax, exempt_only.carried_over) == (n("1000.00"), n("0.00"), (credit,))


@pytest.mark.req("M07")
def test_pending_charges_join_the_next_invoice_and_credits_as_far_as_they_fit():
    big = change(terms(), quantity(5), policy=None, effective="2026-06-02").lines  # 15 x 50.00 x 29/30 = 725.00 credit
    (credit,) = big
    small = terms(line(quantity="5"))
    first = invoice(small, "2026-07-01", pending=[credit, credit])
    assert (first.net, first.tax, first.total) == (n("0.00"), n("0.00"), n("0.00"))
    assert [entry.net for entry in first.carried_over] == [n("475.00"), n("725.00")]
    second = invoice(small, "2026-08-01", pending=first.carried_over)
    assert [entry.net for entry in second.carried_over] == [n("225.00"), n("725.00")]
    whole = [entry for found in (first, second) for entry in found.lines if entry.side == "credit"]
    assert [entry.explanation for entry in whole] == [
        "250.00 of 15 x 50.00 x 29/30 days = 725.00",
        "250.00 of 15 x 50.00 x 29/30 days = 725.00",
    ]


@effort(100)
@given(st.integers(1, 10**6), st.integers(1, 10**6))
def test_the_parts_of_a_divided_line_add_up(units, cut):
    agreed = terms(line(quantity=units, price="0.37"))
    (whole,) = invoice(agreed).lines
    first = money.from_units(min(cut, money.to_units(whole.net, 2)), 2)
    now, later = divided(whole, first)
    assert money.add(now.net, later.net) == whole.net
    assert money.add(now.tax, later.tax) == whole.tax
    assert now.tax >= 0
    assert later.tax >= 0
    exact = Fraction(now.numerator, now.denominator) + Fraction(later.numerator, later.denominator)
    assert exact == Fraction(whole.numerator, whole.denominator)


@pytest.mark.req("F63")
def test_a_document_above_ten_to_the_fifteen_minor_units_is_refused():
    with pytest.raises(Refusal) as refused:
        invoice(terms(line(quantity="10000000", price="1000000.01")))
    assert refused.value.code == "too_large"
    several = [line(str(number), "10000000", "300000") for number in range(4)]
    with pytest.raises(Refusal) as refused:
        invoice(terms(*several))
    assert refused.value.code == "too_large"


@pytest.mark.req("M02")
def test_every_line_keeps_its_exact_amount_beside_the_rounded_one():
    (entry,) = invoice(terms(line(quantity="5", price="49.99", ends="2026-07-18"))).lines
    assert Fraction(entry.numerator, entry.denominator) == Fraction("5") * Fraction("49.99") * Fraction(17, 31)
    assert entry.net == n("137.07")


@pytest.mark.req("M01", "M22")
@effort(60)
@given(st.sampled_from([1, 3, 6, 12]), st.integers(20, 900), st.integers(0, 27), st.booleans(), st.sampled_from([None, 1, 3, 12]))
def test_the_invoices_of_a_term_charge_each_day_once(months, length, anchor, in_advance, own):
    from datetime import timedelta

    start = d("2027-01-05")
    end = start + timedelta(days=length)
    agreed = terms(
        line(quantity="7", price="31", starts="2027-01-05", months=own),
        start="2027-01-05",
        end=end.isoformat(),
        months=months,
        anchor=f"2026-12-{anchor + 1:02d}",
        in_advance=in_advance,
    )
    charged: list[tuple] = []
    for period in billing_periods(start, end, months, agreed.anchor):
        charged += [(entry.starts, entry.ends) for entry in invoice_for_period(agreed, period).lines]
    charged.sort()
    assert charged[0][0] == start
    assert charged[-1][1] == end
    assert all(earlier[1] == later[0] for earlier, later in itertools.pairwise(charged))


def test_a_swap_within_the_period_shows_both_plans():
    agreed = apply_edits(terms(), [swap("enterprise", "80.00")], d("2026-07-11"))
    assert words(invoice(agreed)) == ["20 x 50.00 x 10/31 days = 322.58", "20 x 80.00 x 21/31 days = 1083.87"]


def test_a_line_of_quantity_zero_is_not_charged():
    assert invoice(terms(line(quantity="0"))).lines == ()
    assert invoice(terms(line(quantity="0"))).net == Decimal("0.00")
