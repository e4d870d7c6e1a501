"""What a change owes for periods that are already billed: the difference between two terms, piece by piece (K01, F66, F67, M01).

Both terms are laid over the billed periods of each line and cut where either changes. A piece where only the quantity differs becomes one
net line; any other difference becomes a credit for the old and a charge for the new. Neighbouring pieces that say the same become one line,
so that it is rounded once.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise

from billing.domain import money, pricing
from billing.domain.invoice import PricedLine, one_time_period, price_line
from billing.domain.lines import Line, Terms
from billing.domain.periods import Period
from billing.domain.proration import part


@dataclass(frozen=True, slots=True)
class Window:
    """Which periods are billed: those that begin before `billed_until` (in arrears: that end by then), from `effective` on.

    A period that ended on or before `closed_before` is a prior one.
    """

    effective: date
    billed_until: date
    closed_before: date
    basis: str
    shape: str

    def billed(self, terms: Terms, period: Period) -> bool:
        return period.start < self.billed_until if terms.in_advance else period.end <= self.billed_until


@dataclass(frozen=True, slots=True)
class _Piece:
    """[start, end) of one billed period of a line under one slice."""

    start: date
    end: date
    period: Period
    line: Line


@dataclass(frozen=True, slots=True)
class _Row:
    """A document line in the making."""

    side: str
    line: Line
    quantity: Decimal
    start: date
    end: date
    period: Period

    def continues(self, other: _Row) -> bool:
        return other.end == self.start and (other.side, other.quantity, other.line.terms, other.period) == (
            self.side,
            self.quantity,
            self.line.terms,
            self.period,
        )


def adjustment_lines(before: Terms, after: Terms, window: Window) -> list[PricedLine]:
    """The lines, in the order of the contract's lines and of time, each rounded once; outcomes and caps are not decided here."""
    found: list[PricedLine] = []
    for key in dict.fromkeys((*before.by_key, *after.by_key)):
        old, new = before.by_key.get(key, ()), after.by_key.get(key, ())
        if old != new:
            found += _recurring(before, after, old, new, window)
            found += _one_time(before, after, old, new, window)
    return found


def _recurring(before: Terms, after: Terms, old: Sequence[Line], new: Sequence[Line], window: Window) -> Iterator[PricedLine]:
    if window.basis == "none":
        return
    rows: list[_Row] = []
    for old_piece, new_piece in _matched(list(_pieces(before, old, window)), list(_pieces(after, new, window))):
        for row in _rows(old_piece, new_piece, window.shape):
            earlier = next((place for place, done in enumerate(rows) if row.continues(done)), None)
            if earlier is None:
                rows.append(row)
            else:
                rows[earlier] = replace(rows[earlier], end=row.end)
    for row in rows:
        yield price_line(
            row.line,
            side=row.side,
            quantity=row.quantity,
            starts=row.start,
            ends=row.end,
            period=row.period,
            counted=part(window.basis, row.start, row.end, row.period),
            basis=window.basis,
            currency=before.currency,
            prior_period=row.period.end <= window.closed_before,
        )


def _pieces(terms: Terms, slices: Sequence[Line], window: Window) -> Iterator[_Piece]:
    """The slices over the billed periods, from the effective day on, in order of time."""
    for line in slices:
        if not line.recurring or not line.quantity:
            continue
        day, ends = max(line.starts, window.effective, terms.start), terms.end_of(line)
        while day < ends and (period := terms.period_on(day, line.months)) and window.billed(terms, period):
            yield _Piece(day, min(ends, period.end), period, line)
            day = period.end


def _matched(old: list[_Piece], new: list[_Piece]) -> Iterator[tuple[_Piece | None, _Piece | None]]:
    """Both sides cut at each other's edges and set side by side."""
    edges = sorted({edge for piece in (*old, *new) for edge in (piece.start, piece.end)})
    for start, end in pairwise(edges):
        pair = tuple(
            next((replace(p, start=start, end=end) for p in side if p.start <= start and end <= p.end), None) for side in (old, new)
        )
        if pair != (None, None):
            yield pair[0], pair[1]


def _rows(old: _Piece | None, new: _Piece | None, shape: str) -> Iterator[_Row]:
    if old and new and old.period == new.period and old.line.price == new.line.price:
        delta = money.subtract(new.line.quantity, old.line.quantity)
        if delta == 0:
            return
        if shape == "net":
            # Charged as the new terms have it; credited as the old ones had it, tax included (F73).
            yield _row("charge", new, delta) if delta > 0 else _row("credit", old, money.negative(delta))
            return
    if old:
        yield _row("credit", old, old.line.quantity)
    if new:
        yield _row("charge", new, new.line.quantity)


def _row(side: str, piece: _Piece, quantity: Decimal) -> _Row:
    # A net line stands for its difference only, so that pieces with the same difference join whatever the quantities were.
    line = replace(piece.line, starts=piece.start, ends=piece.end, quantity=quantity)
    return _Row(side, line, quantity, piece.start, piece.end, piece.period)


def _one_time(before: Terms, after: Terms, old: Sequence[Line], new: Sequence[Line], window: Window) -> Iterator[PricedLine]:
    """One-time lines whose invoice is already out: charged, or taken back, whole."""
    was, will_be = _once(before, old, window), _once(after, new, window)
    if was and will_be and was.price == will_be.price and was.starts == will_be.starts:
        delta = money.subtract(will_be.quantity, was.quantity)
        if delta == 0:
            return
        if window.shape == "net":
            yield (
                _whole("charge", will_be, delta, before, window)
                if delta > 0
                else _whole("credit", was, money.negative(delta), before, window)
            )
            return
    if was:
        yield _whole("credit", was, was.quantity, before, window)
    if will_be:
        yield _whole("charge", will_be, will_be.quantity, before, window)


def _once(terms: Terms, slices: Sequence[Line], window: Window) -> Line | None:
    for line in slices:
        period = None if line.recurring else terms.period_on(line.starts)
        if period and line.quantity and line.starts >= window.effective and window.billed(terms, period):
            return line
    return None


def _whole(side: str, line: Line, quantity: Decimal, terms: Terms, window: Window) -> PricedLine:
    own = one_time_period(line)
    period = terms.period_on(line.starts)
    return price_line(
        line,
        side=side,
        quantity=quantity,
        starts=line.starts,
        ends=line.starts + timedelta(days=1),
        period=own,
        counted=pricing.WHOLE,
        basis=window.basis,
        currency=terms.currency,
        prior_period=period is not None and period.end <= window.closed_before,
    )
