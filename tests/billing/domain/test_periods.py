"""Billing periods: anchors, month ends, stubs, tiling."""

import itertools
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.domain.periods import PeriodError, add_months, billing_periods, months_between, next_periods, period_on
from billing.domain.periods_case import billing_periods_case
from tests.billing.domain import oracle
from tests.billing.domain.effort import effort

DATES = st.dates(min_value=date(2019, 1, 1), max_value=date(2040, 12, 31))
MONTHS = st.sampled_from([1, 2, 3, 4, 6, 12, 18, 24, 36])


def d(text: str) -> date:
    return date.fromisoformat(text)


@pytest.mark.req("F70")
@pytest.mark.parametrize(
    ("anchor", "expected"),
    [
        ("2026-01-31", ["01-31", "02-28", "03-31", "04-30", "05-31", "06-30", "07-31", "08-31", "09-30", "10-31", "11-30", "12-31"]),
        ("2026-01-30", ["01-30", "02-28", "03-30", "04-30", "05-30", "06-30", "07-30", "08-30", "09-30", "10-30", "11-30", "12-30"]),
        ("2026-01-29", ["01-29", "02-28", "03-29", "04-29", "05-29", "06-29", "07-29", "08-29", "09-29", "10-29", "11-29", "12-29"]),
        ("2028-01-31", ["01-31", "02-29", "03-31", "04-30", "05-31", "06-30", "07-31", "08-31", "09-30", "10-31", "11-30", "12-31"]),
        ("2028-01-29", ["01-29", "02-29", "03-29", "04-29", "05-29", "06-29", "07-29", "08-29", "09-29", "10-29", "11-29", "12-29"]),
    ],
)
def test_a_month_end_anchor_comes_back_to_its_day(anchor, expected):
    year = anchor[:4]
    starts = [period.start.isoformat() for period in billing_periods(d(anchor), d(f"{int(year) + 1}-01-20"), 1)]
    assert starts == [f"{year}-{day}" for day in expected]


@pytest.mark.req("F70")
@pytest.mark.parametrize(
    ("anchor", "months", "boundaries"),
    [
        ("2024-02-29", 12, ["2024-02-29", "2025-02-28", "2026-02-28", "2027-02-28", "2028-02-29"]),
        ("2025-11-30", 3, ["2025-11-30", "2026-02-28", "2026-05-30", "2026-08-30"]),
        ("2025-08-31", 6, ["2025-08-31", "2026-02-28", "2026-08-31", "2027-02-28", "2027-08-31", "2028-02-29"]),
        ("2025-12-31", 2, ["2025-12-31", "2026-02-28", "2026-04-30", "2026-06-30", "2026-08-31"]),
    ],
)
def test_longer_periods_keep_the_anchor_day_too(anchor, months, boundaries):
    periods = billing_periods(d(anchor), d(boundaries[-1]), months)
    assert [p.start.isoformat() for p in periods] + [periods[-1].end.isoformat()] == boundaries


def test_stubs_at_both_ends_know_the_full_period_they_lie_in():
    first, middle, last = billing_periods(d("2026-01-15"), d("2026-03-10"), 1, d("2025-06-01"))
    assert (first.start, first.end, first.full_start, first.full_end) == (
        d("2026-01-15"),
        d("2026-02-01"),
        d("2026-01-01"),
        d("2026-02-01"),
    )
    assert (first.days, first.full_days, first.is_stub) == (17, 31, True)
    assert (middle.days, middle.full_days, middle.is_stub) == (28, 28, False)
    assert (last.end, last.full_end, last.days, last.full_days) == (d("2026-03-10"), d("2026-04-01"), 9, 31)


def test_a_term_shorter_than_a_period_is_a_stub_of_it():
    (only,) = billing_periods(d("2026-06-10"), d("2026-06-20"), 12, d("2026-01-01"))
    assert (only.days, only.full_days) == (10, 365)


def test_the_anchor_may_lie_after_the_term():
    assert [p.start.isoformat() for p in billing_periods(d("2026-01-31"), d("2026-04-30"), 1, d("2030-05-31"))] == [
        "2026-01-31",
        "2026-02-28",
        "2026-03-31",
    ]


@pytest.mark.req("M22")
@effort(150)
@given(DATES, st.integers(min_value=1, max_value=2200), MONTHS, st.none() | DATES)
def test_periods_tile_the_term_and_agree_with_the_oracle(start, length, months, anchor):
    end = start + timedelta(days=length)
    periods = billing_periods(start, end, months, anchor)
    assert [(p.full_start, p.full_end) for p in periods] == oracle.whole_periods(start, end, months, anchor or start)
    assert periods[0].start == start
    assert periods[-1].end == end
    assert all(earlier.end == later.start for earlier, later in itertools.pairwise(periods))
    assert all(p.full_start <= p.start < p.end <= p.full_end for p in periods)
    assert not any(p.is_stub for p in periods[1:-1])


@pytest.mark.req("M22", "F68")
@effort(150)
@given(DATES, st.integers(min_value=1, max_value=900), MONTHS, st.none() | DATES, st.integers(min_value=-40, max_value=940))
def test_each_day_of_the_term_lies_in_exactly_one_period(start, length, months, anchor, offset):
    end, day = start + timedelta(days=length), start + timedelta(days=offset)
    holding = [p for p in billing_periods(start, end, months, anchor) if p.start <= day < p.end]
    assert [period_on(day, start, end, months, anchor)] == (holding or [None])


@effort(150)
@given(DATES, st.integers(min_value=1, max_value=900), MONTHS, st.none() | DATES, st.integers(-40, 940), st.integers(0, 5))
def test_the_next_periods_are_those_that_begin_on_or_after_the_day(start, length, months, anchor, offset, count):
    end, day = start + timedelta(days=length), start + timedelta(days=offset)
    expected = [p for p in billing_periods(start, end, months, anchor) if p.start >= day][:count]
    assert next_periods(day, count, start, end, months, anchor) == expected


def test_a_period_decades_on_costs_no_walk():
    assert next_periods(d("2990-01-15"), 1, d("1990-01-31"), d("3000-01-01"), 1)[0].start == d("2990-01-31")


@pytest.mark.parametrize(
    ("start", "end", "months", "field"),
    [
        ("2026-06-01", "2026-06-01", 1, "end"),
        ("2026-06-01", "2026-05-31", 1, "end"),
        ("2026-06-01", "2026-07-01", 0, "months"),
        ("2026-06-01", "2026-07-01", -1, "months"),
        ("2026-06-01", "2026-07-01", True, "months"),
        ("2026-06-01", "2026-07-01", 1.0, "months"),
        ("2026-06-01", "2026-07-01", 1201, "months"),
        ("9999-12-15", "9999-12-31", 1, "months"),
        ("0001-01-01", "0001-02-01", 1, None),
    ],
)
def test_dates_that_make_no_periods_are_refused(start, end, months, field):
    if field is None:
        assert billing_periods(d(start), d(end), months)
        return
    with pytest.raises(PeriodError) as refused:
        billing_periods(d(start), d(end), months)
    assert refused.value.field == field


def test_months_are_moved_from_either_side_of_a_month_end():
    assert add_months(d("2026-01-31"), 1) == d("2026-02-28")
    assert add_months(d("2026-03-31"), -1) == d("2026-02-28")
    assert add_months(d("2027-12-31"), 2) == d("2028-02-29")
    assert add_months(d("1999-12-31"), 2) == d("2000-02-29")
    assert add_months(d("2099-12-31"), 2) == d("2100-02-28")
    assert months_between(d("2026-02-28"), d("2026-03-31")) == 1
    assert months_between(d("2026-01-31"), d("2026-02-28")) == 1
    assert months_between(d("2026-06-10"), d("2026-06-20")) is None
    assert months_between(d("2026-06-10"), d("2026-07-09")) is None
    assert months_between(d("2026-07-10"), d("2026-06-10")) is None


def test_the_stateless_case_answers_as_the_design_says():
    case = {"start": "2026-01-31", "end": "2026-03-15", "months": 1, "anchor": None}
    assert billing_periods_case(case) == {
        "periods": [
            {"start": "2026-01-31", "end": "2026-02-28", "full_start": "2026-01-31", "full_end": "2026-02-28", "days": 28, "full_days": 28},
            {"start": "2026-02-28", "end": "2026-03-15", "full_start": "2026-02-28", "full_end": "2026-03-31", "days": 15, "full_days": 31},
        ]
    }


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"start": "2026-02-30"}, "start"),
        ({"start": "20260201"}, "start"),
        ({"start": 20260201}, "start"),
        ({"end": "2026-01-31"}, "end"),
        ({"end": None}, "end"),
        ({"months": "1"}, "months"),
        ({"months": 0}, "months"),
        ({"months": 10**30}, "months"),
        ({"months": True}, "months"),
        ({"months": 1.5}, "months"),
        ({"anchor": "yesterday"}, "anchor"),
        ({"anchor": False}, "anchor"),
        ({"anchorr": None}, "anchorr"),
    ],
)
def test_a_bad_stateless_case_names_its_field(change, field):
    answer = billing_periods_case({"start": "2026-01-31", "end": "2026-03-15", "months": 1, "anchor": None} | change)
    assert set(answer) == {"error"}
    assert answer["error"]["field"] == field
    assert answer["error"]["message"]


@pytest.mark.parametrize("case", [None, [], "case", 5, True, {}])
def test_what_is_no_case_is_answered_with_an_error(case):
    assert set(billing_periods_case(case)) == {"error"}
