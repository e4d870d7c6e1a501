"""Taking one change back out of terms that may have moved on since: newer changes keep their own differences (M08, F82).

To reverse an applied change on the books, give `impact` the terms now and the terms `undo` returns, the effective day of the original,
treatment credit_note and, as `waived_before` and `waiting_before`, the lines the original waived and those of its lines that still wait for
the next invoice. As rounding is symmetric, every line comes back with the opposite sign.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from itertools import pairwise

from billing.domain import money
from billing.domain.lines import Line, Terms, merged
from billing.domain.terms import TermsError


def undo(before: Terms, after: Terms, current: Terms) -> Terms:
    """`current` without the change that made `after` of `before`. Right after the change this is `before`.

    Where the change raised a quantity by 5, 5 go again, whatever was added since; a plan it brought goes back unless another plan came
    later; a line it removed comes back. Raises TermsError below_zero when newer changes have used up what would go.
    """
    slices = dict(current.by_key)
    for key in dict.fromkeys((*before.by_key, *after.by_key)):
        old, new = before.by_key.get(key, ()), after.by_key.get(key, ())
        if old != new:
            slices[key] = _undone(old, new, slices.get(key, ()))
    return replace(current, lines=tuple(line for held in slices.values() for line in held))


def _undone(old: Sequence[Line], new: Sequence[Line], now: Sequence[Line]) -> tuple[Line, ...]:
    """Piece by piece, also after the end of the term: it may have been moved since, and a renewal moves it again."""
    if not all(line.recurring for line in (*old, *new, *now)):
        return _once(old, new, now)
    edges = sorted({edge for line in (*old, *new, *now) for edge in (line.starts, line.ends or date.max)})
    found = []
    for start, end in pairwise(edges):
        was, made, held = (next((line for line in side if line.holds_on(start)), None) for side in (old, new, now))
        back = _back(was, made, held)
        if back is not None:
            found.append(replace(back, starts=start, ends=None if end == date.max else end))
    return merged(found)


def _back(was: Line | None, made: Line | None, held: Line | None) -> Line | None:
    """What holds on a piece without the change: `was` before it, `made` by it, `held` now."""
    if was and made and was.terms == made.terms:
        return held
    if made is None:
        return held or was
    if held is None:
        return None
    quantity = money.subtract(money.add(held.quantity, was.quantity if was else Decimal(0)), made.quantity)
    if quantity < 0:
        message = f"{held.name} would fall below zero from {held.starts}: newer changes have reduced it since. Reverse those first."
        raise TermsError("below_zero", "change", message)
    if quantity == 0:
        return None
    if was is None or held.product != made.product:
        return replace(held, quantity=quantity)
    price = money.add(held.unit_price, money.subtract(was.unit_price, made.unit_price))
    if price < 0:
        raise TermsError("negative", "change", f"The price of {held.name} would fall below zero. Reverse the newer price changes first.")
    kept = was if was.product != made.product else held
    return replace(kept, quantity=quantity, unit_price=price)


def _once(old: Sequence[Line], new: Sequence[Line], now: Sequence[Line]) -> tuple[Line, ...]:
    """One-time items: as before, unless somebody changed them since."""
    if tuple(now) != tuple(new):
        name = next(line.name for line in (*now, *new, *old))
        raise TermsError("moved_on", "change", f"{name} was changed since. Reverse the newer change first.")
    return tuple(old)
