"""Billing periods: half-open, anchored, each boundary computed from the original anchor (design section 4, F70, M22).

Boundary k is the anchor plus k * months, its day cut to the length of its month: 31 Jan, 28 Feb, 31 Mar. Computing it from the anchor and
not from the boundary before keeps the 31st.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date

from billing.domain import limits
from billing.domain.refusal import Refusal

_MONTH_LENGTHS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


class PeriodError(Refusal):
    """Dates that make no billing periods."""


@dataclass(frozen=True, slots=True)
class Period:
    """[start, end) of the term, and the whole period [full_start, full_end) it is, or is a stub of.

    `anchor` is the date its boundaries come from; it takes no part in comparisons.
    """

    start: date
    end: date
    full_start: date
    full_end: date
    anchor: date | None = field(default=None, compare=False, repr=False)

    @property
    def days(self) -> int:
        return (self.end - self.start).days

    @property
    def full_days(self) -> int:
        return (self.full_end - self.full_start).days

    @property
    def is_stub(self) -> bool:
        return self.start != self.full_start or self.end != self.full_end


def whole_period(start: date, end: date) -> Period:
    """A period that is no stub."""
    return Period(start, end, start, end)


def add_months(day: date, months: int) -> date:
    """`day` moved by whole months, cut to the length of the month: 31 Jan + 1 is 28 or 29 Feb. Raises PeriodError beyond year 9999."""
    index = day.year * 12 + day.month - 1 + months
    year, month = divmod(index, 12)
    if not 1 <= year <= 9999:
        raise PeriodError("out_of_range", "months", "The period reaches beyond the years 1 to 9999.")
    length = 29 if month == 1 and year % 4 == 0 and (year % 100 or year % 400 == 0) else _MONTH_LENGTHS[month]
    return date(year, month + 1, min(day.day, length))


def months_between(start: date, end: date) -> int | None:
    """n when `end` is `start` plus n whole months on some anchor day (so 28 Feb to 31 Mar is 1); None when it is not."""
    count = (end.year - start.year) * 12 + end.month - start.month
    if count <= 0:
        return None
    same = add_months(start, count) == end or add_months(end, -count) == start
    return count if same else None


def billing_periods(start: date, end: date, months: int, anchor: date | None = None) -> list[Period]:
    """The periods that tile [start, end) without gap or overlap, stubs at both ends included. `anchor` None means `start`.

    Raises PeriodError naming `end`, `months` or, beyond year 9999, `months`.
    """
    grid = _Grid(start, end, months, anchor)
    return list(grid.periods(grid.index(start), None))


def period_on(day: date, start: date, end: date, months: int, anchor: date | None = None) -> Period | None:
    """The period that holds `day`; None when `day` is not in [start, end)."""
    grid = _Grid(start, end, months, anchor)
    if not start <= day < end:
        return None
    return next(grid.periods(grid.index(day), 1))


def next_periods(day: date, count: int, start: date, end: date, months: int, anchor: date | None = None) -> list[Period]:
    """Up to `count` periods that begin on or after `day`, found without walking from the start of the term."""
    grid = _Grid(start, end, months, anchor)
    if day >= end or count < 1:
        return []
    if day <= start:
        return list(grid.periods(grid.index(start), count))
    index = grid.index(day)
    if grid.boundary(index) < day:
        index += 1
    return list(grid.periods(index, count))


class _Grid:
    """The boundaries of one term."""

    def __init__(self, start: date, end: date, months: int, anchor: date | None) -> None:
        if isinstance(months, bool) or not isinstance(months, int) or not 1 <= months <= limits.MAX_MONTHS:
            raise PeriodError("wrong_months", "months", f"months has to be a whole number from 1 to {limits.MAX_MONTHS}.")
        if end <= start:
            raise PeriodError("wrong_order", "end", f"end {end} has to be after start {start}.")
        self.start, self.end, self.months, self.anchor = start, end, months, anchor or start

    def boundary(self, index: int) -> date:
        return add_months(self.anchor, index * self.months)

    def index(self, day: date) -> int:
        """The number of the whole period that holds `day`; 0 begins at the anchor."""
        apart = (day.year - self.anchor.year) * 12 + day.month - self.anchor.month
        index = apart // self.months
        # The boundary in the same month may still lie ahead of the day; two months on, it cannot.
        return index - 1 if apart % self.months == 0 and self.boundary(index) > day else index

    def periods(self, index: int, count: int | None) -> Iterator[Period]:
        """Periods from number `index` on, clipped to the term, at most `count` of them."""
        made = 0
        full_start = self.boundary(index)
        while full_start < self.end and (count is None or made < count):
            index += 1
            full_end = self.boundary(index)
            yield Period(max(full_start, self.start), min(full_end, self.end), full_start, full_end, self.anchor)
            full_start = full_end
            made += 1
