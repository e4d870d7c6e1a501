"""The terms of a contract as plain values: slices of lines, each valid for [starts, ends)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from functools import cached_property

from billing.domain.periods import Period, next_periods, period_on

ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Line:
    """One slice of one contract line: the terms that hold from `starts` up to, not including, `ends` (None: to the end of the contract).

    All slices with one `key` are one line, through changes of quantity, price and plan. `unit_price` is for one unit and one whole period
    of this line, which has `months` months (None: those of the contract). `discount` and `tax_rate` are percent. A line that is not
    recurring is charged once, whole, on `starts`. `minimum` is the quantity the customer is committed to (F81).
    """

    key: str
    product: str
    name: str
    family: str
    quantity: Decimal
    unit_price: Decimal
    starts: date
    ends: date | None
    months: int | None = None
    discount: Decimal = Decimal(0)
    tax_rate: Decimal | None = None
    tax_code: str = ""
    recurring: bool = True
    tier: int = 0
    unit: str = "seat"
    minimum: Decimal = Decimal(0)

    def holds_on(self, day: date) -> bool:
        """Whether `day` is one of its days; a one-time line has the day it is charged on."""
        return self.meets(day, day + ONE_DAY)

    def meets(self, start: date, end: date | None) -> bool:
        """Whether the slice shares a day with [start, end)."""
        ends = self.ends if self.recurring else self.starts + ONE_DAY
        return (ends is None or start < ends) and (end is None or self.starts < end)

    @property
    def terms(self) -> tuple[object, ...]:
        """Everything but the dates: two slices with equal terms are the same agreement at different times."""
        return (
            self.product,
            self.name,
            self.family,
            self.quantity,
            self.unit_price,
            self.months,
            self.discount,
            self.tax_rate,
            self.tax_code,
            self.recurring,
            self.tier,
            self.unit,
            self.minimum,
        )

    @property
    def price(self) -> tuple[object, ...]:
        """What has to be equal for a difference to be one of quantity alone."""
        return (self.product, self.unit_price, self.discount, self.months, self.recurring)


@dataclass(frozen=True)
class Terms:
    """What was agreed: currency, term [start, end), billing periods of `months` on `anchor` (None: start), in advance or in arrears, lines.

    `fixed_discount` is an amount off every billing period, shared over the recurring lines of its invoice by largest remainder.
    """

    currency: str
    start: date
    end: date
    months: int
    anchor: date | None
    in_advance: bool = True
    lines: tuple[Line, ...] = ()
    fixed_discount: Decimal = Decimal(0)

    @cached_property
    def by_key(self) -> dict[str, tuple[Line, ...]]:
        """The slices of each line in order of time; lines in order of appearance."""
        found: dict[str, list[Line]] = {}
        for line in self.lines:
            found.setdefault(line.key, []).append(line)
        return {key: tuple(sorted(slices, key=lambda line: line.starts)) for key, slices in found.items()}

    def on(self, day: date) -> tuple[Line, ...]:
        """The recurring lines that hold on `day`."""
        return tuple(line for line in self.lines if line.recurring and line.holds_on(day))

    def period_on(self, day: date, months: int | None = None) -> Period | None:
        """The billing period that holds `day`, of the contract or of a line with its own `months`; None outside the term."""
        return period_on(day, self.start, self.end, months or self.months, self.anchor)

    def periods_from(self, day: date, count: int, months: int | None = None) -> list[Period]:
        """Up to `count` billing periods that begin on or after `day`."""
        return next_periods(day, count, self.start, self.end, months or self.months, self.anchor)

    def end_of(self, line: Line) -> date:
        """The first day the slice no longer holds."""
        return self.end if line.ends is None else min(line.ends, self.end)


def merged(slices: Iterable[Line]) -> tuple[Line, ...]:
    """The slices of one line in order of time; neighbours with the same terms become one, so that a step and its reverse leave no trace."""
    found: list[Line] = []
    for line in sorted(slices, key=lambda line: line.starts):
        if found and found[-1].ends == line.starts and found[-1].terms == line.terms:
            found[-1] = replace(found[-1], ends=line.ends)
        else:
            found.append(line)
    return tuple(found)
