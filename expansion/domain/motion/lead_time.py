"""How long a customer has until a limit stops them: what an account executive is told before it does (S1-20)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from expansion.domain.motion.account import Account
from expansion.domain.motion.use import days_to_full

# Kinds of signals (their live field) of customers who meet a limit by themselves, asked or not.
NEAR_THE_CAP: Final = ("utilisation", "plan_cap", "commitment")
_LIMITS = {"utilisation": "the last seat is taken", "plan_cap": "the plan is full", "commitment": "the commitment is used up"}
# On which pace a projection rests, and why there is none.
_LATELY = ("of the last 30 days", "use did not rise in the last 30 days")
_COMMITMENT = ("since the commitment began", "nothing of it was used yet")
# Beyond this a projection says nothing.
FARTHEST: Final = 365


@dataclass(frozen=True, slots=True)
class LeadTime:
    """`days` until the limit: 0 when it is reached, None when nothing says when. `words` is a sentence that says on what it rests."""

    days: int | None
    words: str

    def title(self, customer: str) -> str:
        if self.days is None:
            return f"{customer} is near a limit"
        if self.days == 0:
            return f"{customer} has reached a limit"
        return f"{customer} reaches a limit in {_count(self.days)}"


def lead_time(account: Account, kind: str, product: str, on: date) -> LeadTime:
    """What is projected for a signal of a kind of NEAR_THE_CAP. Rests on the pace of the last 30 days, a commitment's on its whole term."""
    limit, days = _LIMITS[kind], _days(account, kind, product)
    pace, none = _COMMITMENT if kind == "commitment" else _LATELY
    if days == 0:
        return LeadTime(0, f"Projected: {limit} already.")
    if days is None:
        return LeadTime(None, f"No day on which {limit} can be projected: {none}.")
    if days > FARTHEST:
        return LeadTime(None, f"At the pace {pace} it takes more than a year until {limit}.")
    return LeadTime(days, f"Projected: {limit} in {_count(days)}, on {_day(on + timedelta(days=days))}, at the pace {pace}.")


def _days(account: Account, kind: str, product: str) -> int | None:
    if kind == "commitment":
        trend = account.trends.get(product)
        return trend.days_to_cap if trend else None
    owned, use = next((o for o in account.owned if o.product == product), None), account.use.get(product)
    if owned is None:
        return None
    if kind == "plan_cap" and owned.cap:
        # Seats that were bought fill the plan, whether anybody sits on them or not.
        if owned.quantity >= owned.cap:
            return 0
        return days_to_full(used=use.used, before=use.before, bought=owned.cap) if use else None
    return days_to_full(used=use.used, before=use.before, bought=owned.quantity) if use else None


def _count(days: int) -> str:
    return f"{days} day{'' if days == 1 else 's'}"


def _day(day: date) -> str:
    return f"{day.day} {day:%b %Y}"
