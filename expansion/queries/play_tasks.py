"""The tasks of fired plays: whose each is now, what waits for one person, what stands on a signal or a deal (S1-21)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db.models import BigIntegerField, Case, Count, F, OuterRef, Q, QuerySet, Subquery, Value, When, Window
from django.db.models.functions import Coalesce

from dealops.accounts.models import User
from expansion.models import Introduction, PlayTask, Signal
from expansion.rules_motion import why_not_tick
from expansion.scope import visible

# While a signal is held back, put off or settled, nothing of it presses.
PRESSES = (Signal.State.OPEN, Signal.State.HANDED_OFF)
SETTLED = (Signal.State.DISMISSED, Signal.State.EXPIRED)
REMEMBERED = timedelta(days=14)
WITH = ("signal__customer", "signal__deal", "signal__play", "done_by")


@dataclass(frozen=True, slots=True)
class TaskRow:
    """A task, whose it is now, and whether the person who looks may tick it off."""

    task: PlayTask
    owner: User | None
    may_tick: bool
    is_late: bool

    @property
    def is_done(self) -> bool:
        return self.task.done_at is not None


def owned() -> QuerySet[PlayTask]:
    """Every task with `owned_by`, the key of whose it is now, and `given`, the state of its signal's newest hand-off.

    The hand-off's taker has it, before it is taken the success manager, without one the deal's owner; a play may name one of the two.
    """
    newest = Introduction.objects.filter(signal=OuterRef("signal")).exclude(state=Introduction.State.RETURNED).order_by("-pk")
    manager = Coalesce(F("signal__deal__success_manager_id"), F("signal__deal__owner_id"))
    holder = Coalesce(Subquery(newest.values("to_id")[:1]), manager)
    whose = Case(
        When(owner="deal_owner", then=F("signal__deal__owner_id")),
        When(owner="success_manager", then=manager),
        default=holder,
        output_field=BigIntegerField(),
    )
    given = Coalesce(Subquery(newest.values("state")[:1]), Value(""))
    return PlayTask.objects.annotate(owned_by=whose, given=given)


def due_for(user: User, *, limit: int = 8) -> tuple[tuple[PlayTask, ...], int]:
    """This person's tasks that wait, the oldest first, of signals that press. One query."""
    found = visible(user, owned()).filter(owned_by=user.pk, done_at__isnull=True, signal__state__in=PRESSES)
    found = found.exclude(given=Introduction.State.CLOSED).annotate(together=Window(Count("pk")))
    rows = tuple(found.select_related(*WITH).order_by("due_on", "pk")[:limit])
    return rows, rows[0].together if rows else 0


def of_signals(signals: Collection[int], *, user: User, today: date) -> dict[int, list[TaskRow]]:
    """What the plays ask for, by signal, in the play's order; of a settled signal only what was done. Two queries, one without any."""
    found = owned().filter(signal__in=signals).exclude(done_at__isnull=True, signal__state__in=SETTLED)
    rows: dict[int, list[TaskRow]] = defaultdict(list)
    for row in _rows(found.order_by("place"), user, today):
        rows[row.task.signal_id].append(row)
    return rows


def of_deal(deal_id: int, *, user: User, at: datetime, today: date) -> list[TaskRow]:
    """What is still to do about a deal, and what was done in the last two weeks, by the day. Two queries, one without any."""
    waits = Q(done_at__isnull=True, signal__state__in=PRESSES) & ~Q(given=Introduction.State.CLOSED)
    found = owned().filter(waits | Q(done_at__gte=at - REMEMBERED), signal__deal=deal_id)
    return _rows(found.order_by("due_on", "pk"), user, today)


def one(pk: int, user: User) -> PlayTask:
    """With `owned_by`. Raises PlayTask.DoesNotExist, also for another team's."""
    found: PlayTask = visible(user, owned()).select_related(*WITH).get(pk=pk)
    return found


def _rows(found: QuerySet[PlayTask], user: User, today: date) -> list[TaskRow]:
    tasks = list(found.select_related(*WITH))
    keys = {key for task in tasks if (key := task.owned_by)}
    people = User.objects.in_bulk(keys) if keys else {}
    return [_row(task, people.get(task.owned_by), user, today) for task in tasks]


def _row(task: PlayTask, owner: User | None, user: User, today: date) -> TaskRow:
    is_late = task.done_at is None and task.due_on < today
    return TaskRow(task, owner, why_not_tick(user, owner.pk if owner else None) is None, is_late)
