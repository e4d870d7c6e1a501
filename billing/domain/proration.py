"""Which part of a period a change, or a slice of a line, takes: an exact ratio, never rounded (design section 4, K01, F68, F70).

actual_days   calendar days over the days of the full period.
thirty_360    European 30E/360: a day 31 counts as 30, both ends counted from the date itself.
whole_months  months of the period, a month begun counts whole; months are counted on the anchor day.
none          a change leaves the period as it is billed and counts from the next one.

A stub is measured against the full period it lies in.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import Final

from billing.domain.periods import Period, add_months, months_between
from billing.domain.refusal import Refusal

BASES: Final = ("actual_days", "thirty_360", "whole_months", "none")


@dataclass(frozen=True, slots=True)
class Part:
    """numerator / denominator of a period, unreduced so that it reads as counted (15/30). `unit` is days, months or period."""

    numerator: int
    denominator: int
    unit: str

    @property
    def fraction(self) -> Fraction:
        return Fraction(self.numerator, self.denominator)

    @property
    def is_whole(self) -> bool:
        return self.numerator == self.denominator


def share(basis: str, effective: date, period: Period) -> Fraction:
    """What a change effective on `effective` takes of the full period `period` lies in: from that day, which belongs to the new terms, to
    the end of `period`. `effective` may be any day from the start to the end of the period; at the end the share is 0.

    Raises Refusal for an unknown basis, a day outside the period, or a period without 30/360 days.
    """
    return change_part(basis, effective, period).fraction


def change_part(basis: str, effective: date, period: Period) -> Part:
    """`share` as it is counted, unreduced. Basis `none` gives 0: the period stays as billed, on its first day too."""
    if basis == "none":
        _check_inside(effective, period.end, period)
        return Part(0, 1, "period")
    return part(basis, effective, period.end, period)


def part(basis: str, start: date, end: date, period: Period) -> Part:
    """What [start, end) takes of the full period: parts of neighbouring spans add up, whatever the basis.

    With basis `none` the terms of the first day take the whole period and later ones nothing.
    """
    _check_inside(start, end, period)
    if basis == "actual_days":
        return Part((end - start).days, period.full_days, "days")
    if basis == "thirty_360":
        return _thirty_360(start, end, period)
    if basis == "whole_months":
        return _whole_months(start, end, period)
    if basis == "none":
        return Part(int(start == period.start < end), 1, "period")
    raise Refusal("unknown_basis", "basis", f"{basis!r:.40} is no proration basis. Choose one of {', '.join(BASES)}.")


def _check_inside(start: date, end: date, period: Period) -> None:
    if not period.start <= start <= end <= period.end:
        raise Refusal("outside_period", "effective", f"{start} to {end} is not inside the period {period.start} to {period.end}.")


def _thirty_360(start: date, end: date, period: Period) -> Part:
    whole = _day_360(period.full_end) - _day_360(period.full_start)
    if whole == 0:
        raise Refusal("no_days", "basis", f"{period.full_start} to {period.full_end} has no days when every month has 30. Use actual_days.")
    return Part(_day_360(end) - _day_360(start), whole, "days")


def _day_360(day: date) -> int:
    return 360 * day.year + 30 * day.month + min(day.day, 30)


def _whole_months(start: date, end: date, period: Period) -> Part:
    anchor = period.anchor or _anchor_of(period)
    whole = _months_begun(anchor, period.full_start, period.full_end)
    last = _months_begun(anchor, period.full_start, end) if end == period.end else _month_index(anchor, period.full_start, end)
    return Part(last - _month_index(anchor, period.full_start, start), whole, "months")


def _anchor_of(period: Period) -> date:
    """A date with the day of month the period's boundaries were cut from: 31 for 28 Feb to 31 Mar."""
    if months_between(period.full_start, period.full_end) and period.full_end.day > period.full_start.day:
        return period.full_end
    return period.full_start


def _month_index(anchor: date, first: date, day: date) -> int:
    """How many month marks lie after `first` and on or before `day`."""
    return _marks(anchor, day) - _marks(anchor, first)


def _months_begun(anchor: date, first: date, end: date) -> int:
    """How many months have begun in [first, end), the one at `first` included."""
    return _marks(anchor, end) - _marks(anchor, first) + (0 if _is_mark(anchor, end) else 1)


def _marks(anchor: date, day: date) -> int:
    """The number of the month mark on or before `day`; the mark at the anchor is 0."""
    apart = (day.year - anchor.year) * 12 + day.month - anchor.month
    return apart if add_months(anchor, apart) <= day else apart - 1


def _is_mark(anchor: date, day: date) -> bool:
    return add_months(anchor, _marks(anchor, day)) == day
