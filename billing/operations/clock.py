"""Moving the demo's clock. Outside the demo the day is the calendar's and nobody moves it (F112)."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from django.conf import settings
from django.db import transaction

from billing.clock import DEMO_ZONE, business_date, now
from billing.domain.refusal import Refusal
from billing.models import DemoClock
from dealops.accounts.models import User
from dealops.audit.operations import record

# Far enough to see a renewal, near enough that a slip of the finger does not issue ten years of invoices.
FARTHEST = timedelta(days=731)


def demo_day() -> date | None:
    """The day the demo lives in; None outside the demo."""
    return business_date(DEMO_ZONE.key, now()) if settings.DEMO else None


def set_day(*, day: date, by: User | None, real_now: datetime) -> DemoClock:
    """Move the demo to nine o'clock on `day`. Raises Refusal naming `day` for a day that is past or more than two years ahead.

    `real_now` is the moment on the wall; the clock runs on from there.
    """
    if not settings.DEMO:
        raise Refusal("no_demo_clock", "day", "Only the demo has a clock that can be moved.")
    with transaction.atomic():
        clock = DemoClock.objects.select_for_update().first()
        today = demo_day()
        assert today is not None
        if day < today:
            words = f"The demo clock only moves forward, because what was issued stays issued. Choose a day after {today:%-d %b %Y}."
            raise Refusal("clock_backwards", "day", words)
        if day - today > FARTHEST:
            raise Refusal("clock_too_far", "day", f"Choose a day within two years of {today:%-d %b %Y}.")
        clock = clock or DemoClock()
        clock.day, clock.set_at = day, real_now
        clock.save()
        if day != today:
            record(
                action="clock.moved",
                sentence=f"The demo clock moved from {today:%-d %b %Y} to {day:%-d %b %Y}.",
                subjects=["clock:demo"],
                at=now(),
                by=by,
                before={"day": today.isoformat()},
                after={"day": day.isoformat()},
            )
        return clock
