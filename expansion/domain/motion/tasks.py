"""What a play asks people to do once it has fired: a title, whose it is, and in how many working days (S1-21)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from billing.domain.refusal import Refusal

# Whose a task is, in words. "": whoever has the signal, first its success manager, after the hand-off the one it was given to.
OWNERS = {"": "Whoever has the signal", "success_manager": "The account's success manager", "deal_owner": "The deal's owner"}
LONGEST, LATEST = 200, 365


@dataclass(frozen=True, slots=True)
class Task:
    """`days` are working days after the play fires; `owner` is one of OWNERS."""

    title: str
    days: int
    owner: str = ""


def read_tasks(found: Sequence[Any]) -> tuple[Task, ...]:
    """The tasks of a definition. Raises Refusal naming the one that does not hold."""
    return tuple(_task(row, place) for place, row in enumerate(found))


def _task(row: Any, place: int) -> Task:
    title = str(row.get("title", "")).strip() if isinstance(row, Mapping) else ""
    days = row.get("days") if isinstance(row, Mapping) else None
    if not title or isinstance(days, bool) or not isinstance(days, int):
        raise Refusal("bad_task", f"tasks.{place}", "A task has a title and the days until it is due.")
    if len(title) > LONGEST or not 0 <= days <= LATEST:
        words = f"A task has a title of at most {LONGEST} letters and is due within {LATEST} working days."
        raise Refusal("bad_task", f"tasks.{place}", words)
    owner = row.get("owner") or ""
    if owner not in OWNERS:
        raise Refusal("bad_task_owner", f"tasks.{place}", "Say whose task it is: success_manager, deal_owner, or leave it blank.")
    return Task(title, days, str(owner))
