"""The tasks of a play begin when it fires, and are ticked off by whoever did them (S1-21)."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, datetime

from django.db import transaction

from billing.domain.refusal import Refusal
from dealops.accounts.models import User
from dealops.audit.operations import record
from expansion import rules_motion as rules
from expansion.domain.motion.tasks import Task, read_tasks
from expansion.models import PlayTask, PlayVersion, Signal
from expansion.queries import play_tasks as queries
from expansion.queries.working_days import working_days_after

BATCH = 2000


def begin(*, plays: Collection[int], on: date, customers: Collection[int] | None = None) -> int:
    """Tasks for the open signals of these plays that have none yet, due so many working days of the seller's country after `on`.

    Answers how many. Asked again, it begins nothing twice. Three statements and one for every 2,000 tasks, whatever the number of signals.
    """
    found = Signal.objects.filter(state=Signal.State.OPEN, play__in=plays, version__isnull=False, tasks__isnull=True)
    found = found.filter(version__definition__tasks__0__isnull=False)
    if customers is not None:
        found = found.filter(customer__in=customers)
    signals = list(found.order_by("pk").values_list("pk", "version_id", "customer__legal_entity__country"))
    if not signals:
        return 0
    versions = PlayVersion.objects.filter(pk__in={version for _, version, _ in signals})
    asked = {pk: _asked(definition) for pk, definition in versions.values_list("pk", "definition")}
    days: dict[tuple[int, str], date] = {}
    made = []
    for signal, version, country in signals:
        for place, task in enumerate(asked[version]):
            if (task.days, country) not in days:
                days[task.days, country] = working_days_after(on, task.days, country)
            due = days[task.days, country]
            made.append(PlayTask(signal_id=signal, place=place, title=task.title, owner=task.owner, due_on=due))
    PlayTask.objects.bulk_create(made, batch_size=BATCH, ignore_conflicts=True)
    return len(made)


def _asked(definition: dict[str, object]) -> tuple[Task, ...]:
    """The tasks of a version that was put live; of one that cannot be read any more none, its play is stopped by the run."""
    found = definition.get("tasks")
    try:
        return read_tasks(found if isinstance(found, list) else [])
    except Refusal:
        return ()


@transaction.atomic
def tick(*, task_id: int, done: bool, by: User, now: datetime) -> PlayTask:
    """Tick a task off, or take the tick back. A second time changes nothing. Raises NotAllowed, or Refusal for a settled signal."""
    task = PlayTask.objects.select_for_update(of=("self",)).get(pk=task_id)
    owner = queries.owned().values_list("owned_by", flat=True).get(pk=task_id)
    signal = Signal.objects.select_related("customer__legal_entity", "deal", "play").get(pk=task.signal_id)
    rules.demand(rules.why_not_see(by, signal.customer))
    rules.demand(rules.why_not_tick(by, owner))
    if signal.state in queries.SETTLED:
        words = f"This signal is {signal.get_state_display().lower()}; its tasks stay as they were."
        raise Refusal("settled", "state", words)
    if (task.done_at is not None) == done:
        return task
    task.done_by, task.done_at = (by, now) if done else (None, None)
    task.save(update_fields=["done_by", "done_at"])
    _tell(task, signal, by=by, now=now)
    return task


def wait_until(signal: Signal, day: date) -> None:
    """A signal that is put off takes its tasks along: none is due before it comes back."""
    country = signal.customer.legal_entity.country
    signal.tasks.filter(done_at__isnull=True, due_on__lt=day).update(due_on=working_days_after(day, 0, country))


def _tell(task: PlayTask, signal: Signal, *, by: User, now: datetime) -> None:
    is_done = task.done_at is not None
    play = f" of the play “{signal.play.name}”" if signal.play else ""
    verb = "ticked off" if is_done else "opened again"
    record(
        action="signal.task_done" if is_done else "signal.task_reopened",
        sentence=f"{by} {verb} “{task.title}”{play}.",
        subjects=[signal.permalink, signal.customer.permalink, *([signal.deal.permalink] if signal.deal else [])],
        chain=signal.customer.legal_entity.code,
        at=now,
        by=by,
        after={"task": task.pk, "title": task.title, "done": is_done, "due_on": task.due_on.isoformat()},
    )
