"""What a business day brings, in this order, day by day (F11, F31): scheduled changes take effect, recurring invoices go out, terms end,
steps agreed before move the recurring revenue.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from django.db import connection
from django.db.models import Min

from billing.models import LegalEntity
from billing.operations.billing_run import bill
from billing.queries.due import first_due
from dealops.outbox.gates import working_on
from expansion.domain import workflow
from expansion.models import Change
from expansion.operations import deadlines, ending, execution, steps
from expansion.queries.steps import first_step

ONE_DAY = timedelta(days=1)


@dataclass(slots=True)
class Done:
    """What was done: numbers of the changes that took effect, of recurring invoices, of contracts that could not be billed (with the
    reason) and that ended, and of deals whose recurring revenue took a step.
    """

    applied: list[str] = field(default_factory=list)
    issued: int = 0
    failed: dict[str, str] = field(default_factory=dict)
    ended: list[str] = field(default_factory=list)
    stepped: list[str] = field(default_factory=list)


@working_on("bulk")
def catch_up(
    *,
    on: date,
    at: Callable[[date], datetime],
    entity: LegalEntity | None = None,
    progress: Callable[[int], None] = lambda done: None,
) -> Done:
    """Do everything that is due by the business date `on`, of one legal entity or of all, in the order of its days. Idempotent.

    `at` gives the moment written into the records of a day. Days on which nothing is due are passed over. What it causes over there is bulk
    work: nobody's approval waits behind it (F29).
    """
    done = Done()
    for day in _days(on, entity):
        # A change of a period's first day is made before that period is billed, so that its invoice is right at once.
        done.applied += execution.activate_due(now=at(day), on=day, entity=entity)
        run = bill(on=day, at=at(day), entity=entity, progress=progress)
        done.issued += run.issued
        done.failed |= run.failed
        done.ended += run.ended
        ending.close_deals(on=day, now=at(day))
        done.stepped += steps.take(on=day, now=at(day), entity=entity)
        deadlines.remind(now=at(day), entity=entity)
    return done


@contextmanager
def alone(entity: LegalEntity) -> Iterator[bool]:
    """Whether this is the only one at work on the business day of a legal entity; a second clock has nothing to add (F11)."""
    name = f"business_day:{entity.code}"
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(hashtextextended(%s, 0))", [name])
        held: bool = cursor.fetchone()[0]
        try:
            yield held
        finally:
            if held:
                cursor.execute("SELECT pg_advisory_unlock(hashtextextended(%s, 0))", [name])


def _days(on: date, entity: LegalEntity | None) -> Iterator[date]:
    """The days up to `on` on which something falls due, found as the work goes on; `on` itself in any case."""
    day = None
    while True:
        due = [found for found in (first_due(entity), _first_change(entity, day), first_step(entity)) if found]
        following = min(due, default=on)
        # What was due and is still there could not be done; it is not waited for.
        day = following if day is None else max(following, day + ONE_DAY)
        if day >= on:
            yield on
            return
        yield day


def _first_change(entity: LegalEntity | None, after: date | None) -> date | None:
    waiting = Change.objects.filter(state=workflow.State.SCHEDULED.value)
    if after:
        waiting = waiting.filter(effective__gt=after)
    if entity:
        waiting = waiting.filter(deal__contract__legal_entity=entity)
    return waiting.aggregate(first=Min("effective"))["first"]
