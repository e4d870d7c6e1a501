"""Time that counts: working hours of working days. A weekend makes nobody late.

Moments are local times of the legal entity, without a zone: the caller converts. `is_free` says whether a date is a holiday there;
Saturdays and Sundays are free everywhere.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, time, timedelta

OPENS, CLOSES = time(9), time(17)
HOURS_TO_DECIDE = 8
# A reminder goes out when this much working time is left; after as much again past the end, those above are told.
REMIND_BEFORE = timedelta(hours=2)
ESCALATE_AFTER = timedelta(hours=8)
DAYS_BEFORE_BILLING = 3
ONE_DAY = timedelta(days=1)

IsFree = Callable[[date], bool]


def is_working(day: date, is_free: IsFree) -> bool:
    return day.weekday() < 5 and not is_free(day)


def add_working(moment: datetime, span: timedelta, is_free: IsFree) -> datetime:
    """The moment at which `span` of working time has passed since `moment`."""
    left, at = span, _opening(moment, is_free)
    while True:
        today = datetime.combine(at.date(), CLOSES) - at
        if left <= today:
            return at + left
        left -= today
        at = _opening(datetime.combine(at.date() + ONE_DAY, OPENS), is_free)


def working_between(start: datetime, end: datetime, is_free: IsFree) -> timedelta:
    """How much working time lies between two moments; zero when `end` is not after `start`."""
    total, day = timedelta(0), start.date()
    while day <= end.date():
        if is_working(day, is_free):
            begins, ends = max(start, datetime.combine(day, OPENS)), min(end, datetime.combine(day, CLOSES))
            total += max(ends - begins, timedelta(0))
        day += ONE_DAY
    return total


def _opening(moment: datetime, is_free: IsFree) -> datetime:
    """`moment` when people are at work, else when they next begin."""
    day, at = moment.date(), moment
    if not is_working(day, is_free) or at.time() >= CLOSES:
        day += ONE_DAY
        while not is_working(day, is_free):
            day += ONE_DAY
        return datetime.combine(day, OPENS)
    return max(at, datetime.combine(day, OPENS))


def working_days_before(day: date, count: int, is_free: IsFree) -> date:
    """The date `count` working days before `day`."""
    while count:
        day -= ONE_DAY
        count -= is_working(day, is_free)
    return day


def working_days_after(day: date, count: int, is_free: IsFree) -> date:
    """The date `count` working days after `day`; for none, `day` itself or the next working day."""
    while not is_working(day, is_free):
        day += ONE_DAY
    while count:
        day += ONE_DAY
        count -= is_working(day, is_free)
    return day


def standing(*, now: datetime, due: datetime, is_free: IsFree) -> str:
    """Where a decision stands against its time: `in_time`, `soon`, `late` or `escalated`."""
    if now < due:
        return "soon" if working_between(now, due, is_free) <= REMIND_BEFORE else "in_time"
    return "escalated" if working_between(due, now, is_free) >= ESCALATE_AFTER else "late"


def handoff_standing(*, on: date, due: date, bill_date: date, is_free: IsFree) -> str:
    """Where a hand-off stands: `in_time`; `day_3`, `day_1`, `day_0` near its due day (S0-21); `late`; `missed` on the bill date."""
    if on >= bill_date:
        return "missed"
    if on > due:
        return "late"
    if on == due:
        return "day_0"
    if on >= working_days_before(due, 1, is_free):
        return "day_1"
    return "day_3" if on >= working_days_before(due, 3, is_free) else "in_time"
