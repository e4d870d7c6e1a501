"""The doors take the time from here and hand it down; nothing below a door asks for it (rule 8)."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.conf import settings
from django.utils import timezone

from billing.models import DemoClock

# The demo day begins at nine in London and never runs past six by itself, so that its date only moves when people move it.
DEMO_ZONE = ZoneInfo("Europe/London")
DEMO_OPENS = time(9, 0)
DEMO_DAY = timedelta(hours=9)


def now() -> datetime:
    """The present moment, aware; in the demo, the moment of the demo's clock."""
    real = timezone.now()
    if not settings.DEMO:
        return real
    clock = DemoClock.objects.first()
    if clock is None:
        return real
    opened = datetime.combine(clock.day, DEMO_OPENS, DEMO_ZONE)
    return (opened + min(real - clock.set_at, DEMO_DAY)).astimezone(UTC)


def business_date(time_zone: str, at: datetime) -> date:
    """The calendar day in a legal entity's own zone at the moment `at` (F69)."""
    return at.astimezone(ZoneInfo(time_zone)).date()
