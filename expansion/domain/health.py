"""What a health score and a utilisation mean in words (K04, K23). An unknown health is never green."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

# Below it, no offer is made to the customer (S1-29); below the second line somebody should call.
GATE = 60
RED = 40
# At this share of the seats the customer is about to need more (S1-18).
THRESHOLD = Fraction(9, 10)


@dataclass(frozen=True, slots=True)
class Band:
    """A word for a score, a tone (ok, wait, bad, quiet) and the sentence behind it."""

    word: str
    tone: str
    sentence: str


def band(score: int | None) -> Band:
    """The band of a health score from 0 to 100; None is unknown."""
    if score is None:
        return Band("Unknown", "quiet", "No health score yet, so no offer is made automatically.")
    if score >= GATE:
        return Band("Healthy", "ok", f"Passes the gate of {GATE} for offers.")
    if score >= RED:
        return Band("Watch", "wait", f"Below the gate of {GATE}: help first, offers are held back.")
    return Band("At risk", "bad", f"Far below the gate of {GATE}: help first, offers are held back.")


@dataclass(frozen=True, slots=True)
class Utilisation:
    """Seats in use over seats bought. `percent` is exact until it is shown."""

    used: int
    bought: Decimal

    @property
    def share(self) -> Fraction:
        return Fraction(self.used) / Fraction(self.bought)

    @property
    def percent(self) -> Decimal:
        """In percent, rounded half up to one decimal place."""
        return Decimal((self.share * 2000 + 1).__floor__() // 2) / 10

    @property
    def is_high(self) -> bool:
        return self.share >= THRESHOLD

    @property
    def bar(self) -> int:
        """The length of the bar: whole percent, at most 100."""
        return min(100, int(self.share * 100))


def utilisation(used: int | None, bought: Decimal | None) -> Utilisation | None:
    """None when nothing is counted or nothing is bought by the seat."""
    if used is None or not bought:
        return None
    return Utilisation(used, bought)
