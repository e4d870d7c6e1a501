"""After an expansion: what is checked on which day, and when it counts as adopted (7.8, S2-31, S4-64)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction

ASSIGNED = Fraction(1, 2)
USED = Fraction(6, 10)


@dataclass(frozen=True, slots=True)
class Task:
    """A task of the adoption play, due `day` days after the change took effect."""

    kind: str
    title: str
    day: int

    def due(self, applied: date) -> date:
        return applied + timedelta(days=self.day)


REVIEW = Task("value", "Review the value commitment with the customer", 60)
TASKS = (
    Task("thank_you", "Write a thank-you letter", 2),
    Task("activation", "Check that at least half of what was added is assigned", 7),
    Task("usage", "Check that at least 60 % is in use", 30),
    REVIEW,
)
# The thank-you is courtesy; the expansion is adopted when the three checks are.
CHECKS = ("activation", "usage", "value")


@dataclass(frozen=True, slots=True)
class Added:
    """What an expansion added to a product: units before and after."""

    before: Decimal
    after: Decimal

    @property
    def units(self) -> Decimal:
        return self.after - self.before


def activation(added: Added, used: Decimal | None) -> tuple[bool | None, str]:
    """D+7: at least half of the added units are assigned. None while use is not counted."""
    if used is None:
        return None, "Use is not counted yet."
    assigned = max(Decimal(0), used - added.before)
    share = Fraction(assigned) / Fraction(added.units) if added.units > 0 else Fraction(1)
    return share >= ASSIGNED, f"{min(assigned, added.units).normalize():f} of {added.units.normalize():f} added units are assigned."


def usage(added: Added, used: Decimal | None) -> tuple[bool | None, str]:
    """D+30: at least 60 % of all units are in use."""
    if used is None:
        return None, "Use is not counted yet."
    share = Fraction(used) / Fraction(added.after) if added.after else Fraction(1)
    return share >= USED, f"{used.normalize():f} of {added.after.normalize():f} units are in use."


def verdict(results: dict[str, bool | None]) -> str:
    """running, passed or failed, from the answers of the three checks. One failure fails until it is checked again."""
    if any(results.get(check) is False for check in CHECKS):
        return "failed"
    return "passed" if all(results.get(check) for check in CHECKS) else "running"
