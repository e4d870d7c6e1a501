"""A change on any day: before the period, ahead of it, in arrears, after another change, and with steps of later days."""

from dataclasses import replace

import pytest

from tests.billing.domain.contracts import (
    ARREARS,
    HALF_A_YEAR,
    ONE_OFF,
    TWENTY_FIVE,
    billed,
    change,
    d,
    line,
    n,
    price,
    quantity,
    remove,
    swap,
    terms,
    words,
)


def plan(found, count=3):
    """(kind, date, net) of the next invoices after."""
    return [(i.kind, i.date.isoformat(), str(i.net)) for i in found.invoices_after[:count]]


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
