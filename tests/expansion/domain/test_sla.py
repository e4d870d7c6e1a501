"""Working time: nobody is late because of a weekend or a holiday (S0-21)."""

from datetime import date, datetime, timedelta

import pytest

from expansion.domain import sla

pytestmark = pytest.mark.req("S0-21")
HOLIDAY = date(2026, 6, 22)


def is_free(day):
    return day == HOLIDAY


def at(day, hour, minute=0):
    return datetime(2026, 6, day, hour, minute)  # noqa: DTZ001 - local times of a legal entity have no zone here


EIGHT = timedelta(hours=8)


@pytest.mark.parametrize(
    ("start", "due"),
    [
        (at(16, 9), at(16, 17)),
        (at(16, 12), at(17, 12)),
        (at(16, 7), at(16, 17)),
        (at(16, 17), at(17, 17)),
        (at(19, 16), at(23, 16)),  # Friday; Monday is a holiday
        (at(20, 3), at(23, 17)),
    ],
)
def test_a_working_day_later(start, due):
    assert sla.add_working(start, EIGHT, is_free) == due
    assert sla.working_between(start, due, is_free) == EIGHT


def test_no_working_time_lies_in_a_weekend_or_before_the_start():
    assert sla.working_between(at(20, 0), at(22, 23), is_free) == timedelta(0)
    assert sla.working_between(at(17, 12), at(16, 12), is_free) == timedelta(0)


@pytest.mark.parametrize(
    ("now", "words"),
    [(at(16, 12), "in_time"), (at(16, 15), "soon"), (at(16, 17), "late"), (at(17, 16), "late"), (at(17, 17), "escalated")],
)
def test_how_a_decision_stands(now, words):
    assert sla.standing(now=now, due=at(16, 17), is_free=is_free) == words


@pytest.mark.parametrize(
    ("day", "words"),
    [(17, "in_time"), (18, "day_3"), (19, "day_3"), (23, "day_1"), (24, "day_0"), (25, "late"), (26, "late"), (29, "missed")],
)
def test_how_a_hand_off_stands(day, words):
    assert sla.handoff_standing(on=date(2026, 6, day), due=date(2026, 6, 24), bill_date=date(2026, 6, 29), is_free=is_free) == words


def test_three_working_days_before_skip_weekend_and_holiday():
    assert sla.working_days_before(date(2026, 6, 24), 3, is_free) == date(2026, 6, 18)
