"""What the motion does by the clock: plays every hour, adoption checks and deferrals every day."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from expansion.models import Introduction, PlayRun
from expansion.operations import adoption, signals

EVERY = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Done:
    """New signals, checks decided, alarms of support load, hand-offs nobody took in time."""

    fired: int
    held: int
    checked: int
    alarms: int
    late: int


def is_due(*, at: datetime) -> bool:
    """Whether the last evaluation is an hour old, or there was none."""
    return not PlayRun.objects.filter(at__gt=at - EVERY, at__lte=at).exists()


def hour(*, on: date, at: datetime) -> Done:
    """Evaluate the plays, look at adoption. Idempotent: a second time in the same hour finds nothing new."""
    adoption.begin_missing(now=at)
    run = signals.run(on=on, at=at)
    late = Introduction.objects.filter(state=Introduction.State.GIVEN, due_at__lt=at).count()
    return Done(run.fired, run.held, adoption.check_due(on=on, now=at), adoption.watch_support(on=on, now=at), late)
