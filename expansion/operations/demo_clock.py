"""A new demo day: the clock moves, what was waiting for that day begins, Ledgerly hears of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.conf import settings

from billing.adapters.accounting import ledgerly_clock
from billing.clock import DEMO_OPENS, DEMO_ZONE
from billing.domain.periods import add_months
from billing.domain.refusal import NotAllowed
from billing.operations import clock
from dealops.accounts.models import Role, User
from dealops.accounts.personas import personas
from expansion.operations import daily, motion


@dataclass(frozen=True, slots=True)
class Moved:
    """What the new day brought. `ledgerly_problem` is empty when Ledgerly took the date or there is none to tell."""

    day: date
    applied: list[str]
    generated: list[str]
    ledgerly_problem: str = ""
    issued: int = 0


@dataclass(frozen=True, slots=True)
class Move:
    """One step the clock offers."""

    label: str
    day: date


def moves(today: date) -> list[Move]:
    """A day on, a week on, and the first of the next month, when most invoices go out."""
    first = add_months(today.replace(day=1), 1)
    return [
        Move("Advance 1 day", today + timedelta(days=1)),
        Move("Advance 1 week", today + timedelta(days=7)),
        Move(f"To {first:%-d %b}", first),
    ]


def why_not_move(user: User) -> str | None:
    """RevOps and the demo's own people may move the clock."""
    if not settings.DEMO:
        return "Only the demo has a clock that can be moved."
    if user.role == Role.REVOPS or any(person.pk == user.pk for person in personas()):
        return None
    return "The demo clock is moved by RevOps or by one of the demo's people."


def move(*, day: date, by: User, real_now: datetime) -> Moved:
    """Set the clock, then do the work of every day passed, then tell Ledgerly. A silent Ledgerly does not hold the clock back.

    Raises Refusal naming `day`, or NotAllowed. Not one transaction: each scheduled change and each chunk of invoices has its own, and
    Ledgerly is called after all.
    """
    refusal = why_not_move(by)
    if refusal:
        raise NotAllowed("not_allowed", "day", refusal)
    clock.set_day(day=day, by=by, real_now=real_now)
    done = daily.catch_up(on=day, at=lambda passed: datetime.combine(passed, DEMO_OPENS, DEMO_ZONE))
    motion.hour(on=day, at=datetime.combine(day, DEMO_OPENS, DEMO_ZONE))
    generated: list[str] = []
    problem = ""
    if settings.LEDGERLY_URL:
        try:
            generated = ledgerly_clock.set_date(settings.LEDGERLY_URL, day)
        except ledgerly_clock.NotReached as error:
            problem = str(error)
    return Moved(day, done.applied, generated, problem, done.issued)
