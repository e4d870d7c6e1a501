"""When the repeating template of a contract may be replaced without losing an invoice or making one twice (F42)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

# Accounting makes its invoices some time around midnight of their day, on a clock of its own.
LEEWAY = timedelta(hours=2)


@dataclass(frozen=True, slots=True)
class Old:
    """A live template that would be removed: the day it makes its next invoice (None: no more), and the first one it was made for.

    `starts` is None for a template dealops did not make.
    """

    next_date: date | None
    starts: date | None = None


def why_wait(olds: Iterable[Old], *, starts: date | None, billed: date | None, local: datetime) -> str:
    """Why the template must not be replaced at the moment `local` (in the legal entity's zone); empty when it may be.

    `starts` is the day the new template makes its first invoice, None when nothing more will be billed; `billed` is the day of the
    newest recurring invoice issued here. In this order:

    1. A day we have billed that accounting has still to make: removing the template would lose that invoice over there.
    2. The day the new template starts on was made already by the old one: the new one would make it a second time. It waits until
       the bill run here has passed that day too, and then starts a period later.
    3. The invoice is due about now: between two hours before the day and two hours after its end, until accounting shows by a later
       next date that it has made it. Whether it already has, nobody can tell from outside.

    A template that makes no more invoices can always go. When nothing more will be billed only the first holds.
    """
    for old in olds:
        if old.next_date is None:
            continue
        day = f"{old.next_date:%-d %b %Y}"
        if billed is not None and old.next_date <= billed:
            return f"Accounting has still to make its invoice of {day}; the template is replaced after that."
        if starts is None:
            continue
        if _made_already(old, starts):
            return (
                f"Accounting has already made its invoice of {starts:%-d %b %Y}, with the amounts before. "
                "The template is replaced when the bill run here has passed that day."
            )
        midnight = datetime.combine(old.next_date, time(), local.tzinfo)
        if midnight - LEEWAY <= local < midnight + timedelta(days=1) + LEEWAY:
            return f"Accounting makes its invoice of {day} about now; the template is replaced when that shows."
    return ""


def _made_already(old: Old, starts: date) -> bool:
    return old.starts is not None and old.next_date is not None and old.starts <= starts < old.next_date


def overtaken(olds: Iterable[Old], *, starts: date) -> bool:
    """Whether an old template made the invoice of `starts` while its successor, due on the same day, was being set up."""
    return any(_made_already(old, starts) for old in olds)
