"""What the motion does by the clock: plays every hour, adoption checks, silent offers and pairings every day."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from expansion.models import Introduction, PlayRun
from expansion.operations import adoption, early_warnings, offers, pairings, signals

EVERY = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Done:
    """New signals, checks decided, alarms of support load, hand-offs nobody took in time, offers nobody answered, pairings found,
    notices of customers near a limit."""

    fired: int
    held: int
    checked: int
    alarms: int
    late: int
    ignored: int = 0
    paired: int = 0
    warned: int = 0


def is_due(*, at: datetime) -> bool:
    """Whether the last evaluation is an hour old, or there was none."""
    return not PlayRun.objects.filter(at__gt=at - EVERY, at__lte=at).exists()


def hour(*, on: date, at: datetime) -> Done:
    """Evaluate the plays, look at adoption, settle what nobody answered. Idempotent: a second time in the same hour finds nothing new."""
    first_today = not PlayRun.objects.filter(on=on).exists()
    adoption.begin_missing(now=at)
    # Before the plays look, so that an account whose offer ran out is free, and cooling down, at once.
    ignored = offers.ignore_silent(on=on, now=at)
    paired = pairings.find(now=at) if first_today else 0
    run = signals.run(on=on, at=at)
    warned = early_warnings.tell(on=on, at=at)
    late = Introduction.objects.filter(state=Introduction.State.GIVEN, due_at__lt=at).count()
    return Done(
        run.fired, run.held, adoption.check_due(on=on, now=at), adoption.watch_support(on=on, now=at), late, ignored, paired, warned
    )
