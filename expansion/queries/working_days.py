"""The working time of a legal entity: its country's holidays and its own clock around the pure rules of expansion.domain.sla."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import holidays

from billing.models import LegalEntity
from expansion.domain import sla


@lru_cache(maxsize=64)
def free_days(country: str) -> Callable[[date], bool]:
    """Whether a date is a public holiday of the country; where nobody knows its holidays, only weekends are free."""
    try:
        known = holidays.country_holidays(country)
    except NotImplementedError:
        return lambda day: False
    return lambda day: day in known


def decision_due(entity: LegalEntity, *, now: datetime, left: timedelta = timedelta(hours=sla.HOURS_TO_DECIDE)) -> datetime:
    """When a decision is due that may take `left` of working time from now."""
    zone = ZoneInfo(entity.time_zone)
    local = now.astimezone(zone).replace(tzinfo=None)
    return sla.add_working(local, left, free_days(entity.country)).replace(tzinfo=zone)


def time_left(entity: LegalEntity, *, now: datetime, due: datetime) -> timedelta:
    """Working time from now until `due`; zero when it has passed."""
    zone = ZoneInfo(entity.time_zone)
    start, end = (moment.astimezone(zone).replace(tzinfo=None) for moment in (now, due))
    return sla.working_between(start, end, free_days(entity.country))


def decision_standing(entity: LegalEntity, *, now: datetime, due: datetime) -> str:
    """As `sla.standing`, in the entity's own time."""
    zone = ZoneInfo(entity.time_zone)
    local, end = (moment.astimezone(zone).replace(tzinfo=None) for moment in (now, due))
    return sla.standing(now=local, due=end, is_free=free_days(entity.country))


def working_days_after(day: date, count: int, country: str) -> date:
    return sla.working_days_after(day, count, free_days(country))


def working_days_before(day: date, count: int, country: str) -> date:
    return sla.working_days_before(day, count, free_days(country))
