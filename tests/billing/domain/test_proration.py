"""The part of a period a change takes."""

import itertools
from datetime import date, timedelta
from fractions import Fraction

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from billing.domain.periods import Period, billing_periods, whole_period
from billing.domain.proration import BASES, change_part, part, share
from billing.domain.refusal import Refusal
from tests.billing.domain import oracle
from tests.billing.domain.effort import effort

DATES = st.dates(min_value=date(2019, 1, 1), max_value=date(2040, 12, 31))
MONTHS = st.sampled_from([1, 3, 6, 12, 24])


def d(text: str) -> date:
    return date.fromisoformat(text)


JUNE = whole_period(d("2026-06-01"), d("2026-07-01"))


@pytest.mark.req("K01", "F68", "S0-24")
@pytest.mark.parametrize("year_month", ["2026-02", "2028-02", "2026-06", "2026-07"])
def test_every_day_of_a_month_counts_itself_and_what_follows(year_month):
    start = d(f"{year_month}-01")
    end = oracle.moved(start, 1)
    days = oracle.days_between(start, end)
    for number, day in enumerate(days):
        counted = change_part("actual_days", day, whole_period(start, end))
        assert (counted.numerator, counted.denominator) == (len(days) - number, len(days))
    assert share("actual_days", days[-1], whole_period(start, end)) == Fraction(1, len(days))


@pytest.mark.parametrize(
    ("effective", "start", "end", "numerator", "denominator"),
    [
        ("2026-06-16", "2026-06-01", "2026-07-01", 15, 30),
        ("2026-07-31", "2026-07-01", "2026-08-01", 1, 30),
        ("2026-07-30", "2026-07-01", "2026-08-01", 1, 30),
        ("2026-07-16", "2026-07-01", "2026-08-01", 15, 30),
        ("2026-02-16", "2026-02-01", "2026-03-01", 15, 30),
        ("2026-02-28", "2026-02-01", "2026-03-01", 3, 30),
        ("2028-02-29", "2028-02-01", "2028-03-01", 2, 30),
        ("2026-01-31", "2026-01-31", "2026-02-28", 28, 28),
        ("2026-07-02", "2026-01-01", "2027-01-01", 179, 360),
        ("2026-03-31", "2026-01-31", "2026-04-30", 30, 90),
    ],
)
def test_thirty_360_counts_both_ends_from_the_date_itself(effective, start, end, numerator, denominator):
    counted = change_part("thirty_360", d(effective), whole_period(d(start), d(end)))
    assert (counted.numerator, counted.denominator) == (numerator, denominator)


@pytest.mark.parametrize(
    ("effective", "period", "expected"),
    [
        ("2026-06-16", whole_period(d("2026-06-01"), d("2026-07-01")), "1/1"),
        ("2026-06-30", whole_period(d("2026-06-01"), d("2026-07-01")), "1/1"),
        ("2026-04-01", whole_period(d("2026-04-01"), d("2026-07-01")), "3/3"),
        ("2026-05-01", whole_period(d("2026-04-01"), d("2026-07-01")), "2/3"),
        ("2026-05-31", whole_period(d("2026-04-01"), d("2026-07-01")), "2/3"),
        ("2026-07-02", whole_period(d("2026-01-01"), d("2027-01-01")), "6/12"),
        ("2026-12-31", whole_period(d("2026-01-01"), d("2027-01-01")), "1/12"),
        ("2026-02-27", whole_period(d("2025-11-30"), d("2026-05-30")), "4/6"),
        ("2026-02-28", whole_period(d("2025-11-30"), d("2026-05-30")), "3/6"),
        ("2026-03-30", whole_period(d("2026-02-28"), d("2026-05-31")), "3/3"),
        ("2026-03-31", whole_period(d("2026-02-28"), d("2026-05-31")), "2/3"),
        ("2026-06-12", whole_period(d("2026-06-10"), d("2026-06-20")), "1/1"),
        ("2026-05-20", Period(d("2026-05-10"), d("2026-07-01"), d("2026-04-01"), d("2026-07-01")), "2/3"),
        ("2026-04-05", Period(d("2026-04-01"), d("2026-05-20"), d("2026-04-01"), d("2026-07-01")), "2/3"),
    ],
)
def test_whole_months_count_a_month_begun_as_whole(effective, period, expected):
    counted = change_part("whole_months", d(effective), period)
    assert f"{counted.numerator}/{counted.denominator}" == expected


@pytest.mark.parametrize("day", ["2026-06-01", "2026-06-16", "2026-06-30"])
def test_without_proration_a_change_leaves_the_period_alone(day):
    assert share("none", d(day), JUNE) == 0


@pytest.mark.parametrize("basis", BASES)
@pytest.mark.parametrize("day", ["2026-05-31", "2026-07-02"])
def test_a_day_outside_the_period_is_refused(basis, day):
    with pytest.raises(Refusal) as refused:
        share(basis, d(day), JUNE)
    assert refused.value.code == "outside_period"


def test_an_unknown_basis_is_refused():
    with pytest.raises(Refusal) as refused:
        share("by_the_second", d("2026-06-16"), JUNE)
    assert refused.value.code == "unknown_basis"


def test_a_period_without_30_360_days_is_refused():
    with pytest.raises(Refusal) as refused:
        share("thirty_360", d("2026-07-30"), whole_period(d("2026-07-30"), d("2026-07-31")))
    assert refused.value.code == "no_days"


@pytest.mark.req("K01", "F68", "F70")
@effort(150)
@given(DATES, st.integers(1, 1500), MONTHS, st.none() | DATES, st.integers(0, 1499), st.sampled_from(["actual_days", "thirty_360"]))
def test_the_share_of_a_change_is_the_oracles(start, length, months, anchor, offset, basis):
    effective = start + timedelta(days=min(offset, length - 1))
    period = next(p for p in billing_periods(start, start + timedelta(days=length), months, anchor) if p.start <= effective < p.end)
    assert share(basis, effective, period) == oracle.share(basis, effective, period.end, period.full_start, period.full_end)


@pytest.mark.req("F70")
@effort(150)
@given(DATES, MONTHS, st.none() | DATES, st.integers(0, 800))
def test_whole_months_are_those_not_over_when_the_day_begins(start, months, anchor, offset):
    effective = start + timedelta(days=offset)
    period = next(p for p in billing_periods(start, effective + timedelta(days=800), months, anchor) if p.start <= effective < p.end)
    expected = oracle.whole_month_share(effective, period.full_start, months, anchor or start)
    assert share("whole_months", effective, period) == expected


@pytest.mark.req("M01")
@effort(150)
@given(DATES, st.integers(1, 900), MONTHS, st.none() | DATES, st.sampled_from(BASES), st.lists(st.integers(0, 900), max_size=4))
def test_neighbouring_parts_add_up_to_the_period(start, length, months, anchor, basis, cuts):
    for period in billing_periods(start, start + timedelta(days=length), months, anchor):
        inside = sorted(
            {period.start, period.end, *(day for day in (start + timedelta(days=c) for c in cuts) if period.start < day < period.end)}
        )
        parts = [part(basis, earlier, later, period).fraction for earlier, later in itertools.pairwise(inside)]
        assert sum(parts) == part(basis, period.start, period.end, period).fraction
        assert all(0 <= piece <= 1 for piece in parts)
        if not period.is_stub:
            assert sum(parts) == 1


@pytest.mark.req("M23")
@effort(150)
@given(DATES, st.integers(2, 800), st.integers(1, 800), st.sampled_from(BASES))
def test_a_later_day_never_takes_more(start, length, offset, basis):
    assume(offset < length)
    period = whole_period(start, start + timedelta(days=length))
    day = start + timedelta(days=offset)
    try:
        assert 0 <= share(basis, day, period) <= share(basis, day - timedelta(days=1), period) <= 1
    except Refusal as refused:
        assert refused.code == "no_days"
