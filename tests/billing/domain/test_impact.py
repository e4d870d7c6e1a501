"""The impact of a change: the seed's story to the penny, the policies, the timing, the words, the canonical form."""

import json
from dataclasses import replace
from decimal import Decimal, localcontext
from fractions import Fraction

import pytest

from billing.domain.impact import Impact, Policy, content_hash, impact, invoice_for_period, settled_terms
from billing.domain.refusal import Refusal
from billing.domain.terms import apply_edits
from tests.billing.domain.contracts import HALF_A_YEAR, add, billed, change, d, line, n, price, quantity, remove, swap, terms

CREDIT_NOTE, NEXT, WAIVE, RENEWAL = (
    Policy(treatment=name) for name in ("credit_note", "credit_on_next_invoice", "no_adjustment", "at_renewal")
)


def words(found):
    return [entry.explanation for entry in found.lines]


def plan(found, count=3):
    """(kind, date, net) of the next invoices after."""
    return [(i.kind, i.date.isoformat(), str(i.net)) for i in found.invoices_after[:count]]


# --- the seed's story (ux section 6) ----------------------------------------------------------------------------------


@pytest.mark.req("S0-10", "S0-22", "S0-24", "S0-25", "K01", "K02", "M09")
def test_five_more_seats_halfway_through_june():
    found = change(terms(), quantity(25))
    assert words(found) == ["5 x 50.00 x 15/30 days = 125.00"]
    assert (found.document, found.net, found.tax, found.total) == ("invoice", n("125.00"), n("25.00"), n("150.00"))
    assert (found.lines[0].days, found.lines[0].period_days) == (15, 30)
    assert (found.lines[0].starts, found.lines[0].service_end) == (d("2026-06-16"), d("2026-06-30"))
    assert (found.next_before.net, found.next_before.total) == (n("1000.00"), n("1200.00"))
    assert (found.next_after.net, found.next_after.total, found.next_after.date) == (n("1250.00"), n("1500.00"), d("2026-07-01"))
    assert (found.mrr_before, found.mrr_after, found.mrr_delta) == (n("1000.00"), n("1250.00"), n("250.00"))
    assert found.arr_delta == n("3000.00")
    assert (found.value_before, found.value_after, found.value_delta) == (n("12000.00"), n("13625.00"), n("1625.00"))
    assert (found.mechanism, found.mechanisms) == ("upsell", ("upsell",))
    assert found.summary == "Team: 20 to 25 seats"
    assert (found.scheduled, found.prior_period, found.signed_net) == (False, False, n("125.00"))
    assert len(found.invoices_after) == 6


ONE_OFF = billed("125.00", 6, document="INV-131", line_id=131, starts=d("2026-06-16"))
TWENTY_FIVE = apply_edits(terms(), [quantity(25)], d("2026-06-16"))


@pytest.mark.req("S0-12", "K01")
def test_a_cross_sell_ten_days_before_the_end_of_june():
    found = change(TWENTY_FIVE, add("analytics"), effective="2026-06-21", bills=(ONE_OFF, *HALF_A_YEAR))
    assert words(found) == ["1 x 300.00 x 10/30 days = 100.00"]
    assert (found.net, found.tax, found.next_after.net) == (n("100.00"), n("20.00"), n("1550.00"))
    assert (found.mechanism, found.mrr_delta, found.value_before) == ("cross_sell", n("300.00"), n("13625.00"))
    assert found.summary == "Analytics: 1 added at 300.00"


WITH_ANALYTICS = apply_edits(TWENTY_FIVE, [add("analytics", key="analytics")], d("2026-06-21"))
BILLS = (billed("100.00", 6, "analytics", "INV-132", line_id=132, starts=d("2026-06-21")), ONE_OFF, *HALF_A_YEAR)


@pytest.mark.req("S0-14", "S0-15", "S0-16", "K01", "F61", "M12")
def test_three_seats_fewer_with_a_credit_note():
    found = change(WITH_ANALYTICS, quantity(22), effective="2026-06-24", bills=BILLS)
    assert words(found) == ["3 x 50.00 x 7/30 days = 35.00"]
    assert (found.document, found.net, found.tax, found.total) == ("credit_note", n("35.00"), n("7.00"), n("42.00"))
    assert [(a.line, a.document, a.line_id, a.net, a.tax) for a in found.allocations] == [(0, "INV-131", 131, n("35.00"), n("7.00"))]
    assert (found.next_before.net, found.next_after.net) == (n("1550.00"), n("1400.00"))
    assert (found.mechanism, found.signed_net, found.remainder) == ("downgrade", n("-35.00"), n("0.00"))


# --- needed or not needed (S0-06) ---------------------------------------------------------------------------------------

ARREARS = terms(in_advance=False)
NEEDED = [
    ("first day of a billed period", terms(), quantity(25), "2026-06-01", None, Policy(), "invoice", "charge", "250.00"),
    ("in the middle", terms(), quantity(25), "2026-06-16", None, Policy(), "invoice", "charge", "125.00"),
    ("last day", terms(), quantity(25), "2026-06-30", None, Policy(), "invoice", "charge", "8.33"),
    (
        "no difference in price",
        terms(line(quantity="20", price="0")),
        quantity(25),
        "2026-06-16",
        None,
        Policy(),
        "none",
        "no_difference",
        "0.00",
    ),
    (
        "first day of the next period",
        terms(),
        quantity(25),
        "2026-07-01",
        "2026-06-16",
        Policy(),
        "none",
        "starts_with_next_invoice",
        "0.00",
    ),
    ("later in this period", terms(), quantity(25), "2026-06-21", "2026-06-16", Policy(), "invoice", "charge", "83.33"),
    ("in a period not billed yet", terms(), quantity(25), "2026-07-10", "2026-06-16", Policy(), "none", "future", "0.00"),
    ("downgrade with credit note", terms(), quantity(17), "2026-06-24", None, CREDIT_NOTE, "credit_note", "credit", "35.00"),
    ("downgrade on the next invoice", terms(), quantity(17), "2026-06-24", None, NEXT, "none", "next_invoice", "0.00"),
    ("downgrade without adjustment", terms(), quantity(17), "2026-06-24", None, WAIVE, "none", "waived", "0.00"),
    ("downgrade at renewal", terms(), quantity(17), "2026-06-24", None, RENEWAL, "none", "at_renewal", "0.00"),
    ("no proration", terms(), quantity(25), "2026-06-16", None, Policy(basis="none"), "none", "policy_none", "0.00"),
    ("in arrears", ARREARS, quantity(25), "2026-06-16", None, Policy(), "none", "arrears", "0.00"),
    ("below the minimum", terms(), quantity(21), "2026-06-30", None, Policy(minimum_amount=n(5)), "none", "below_minimum", "0.00"),
    ("rounds to nothing", terms(line(price="0.01")), quantity(21), "2026-06-30", None, Policy(), "none", "rounds_to_nothing", "0.00"),
]


@pytest.mark.req("S0-06", "S0-12", "S0-15", "F68")
@pytest.mark.parametrize("row", NEEDED, ids=[row[0] for row in NEEDED])
def test_whether_a_document_is_needed_and_why(row):
    _, before, edit, effective, today, policy, document, code, net = row
    until = "2026-06-01" if not before.in_advance else "2026-07-01"
    found = change(before, edit, effective=effective, today=today, policy=policy, until=until)
    assert (found.document, found.why_code, str(found.net)) == (document, code, net)
    assert found.why.startswith("Needed" if document != "none" else "Not needed")
    assert found.why.endswith(".")
    assert found.scheduled == (today is not None)


def test_nothing_is_left_to_credit_is_said_with_where_the_rest_goes():
    found = change(terms(), quantity(17), effective="2026-06-24", bills=())
    assert (found.document, found.why_code, found.remainder, found.remainder_to) == (
        "none",
        "nothing_to_credit",
        n("35.00"),
        "customer_balance",
    )
    assert found.lines[0].not_credited == n("35.00")


# --- treatments -----------------------------------------------------------------------------------------------------------


@pytest.mark.req("S0-15")
def test_credit_on_the_next_invoice_is_one_line_of_it():
    found = change(terms(), quantity(17), effective="2026-06-24", policy=NEXT)
    assert [(e.side, e.explanation) for e in found.next_after.lines] == [
        ("charge", "17 x 50.00 = 850.00"),
        ("credit", "3 x 50.00 x 7/30 days = 35.00"),
    ]
    assert (found.next_after.net, found.next_after.tax) == (n("815.00"), n("163.00"))
    assert (found.deferred, found.waived) == (n("-35.00"), n("0.00"))
    assert [a.document for a in found.allocations] == ["INV-6"]
    assert found.deferred_lines == found.lines
    assert found.value_after == change(terms(), quantity(17), effective="2026-06-24").value_after


@pytest.mark.req("M06", "S0-15")
def test_no_adjustment_says_what_is_waived():
    found = change(terms(), quantity(17), effective="2026-06-24", policy=WAIVE)
    assert (found.waived, found.allocations, found.next_after.net) == (n("35.00"), (), n("850.00"))
    assert [e.outcome for e in found.lines] == ["waived"]
    assert found.value_after == n("11100.00")


@pytest.mark.req("M01", "M06", "S0-15")
def test_no_adjustment_waives_all_that_is_owed_less_though_none_of_it_could_be_credited():
    found = change(terms(), quantity(17), effective="2026-06-24", policy=WAIVE, bills=())
    assert (found.waived, found.why_code, found.remainder) == (n("35.00"), "waived", n("0.00"))
    assert [(e.net, e.not_credited) for e in found.lines] == [(n("35.00"), n("0.00"))]


@pytest.mark.req("S0-15", "S0-16")
def test_at_renewal_leaves_the_term_as_it_is():
    after = apply_edits(terms(), [quantity(17)], d("2026-06-24"))
    found = change(terms(), quantity(17), effective="2026-06-24", policy=RENEWAL)
    assert found.invoices_after == found.invoices_before
    assert (found.mrr_after, found.mrr_at_renewal, found.value_delta) == (n("1000.00"), n("850.00"), n("0.00"))
    assert (found.mechanism, found.movements[0].takes_effect) == ("downgrade", d("2027-01-01"))
    assert settled_terms(terms(), after, effective=d("2026-06-24"), policy=RENEWAL).lines == terms().lines
    assert settled_terms(terms(), after, effective=d("2026-06-24"), policy=WAIVE) is after


@pytest.mark.req("D5", "F83", "M28")
@pytest.mark.parametrize(
    ("policy", "document", "net", "next_net", "waived"),
    [
        (CREDIT_NOTE, "invoice", "25.00", "2050.00", "0.00"),
        (NEXT, "invoice", "75.00", "2000.00", "0.00"),
        (WAIVE, "invoice", "75.00", "2050.00", "50.00"),
        (RENEWAL, "invoice", "75.00", "2150.00", "0.00"),
    ],
)
def test_a_mixed_change_treats_only_what_falls(policy, document, net, next_net, waived):
    two = terms(line(), line("analytics", "10", "100", family="insight"))
    bills = (*HALF_A_YEAR, billed("1000.00", 6, "analytics", line_id=60))
    found = change(two, quantity(23), quantity(9, key="analytics"), policy=policy, bills=bills)
    assert (found.document, str(found.net), str(found.next_after.net), str(found.waived)) == (document, net, next_net, waived)
    assert found.mechanisms == ("upsell", "downgrade")
    assert [(m.family, m.mechanism, str(m.mrr_delta)) for m in found.movements] == [
        ("core", "upsell", "150.00"),
        ("insight", "downgrade", "-100.00"),
    ]


def test_both_sides_of_a_swap_downwards_are_treated_together():
    found = change(terms(), swap("basic", "30.00"), policy=WAIVE)
    assert [(e.side, e.outcome) for e in found.lines] == [("credit", "waived"), ("charge", "waived")]
    assert (found.document, found.waived) == ("none", n("200.00"))
    up = change(terms(), swap("enterprise", "80.00"), policy=WAIVE)
    assert (up.document, up.net, up.charge, up.credit, up.waived) == ("invoice", n("300.00"), n("800.00"), n("500.00"), n("0.00"))


def test_without_a_next_invoice_a_credit_cannot_wait_for_it():
    december = tuple(billed(month=month) for month in range(12, 0, -1))
    policy = Policy(treatment="credit_on_next_invoice", minimum_amount=n(1000))
    found = change(terms(), quantity(17), effective="2026-12-25", policy=policy, bills=december, until="2027-01-01")
    assert (found.document, found.net, found.deferred) == ("credit_note", n("33.87"), n("0.00"))


@pytest.mark.req("F81")
def test_a_small_document_is_carried_to_the_next_invoice_not_dropped():
    policy = Policy(minimum_amount=n("125.01"))
    found = change(terms(), quantity(25), policy=policy)
    assert (found.document, found.deferred, found.next_after.net, found.next_after.tax) == ("none", n("125.00"), n("1375.00"), n("275.00"))
    assert (found.lines[0].outcome, found.value_after) == ("carried", n("13625.00"))
    assert change(terms(), quantity(25), policy=replace(policy, minimum_amount=n(125))).document == "invoice"


def test_what_waits_from_an_earlier_change_is_on_both_next_invoices():
    earlier = change(terms(), quantity(21), effective="2026-06-30", policy=Policy(minimum_amount=n(5)))
    now = apply_edits(terms(), [quantity(21)], d("2026-06-30"))
    found = change(now, quantity(22), effective="2026-06-30", pending=earlier.deferred_lines)
    assert (found.next_before.net, found.next_after.net) == (n("1051.67"), n("1101.67"))


@pytest.mark.req("F61")
def test_a_credit_promised_for_the_next_invoice_is_not_promised_twice():
    bills = (billed("40.00", 6),)
    first = change(terms(), quantity(17), effective="2026-06-24", policy=NEXT, bills=bills)
    assert first.deferred == n("-35.00")
    agreed = (replace(bills[0], credited=sum(a.net for a in first.allocations)),)
    now = apply_edits(terms(), [quantity(17)], d("2026-06-24"))
    second = change(now, quantity(14), effective="2026-06-24", bills=agreed, pending=first.deferred_lines, issued=n("40.00"))
    assert (second.net, second.remainder) == (n("5.00"), n("30.00"))
    assert second.value_before == first.value_after


def test_a_credit_larger_than_all_invoices_to_come_is_a_named_remainder():
    two = terms(line(), line("setup", "1", "10", family="x", starts="2026-06-01"))
    bills = (billed("1000.00", 12), *HALF_A_YEAR)
    found = change(two, remove(), effective="2026-06-02", policy=NEXT, bills=bills)
    assert found.deferred == n("-966.67")
    assert [i.net for i in found.invoices_after] == [n("0.00")] * 6
    assert (found.remainder, found.remainder_to) == (n("906.67"), "customer_balance")


# --- caps and allocations ---------------------------------------------------------------------------------------------------


@pytest.mark.req("F61", "M12", "F80")
def test_a_credit_goes_to_the_newest_invoice_first_and_then_to_the_older():
    bills = (billed("20.00", 6, document="INV-131", line_id=131, starts=d("2026-06-16")), *HALF_A_YEAR)
    found = change(TWENTY_FIVE, quantity(22), effective="2026-06-24", bills=bills)
    assert [(a.document, a.net, a.tax) for a in found.allocations] == [("INV-131", n("20.00"), n("4.00")), ("INV-6", n("15.00"), n("3.00"))]


@pytest.mark.req("F61")
def test_only_what_is_not_credited_yet_can_be_credited():
    bills = (replace(ONE_OFF, credited=n("100.00")), replace(billed(), credited=n("995.00")))
    found = change(TWENTY_FIVE, quantity(22), effective="2026-06-24", bills=bills)
    assert (found.net, found.remainder, found.remainder_to) == (n("30.00"), n("5.00"), "customer_balance")
    assert words(found) == ["3 x 50.00 x 7/30 days = 35.00, of which 30.00 can be credited; 5.00 exceeds what was billed"]
    assert (
        change(TWENTY_FIVE, quantity(22), effective="2026-06-24", bills=bills, policy=Policy(remainder_to="refund")).remainder_to
        == "refund"
    )


@pytest.mark.req("F61")
@pytest.mark.parametrize("other", [{"key": "vault"}, {"product": "pro"}, {"starts": d("2026-05-01"), "ends": d("2026-06-01")}])
def test_another_line_product_or_period_lends_nothing(other):
    found = change(TWENTY_FIVE, quantity(22), effective="2026-06-24", bills=(replace(billed(), **other),))
    assert (found.document, found.remainder) == ("none", n("35.00"))


@pytest.mark.req("F73")
def test_a_credit_takes_the_tax_rate_that_was_billed():
    bills = (billed("20.00", tax_rate=n(15), line_id=1), billed("1000.00", tax_rate=n(20), line_id=2))
    found = change(TWENTY_FIVE, quantity(22), effective="2026-06-24", bills=bills)
    assert [(e.net, e.tax_rate, e.tax) for e in found.lines] == [(n("20.00"), n(15), n("3.00")), (n("15.00"), n(20), n("3.00"))]
    assert (found.net, found.tax) == (n("35.00"), n("6.00"))
    assert [(a.line, a.line_id) for a in found.allocations] == [(0, 1), (1, 2)]


@pytest.mark.req("M14")
def test_net_and_tax_in_opposite_directions_are_refused_with_a_way_out():
    two = terms(line(), line("exempt", "1", "10", family="x", tax_rate=n(0)))
    with pytest.raises(Refusal) as refused:
        change(two, quantity(19), quantity(9, key="exempt"))
    assert refused.value.code == "mixed_tax"
    assert "two changes" in refused.value.message


# --- timing -----------------------------------------------------------------------------------------------------------------


@pytest.mark.req("F67", "M21")
def test_a_change_dated_before_the_period_bills_each_earlier_period_on_its_own_line():
    found = change(terms(), quantity(25), effective="2026-04-16", today="2026-06-16")
    assert [(e.explanation, e.prior_period) for e in found.lines] == [
        ("5 x 50.00 x 15/30 days = 125.00", True),
        ("5 x 50.00 x 31/31 days = 250.00", True),
        ("5 x 50.00 x 30/30 days = 250.00", False),
    ]
    assert (found.prior_period, found.net, found.value_after) == (True, n("625.00"), n("14125.00"))


@pytest.mark.req("F67")
@pytest.mark.parametrize("boundary", ["2026-04-01", "2026-05-01", "2026-06-01"])
@pytest.mark.parametrize("offset", [-1, 0, 1])
@pytest.mark.parametrize("closed", [None, "2026-04-01", "2026-05-01", "2026-06-01", "2026-06-15"])
def test_every_effective_day_around_every_close(boundary, offset, closed):
    from datetime import timedelta

    effective = d(boundary) + timedelta(days=offset)
    found = change(terms(), quantity(25), effective=effective.isoformat(), today="2026-06-16", closed_before=d(closed) if closed else None)
    days = {month: (d(f"2026-{month + 1:02d}-01") - max(effective, d(f"2026-{month:02d}-01"))).days for month in (3, 4, 5, 6)}
    full = {3: 31, 4: 30, 5: 31, 6: 30}
    expected = [(days[month], full[month], month < 6) for month in (3, 4, 5, 6) if days[month] > 0]
    assert [(e.days, e.period_days, e.prior_period) for e in found.lines] == expected
    assert found.prior_period == (effective < d("2026-06-01") or (closed is not None and effective < d(closed)))


@pytest.mark.req("F68")
def test_a_scheduled_change_shows_the_document_of_its_day():
    found = change(terms(), quantity(25), effective="2026-06-21", today="2026-06-16")
    assert (found.scheduled, found.document, found.net) == (True, "invoice", n("83.33"))


@pytest.mark.req("F68")
def test_a_change_into_a_period_not_billed_yet_shows_what_will_happen_when():
    found = change(terms(), quantity(25), effective="2026-07-10", today="2026-06-16")
    assert (found.scheduled, found.document, found.expected_document, found.net) == (True, "none", "invoice", n("0.00"))
    assert plan(found) == [
        ("recurring", "2026-07-01", "1000.00"),
        ("one_off", "2026-07-10", "177.42"),
        ("recurring", "2026-08-01", "1250.00"),
    ]
    assert found.next_after.net == n("1000.00")
    assert found.value_after == n("13427.42")
    assert "177.42 GBP is expected" in found.why


@pytest.mark.req("F68", "F76", "M24")
@pytest.mark.parametrize(("effective", "until"), [("2026-06-21", "2026-07-01"), ("2026-07-10", "2026-08-01"), ("2026-08-01", "2026-08-01")])
@pytest.mark.parametrize("edit", [quantity(25), quantity(17), swap("enterprise", "80")])
def test_what_was_agreed_for_a_later_day_is_the_same_on_that_day(effective, until, edit):
    bills = HALF_A_YEAR if until == "2026-07-01" else (billed(month=7), *HALF_A_YEAR)
    agreed = change(terms(), edit, effective=effective, today="2026-06-16")
    on_the_day = change(terms(), edit, effective=effective, bills=bills, until=until)
    assert agreed.agreed() == on_the_day.agreed()
    assert agreed.value_after == on_the_day.value_after
    assert not on_the_day.scheduled
    if effective < "2026-07-01":
        assert replace(agreed, scheduled=False) == on_the_day


def test_a_change_into_a_period_not_billed_yet_is_part_of_its_invoice_when_that_is_late():
    found = change(terms(), quantity(25), effective="2026-07-03", today="2026-07-05")
    assert (found.document, found.why_code, found.scheduled) == ("none", "starts_with_next_invoice", False)
    assert [e.explanation for e in found.next_after.lines] == ["20 x 50.00 x 2/31 days = 64.52", "25 x 50.00 x 29/31 days = 1169.35"]


def test_in_arrears_the_periods_own_invoice_carries_the_change():
    found = change(ARREARS, quantity(25), until="2026-06-01", bills=HALF_A_YEAR[1:])
    assert (found.document, found.next_after.date, found.next_after.net) == ("none", d("2026-07-01"), n("1125.00"))
    assert found.value_after == n("13625.00")


def test_in_arrears_a_billed_period_is_adjusted():
    found = change(ARREARS, quantity(25), effective="2026-05-17", today="2026-06-16", until="2026-06-01", bills=HALF_A_YEAR[1:])
    assert [(e.explanation, e.prior_period) for e in found.lines] == [("5 x 50.00 x 15/31 days = 120.97", True)]
    assert found.next_after.net == n("1250.00")


def test_several_changes_in_one_period_each_start_from_the_one_before():
    first = change(terms(), quantity(25), effective="2026-06-16")
    second = change(TWENTY_FIVE, quantity(30), effective="2026-06-21", bills=(ONE_OFF, *HALF_A_YEAR))
    assert (first.net, second.net) == (n("125.00"), n("83.33"))


def test_a_later_step_in_the_same_period_is_rebased_and_not_billed_twice():
    stepped = terms(line(ends="2026-06-21"), line(quantity="22", starts="2026-06-21"))
    found = change(stepped, quantity(25), effective="2026-06-16")
    assert words(found) == ["5 x 50.00 x 15/30 days = 125.00"]
    assert found.next_after.net == n("1350.00")


@pytest.mark.req("F81")
def test_a_ramp_bills_its_first_step_now_and_shows_the_others():
    found = change(terms(), quantity(25), quantity(30, on=d("2026-09-16")), quantity(40, on=d("2026-11-01")))
    assert words(found) == ["5 x 50.00 x 15/30 days = 125.00"]
    assert [str(i.net) for i in found.invoices_after] == ["1250.00", "1250.00", "1375.00", "1500.00", "2000.00", "2000.00"]
    assert found.summary == "Team: 20 to 25 seats; from 16 Sep 2026 Team: 20 to 30 seats; from 1 Nov 2026 Team: 20 to 40 seats"


def test_a_seasonal_reduction_comes_back_by_itself():
    found = change(terms(), quantity(10, until=d("2026-10-01")), effective="2026-07-01", today="2026-06-16")
    assert [str(i.net) for i in found.invoices_after] == ["500.00", "500.00", "500.00", "1000.00", "1000.00", "1000.00"]
    assert found.summary == "Team: 20 to 10 seats; from 1 Oct 2026 Team: back to 20 seats"


def test_a_discount_and_a_pause_end_by_themselves_on_their_day():
    until = d("2026-10-01")
    discount = change(terms(), price("45.00", until=until), effective="2026-07-01", today="2026-06-16")
    assert discount.summary == "Team: price 50.00 to 45.00; from 1 Oct 2026 Team: price back to 50.00"
    assert [str(i.net) for i in discount.invoices_after[:4]] == ["900.00", "900.00", "900.00", "1000.00"]
    pause = change(terms(), remove(until=until), effective="2026-07-01", today="2026-06-16")
    assert pause.summary == "Team: 20 seats removed; from 1 Oct 2026 Team: back to 20 seats"
    assert {str(i.net) for i in pause.invoices_after if i.date >= until} == {"1000.00"}
    assert not any(i.net for i in pause.invoices_after if i.date < until)


def test_a_temporary_step_within_the_billed_period_is_charged_for_its_days():
    found = change(terms(), quantity(25, until=d("2026-06-22")))
    assert words(found) == ["5 x 50.00 x 6/30 days = 50.00"]
    assert found.next_after.net == n("1000.00")


# --- shapes of billing ----------------------------------------------------------------------------------------------------------


@pytest.mark.req("K01")
def test_an_annual_contract_is_prorated_over_its_year():
    annual = terms(line(quantity="10", price="600"), months=12)
    found = change(annual, quantity(15), effective="2026-07-02", bills=(billed("6000.00", 1, ends=d("2027-01-01")),), until="2027-01-01")
    assert words(found) == ["5 x 600.00 x 183/365 days = 1504.11"]
    assert (found.mrr_delta, found.arr_delta, found.next_after) == (n("250.00"), n("3000.00"), None)


@pytest.mark.req("F70")
def test_leap_february():
    leap = terms(line(quantity="10", starts="2028-01-01"), start="2028-01-01", end="2029-01-01")
    found = change(leap, quantity(15), effective="2028-02-15", until="2028-03-01")
    assert words(found) == ["5 x 50.00 x 15/29 days = 129.31"]


@pytest.mark.req("F74")
@pytest.mark.parametrize(("currency", "amount", "expected"), [("JPY", "5000", "12097"), ("KWD", "15.500", "37.500")])
def test_currencies_of_no_and_of_three_places(currency, amount, expected):
    found = change(terms(line(price=amount, tax_rate=None), currency=currency), quantity(25), effective="2026-07-17", until="2026-08-01")
    assert str(found.net) == expected
    assert len({value.as_tuple().exponent for value in (found.net, found.tax, found.mrr_delta, found.arr_after, found.value_after)}) == 1


def test_rows_of_a_database_with_more_places_change_nothing():
    exact = change(WITH_ANALYTICS, quantity(22), effective="2026-06-24", bills=BILLS)
    rows = tuple(replace(b, net=n(f"{b.net}00"), credited=n("0.0000"), tax_rate=n("20.0000")) for b in BILLS)
    stored = change(WITH_ANALYTICS, quantity(22), effective="2026-06-24", bills=rows)
    assert content_hash(stored) == content_hash(exact)
    waiting = replace(exact.lines[0], net=n("35.0000"), tax=n("7.0000"))
    assert str(invoice_for_period(terms(), terms().period_on(d("2026-07-01")), pending=[waiting]).net) == "965.00"


def test_an_annual_line_added_to_a_monthly_contract_is_billed_to_the_end_of_its_year():
    found = change(terms(), add("vault", "5", "600", "storage", months=12))
    assert words(found) == ["5 x 600.00 x 199/365 days = 1635.62"]
    assert (found.lines[0].ends, found.next_after.net, found.mrr_delta) == (d("2027-01-01"), n("1000.00"), n("250.00"))


def test_a_line_that_moves_to_annual_billing_is_credited_by_month_and_charged_by_year():
    found = change(terms(), swap("team-annual", "500", months=12))
    assert words(found) == ["20 x 50.00 x 15/30 days = 500.00", "20 x 500.00 x 199/365 days = 5452.05"]
    assert [i.net for i in found.invoices_after] == [n("0.00")] * 6


@pytest.mark.req("S0-13")
def test_a_service_is_charged_once_now_and_never_reaches_the_next_invoice():
    found = change(terms(), add("training", "2", "450", "services", recurring=False))
    assert (words(found), found.document, found.net) == (["2 x 450.00 = 900.00"], "invoice", n("900.00"))
    assert (found.next_after.net, found.mrr_delta, found.mechanism) == (n("1000.00"), n("0.00"), "cross_sell")
    assert found.value_delta == n("900.00")


def test_a_service_later_in_the_year_is_on_the_invoice_of_its_period():
    found = change(terms(), add("training", "2", "450", "services", recurring=False), effective="2026-08-10", today="2026-08-10")
    assert (found.document, found.invoices_after[1].net) == ("none", n("1900.00"))
    none = change(terms(), add("training", "2", "450", "services", recurring=False), policy=Policy(basis="none"))
    assert none.net == n("900.00")


def test_a_service_taken_back_before_its_day_is_credited_whole():
    once = line("training", "2", "450", starts="2026-06-20", ends="2026-06-21", family="services", recurring=False)
    bills = (billed("900.00", 6, "training", starts=d("2026-06-20"), ends=d("2026-06-21"), line_id=9),)
    found = change(terms(line(), once), remove("training"), bills=bills)
    assert (found.document, found.net, found.allocations[0].line_id) == ("credit_note", n("900.00"), 9)
    fewer = change(terms(line(), once), quantity(1, key="training"), bills=bills)
    assert words(fewer) == ["1 x 450.00 = 450.00"]


@pytest.mark.req("F66")
def test_the_gross_shape_credits_the_old_and_charges_the_new():
    found = change(terms(line(price="49.99")), quantity(25), effective="2026-02-28", until="2026-03-01", policy=Policy(shape="gross"))
    assert [(e.side, e.explanation) for e in found.lines] == [
        ("credit", "20 x 49.99 x 1/28 days = 35.71"),
        ("charge", "25 x 49.99 x 1/28 days = 44.63"),
    ]
    assert found.net == n("8.92")


def test_a_price_change_is_a_credit_and_a_charge_and_a_price_uplift():
    found = change(terms(), price("52.50"))
    assert words(found) == ["20 x 50.00 x 15/30 days = 500.00", "20 x 52.50 x 15/30 days = 525.00"]
    assert (found.mechanism, found.net, found.summary) == ("price_uplift", n("25.00"), "Team: price 50.00 to 52.50")


@pytest.mark.req("F81")
def test_a_fixed_discount_stays_on_both_sides():
    agreed = terms(fixed_discount=n("100.00"))
    found = change(agreed, quantity(25))
    assert (found.net, found.next_before.net, found.next_after.net) == (n("125.00"), n("900.00"), n("1150.00"))
    assert (found.mrr_before, found.mrr_delta) == (n("900.00"), n("250.00"))


@pytest.mark.parametrize(
    ("basis", "expected"),
    [
        ("thirty_360", "5 x 50.00 x 1/30 days (30/360) = 8.33"),
        ("whole_months", "5 x 50.00 x 1/1 months (a month begun counts whole) = 250.00"),
    ],
)
def test_the_other_bases(basis, expected):
    found = change(terms(), quantity(25), effective="2026-05-31", until="2026-06-01", policy=Policy(basis=basis))
    assert words(found) == [expected]


# --- refusals, horizon, form ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("policy", "field"),
    [
        (Policy(basis="seconds"), "policy.basis"),
        (Policy(shape="round"), "policy.shape"),
        (Policy(treatment="shrug"), "policy.treatment"),
        (Policy(remainder_to="us"), "policy.remainder_to"),
    ],
)
def test_an_unknown_policy_is_named(policy, field):
    with pytest.raises(Refusal) as refused:
        change(terms(), quantity(25), policy=policy)
    assert refused.value.field == field


@pytest.mark.parametrize("effective", ["2025-12-31", "2027-01-01"])
def test_a_day_outside_the_contract_is_refused(effective):
    with pytest.raises(Refusal) as refused:
        impact(
            terms(), TWENTY_FIVE, effective=d(effective), today=d("2026-06-16"), policy=Policy(), billed=(), billed_until=d("2026-07-01")
        )
    assert (refused.value.code, refused.value.field) == ("outside_contract", "effective")


@pytest.mark.req("F62")
@pytest.mark.parametrize("other", ["USD", "EUR", "JPY", "KWD"])
def test_a_change_brings_no_other_currency_into_a_contract(other):
    with pytest.raises(Refusal) as refused:
        impact(
            terms(),
            replace(TWENTY_FIVE, currency=other),
            effective=d("2026-06-16"),
            today=d("2026-06-16"),
            policy=Policy(),
            billed=(),
            billed_until=d("2026-07-01"),
        )
    assert (refused.value.code, refused.value.field) == ("currency_mismatch", "currency")


@pytest.mark.parametrize("other", [{"end": d("2028-01-01")}, {"months": 3}, {"anchor": d("2026-01-31")}, {"in_advance": False}])
def test_a_change_does_not_move_the_term(other):
    with pytest.raises(Refusal) as refused:
        impact(
            terms(),
            replace(TWENTY_FIVE, **other),
            effective=d("2026-06-16"),
            today=d("2026-06-16"),
            policy=Policy(),
            billed=(),
            billed_until=d("2026-07-01"),
        )
    assert refused.value.code == "other_term"


def test_the_horizon_bounds_the_list_and_not_the_value():
    long = terms(end="2031-01-01")
    found = change(long, quantity(25), horizon=24)
    assert (len(found.invoices_before), len(found.invoices_after)) == (24, 24)
    assert found.value_after == n(6000 + 125 + 54 * 1250)


@pytest.mark.req("M18", "M24")
def test_the_canonical_form_is_plain_json_and_comes_back_whole():
    for found in (
        change(terms(), quantity(25), add("analytics"), policy=Policy(rule={"basis": "set on contract C-1042"})),
        change(WITH_ANALYTICS, quantity(22), effective="2026-06-24", bills=BILLS, policy=NEXT),
        change(terms(), swap("enterprise", "80"), effective="2026-07-10", today="2026-06-16"),
    ):
        plain = found.canonical()
        text = json.dumps(plain)
        assert "." not in [type(value) for value in plain.values()]
        assert not any(isinstance(value, float) for value in _leaves(plain))
        assert Impact.from_canonical(json.loads(text)) == found
        assert content_hash(Impact.from_canonical(json.loads(text))) == content_hash(found)
        assert plain["next_after"]["net"] == str(found.next_after.net)


def _leaves(plain):
    if isinstance(plain, dict):
        for value in plain.values():
            yield from _leaves(value)
    elif isinstance(plain, list):
        for value in plain:
            yield from _leaves(value)
    else:
        yield plain


@pytest.mark.req("M18")
def test_the_hash_does_not_see_how_a_number_is_written_and_sees_every_penny():
    written = change(terms(line(quantity="20.0000", price="50.000000")), quantity("25.0000"))
    assert content_hash(written) == content_hash(change(terms(), quantity(25)))
    assert content_hash(change(terms(), quantity(26))) != content_hash(written)
    assert len(content_hash(written)) == 64


@pytest.mark.req("F76")
def test_the_hour_and_the_precision_of_the_thread_change_nothing():
    usual = change(terms(), quantity(25))
    with localcontext() as context:
        context.prec = 4
        assert change(terms(), quantity(25)) == usual
    later_today = change(terms(), quantity(25), today="2026-06-17")
    assert content_hash(later_today) == content_hash(usual)


@pytest.mark.req("M02")
def test_each_line_is_within_half_a_unit_of_its_exact_amount():
    found = change(terms(line(price="49.99")), quantity(25), effective="2026-07-15", today="2026-07-15", until="2026-08-01")
    (entry,) = found.lines
    assert abs(Fraction(entry.net) - Fraction(entry.numerator, entry.denominator)) <= Fraction(1, 200)
    assert entry.net == n("137.07")


@pytest.mark.req("M07", "S0-07")
def test_the_next_invoice_is_a_recompute_from_the_terms():
    found = change(terms(), quantity(25), add("analytics", key="analytics"))
    after = apply_edits(terms(), [quantity(25), add("analytics", key="analytics")], d("2026-06-16"))
    assert found.next_after == invoice_for_period(after, after.period_on(d("2026-07-01")))
    assert isinstance(found.next_after.net, Decimal)
