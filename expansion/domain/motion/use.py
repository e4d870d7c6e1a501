"""How much of what they bought a customer uses: utilisation with hysteresis (K04) and the trend towards a commitment (K05)."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from math import ceil

THRESHOLD = Fraction(9, 10)
REARM = Fraction(85, 100)
# What a suggested step brings utilisation down to, in steps people buy seats in.
COMFORTABLE = Fraction(8, 10)
STEP = 5

Number = Decimal | Fraction | int


def share(used: Number, bought: Number) -> Fraction | None:
    """Active licences in the last 30 days over purchased ones, exact; None when nothing is bought."""
    if not bought:
        return None
    return Fraction(used) / Fraction(bought)


def is_over(now: Fraction | None, *, was_over: bool, threshold: Fraction = THRESHOLD, rearm: Fraction = REARM) -> bool:
    """Whether a crossing is in force: it begins at the threshold (inclusive) and ends below `rearm` (K04, S1-21). Unknown ends nothing."""
    if now is None:
        return was_over
    return now >= (rearm if was_over else threshold)


def crossings(shares: list[Fraction], *, threshold: Fraction = THRESHOLD, rearm: Fraction = REARM) -> int:
    """How often a play fires over a history of shares, oldest first: once per crossing."""
    over, fired = False, 0
    for now in shares:
        after = is_over(now, was_over=over, threshold=threshold, rearm=rearm)
        fired += after and not over
        over = after
    return fired


def more_seats(used: Number, bought: Number) -> int:
    """How many units more bring utilisation to 80 % or less, rounded up to whole fives; 0 when it is there already."""
    missing = ceil(Fraction(used) / COMFORTABLE) - Fraction(bought)
    return max(0, ceil(missing / STEP) * STEP)


def percent(value: Fraction) -> Decimal:
    """In percent with one decimal place, half up; for sentences only."""
    return Decimal((value * 2000 + 1).__floor__() // 2) / 10


def percent_words(value: Fraction) -> str:
    """`95 %`, `89.5 %`."""
    shown = percent(value)
    return f"{shown.to_integral_value() if shown == shown.to_integral_value() else shown} %"


def in_words(value: Number) -> str:
    """A number for a sentence, at most two decimal places, half up, without idle zeros: `2`, `1.5`, `0.67`."""
    whole, rest = divmod((Fraction(value) * 200 + 1).__floor__() // 2, 100)
    return f"{whole}.{rest:02}".rstrip("0").rstrip(".")


def days_to_full(*, used: Number, before: Number | None, bought: Number, days: int = 30) -> int | None:
    """Whole days until everything bought is in use at the pace since `days` ago, rounded up; 0 when it is, None when no pace is known
    or use does not rise (S1-20)."""
    if used >= bought:
        return 0
    if before is None or used <= before:
        return None
    daily = (Fraction(used) - Fraction(before)) / days
    return ceil((Fraction(bought) - Fraction(used)) / daily)


@dataclass(frozen=True, slots=True)
class CommitTrend:
    """Units used of a commitment after `elapsed` of `term` days (K05)."""

    commit: Decimal
    used: Decimal
    elapsed: int
    term: int

    @property
    def daily(self) -> Fraction:
        return Fraction(self.used) / self.elapsed if self.elapsed > 0 else Fraction(0)

    @property
    def projected(self) -> Fraction:
        """Used by the end of the term when the pace holds."""
        return Fraction(self.used) + self.daily * max(0, self.term - self.elapsed)

    @property
    def fires(self) -> bool:
        """A projection needs at least one day of use."""
        return self.elapsed > 0 and self.projected >= self.commit

    @property
    def days_to_cap(self) -> int | None:
        """Whole days until the commitment is used up, rounded up; 0 when it is, None when nothing is used."""
        if self.used >= self.commit:
            return 0
        return ceil((Fraction(self.commit) - Fraction(self.used)) / self.daily) if self.daily else None
