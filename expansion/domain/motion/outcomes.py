"""What became of it: saved MRR (K33), noise (K34), pressure at quarter ends (G3), support load after an expansion (K20)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction

SAVE_CHECK_DAYS = 90
LOAD_ALARM = Fraction(125, 100)
LOAD_FEWEST = 10
FORTNIGHT = 14
END_DAYS, YEAR_DAYS = 4 * FORTNIGHT, 365
PRESSURE_FEWEST = 4


@dataclass(frozen=True, slots=True)
class Saved:
    """A downsell to save an account: what was given up and what was kept, per month."""

    contraction: Decimal
    saved: Decimal
    is_settled: bool


def saved_mrr(*, before: Decimal, after: Decimal, applied: date, on: date, churned: date | None = None) -> Saved:
    """K33: the MRR kept counts unless the customer left within 90 days; until then it is not settled. Never below zero."""
    deadline = applied + timedelta(days=SAVE_CHECK_DAYS)
    left = churned is not None and churned <= min(on, deadline)
    return Saved(max(Decimal(0), before - after), Decimal(0) if left else max(Decimal(0), after), left or on >= deadline)


@dataclass(frozen=True, slots=True)
class Noise:
    """K34: offers shown per active account in 30 days, and accounts with more than one open offer (0 is the only good answer)."""

    per_account: Fraction | None
    crowded: int


def noise(*, shown: int, active: int, open_offers: Mapping[str, int]) -> Noise:
    return Noise(Fraction(shown, active) if active else None, sum(count > 1 for count in open_offers.values()))


@dataclass(frozen=True, slots=True)
class Pressure:
    """Offers of one person in the last two weeks of quarters, and in all other weeks, over the same year (G3, S4-62)."""

    name: str
    at_ends: int
    between: int

    @property
    def is_spike(self) -> bool:
        """Quota-driven? At least four, and more than twice as many a day as between the ends."""
        if self.at_ends < PRESSURE_FEWEST:
            return False
        return Fraction(self.at_ends, END_DAYS) > 2 * Fraction(self.between, YEAR_DAYS - END_DAYS)


def quarter_ends(on: date) -> tuple[tuple[date, date], ...]:
    """(first, last) day of the last fortnight of each of the four quarters that ended by `on`, the newest first."""
    begins = date(on.year, (on.month - 1) // 3 * 3 + 1, 1)
    found = []
    for _ in range(4):
        last = begins - timedelta(days=1)
        found.append((last - timedelta(days=FORTNIGHT - 1), last))
        begins = date(last.year, last.month - 2, 1)
    return tuple(found)


@dataclass(frozen=True, slots=True)
class Load:
    """Tickets, refunds and escalations 30 days after an expansion against 30 days before (K20)."""

    before: int
    after: int

    @property
    def ratio(self) -> Fraction | None:
        return Fraction(self.after, self.before) if self.before else None

    @property
    def alarms(self) -> bool:
        """Overselling? Above 1.25 with at least ten events after; a rise from nothing to ten alarms as well."""
        if self.after < LOAD_FEWEST:
            return False
        return self.ratio is None or self.ratio > LOAD_ALARM
