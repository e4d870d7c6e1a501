"""An independent answer to the same questions, in Fractions, written from the design's words alone.

It must never import the engine. Slow and plain on purpose: periods are walked, days are counted one by one where that is affordable.
"""

from __future__ import annotations

import calendar
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache

PLACES = {"GBP": 2, "USD": 2, "EUR": 2, "JPY": 0, "KRW": 0, "KWD": 3, "BHD": 3}


def rounded(exact: Fraction, places: int) -> Fraction:
    """Half away from zero."""
    scaled = exact * 10**places
    whole = int(scaled)  # towards zero
    if abs(scaled - whole) >= Fraction(1, 2):
        whole += 1 if scaled > 0 else -1
    return Fraction(whole, 10**places)


def moved(anchor: date, months: int) -> date:
    """The anchor moved month by month, its day cut to the length of the month reached."""
    year, month = anchor.year, anchor.month
    while months:
        step = 1 if months > 0 else -1
        month, months = month + step, months - step
        if month == 13:
            year, month = year + 1, 1
        if month == 0:
            year, month = year - 1, 12
    return date(year, month, min(anchor.day, calendar.monthrange(year, month)[1]))


def whole_periods(start: date, end: date, months: int, anchor: date) -> list[tuple[date, date]]:
    """All whole periods that touch [start, end), by walking from the anchor."""
    number = 0
    while moved(anchor, number * months) > start:
        number -= 1
    while moved(anchor, (number + 1) * months) <= start:
        number += 1
    found = []
    while moved(anchor, number * months) < end:
        found.append((moved(anchor, number * months), moved(anchor, (number + 1) * months)))
        number += 1
    return found


def share(basis: str, effective: date, end: date, full_start: date, full_end: date) -> Fraction:
    if basis == "none":
        return Fraction(0)
    if basis == "actual_days":
        return Fraction((end - effective).days, (full_end - full_start).days)
    if basis == "thirty_360":
        return Fraction(days_30e(effective, end), days_30e(full_start, full_end))
    raise AssertionError(basis)


def whole_month_share(effective: date, full_start: date, months: int, anchor: date) -> Fraction:
    """Months of the period that are not over when the day begins; `full_start` is a boundary of the anchor."""
    first = next(k for k in range(400) for k in (k, -k) if moved(anchor, k) == full_start)
    marks = [moved(anchor, first + k) for k in range(1, months + 1)]
    return Fraction(sum(1 for mark in marks if mark > effective), months)


def weight(basis: str, day: date, term_end: date, full_start: date, full_end: date, months: int, anchor: date) -> Fraction:
    """What one day is of its full period. With whole months, a month belongs to the terms that hold when it, or the term, ends."""
    following = day + timedelta(days=1)
    if basis == "actual_days":
        return Fraction(1, (full_end - full_start).days)
    if basis == "thirty_360":
        return Fraction(days_30e(day, following), days_30e(full_start, full_end))
    apart = (following.year - anchor.year) * 12 + following.month - anchor.month
    return Fraction(int(following == term_end or moved(anchor, apart) == following), months)


def days_30e(start: date, end: date) -> int:
    first, last = min(start.day, 30), min(end.day, 30)
    return (end.year - start.year) * 360 + (end.month - start.month) * 30 + (last - first)


def line_amount(quantity: str, price: str, discount: str, ratio: Fraction, places: int) -> Fraction:
    less = 1 if discount == "0" else (100 - exact(discount)) / 100
    return rounded(exact(quantity) * exact(price) * less * ratio, places)


def days_between(start: date, end: date) -> list[date]:
    return [start + timedelta(days=number) for number in range((end - start).days)]


def shares_of(units: int, weights: list[Fraction]) -> list[int]:
    """Largest remainders, ties to the earlier: hand out one unit at a time to whoever is owed most."""
    whole = sum(weights)
    owed = [units * weight / whole for weight in weights]
    given = [int(part) for part in owed]
    remainders = [part - have for part, have in zip(owed, given, strict=True)]
    for _ in range(units - sum(given)):
        best = max(range(len(weights)), key=lambda line: (remainders[line], -line))
        given[best] += 1
        remainders[best] = Fraction(-1)
    return given


@lru_cache(maxsize=4096)
def exact(text: str | Decimal) -> Fraction:
    """The number as it is written; kept, because a case says most of its numbers several times."""
    return Fraction(text)
