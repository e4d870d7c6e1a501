"""Upsell, cross-sell, downgrade or price uplift: derived from the lines by product family, never typed (K03, S1-12, S4-80, F83, M28)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Final

UPSELL: Final = "upsell"
CROSS_SELL: Final = "cross_sell"
DOWNGRADE: Final = "downgrade"
PRICE_UPLIFT: Final = "price_uplift"


@dataclass(frozen=True, slots=True)
class Offering:
    """One line as the classifier sees it. `value` is what it brings in per month (any common unit of time will do); 0 when one-time."""

    product: str
    family: str
    quantity: Decimal
    value: Fraction | Decimal
    tier: int = 0
    recurring: bool = True


@dataclass(frozen=True, slots=True)
class Movement:
    """What happened in one family. `mechanism` is "" when nothing moved in value.

    `how` is quantity, tier, product, price, one_time or ""; `delta` is the change of recurring value, exact.
    """

    family: str
    mechanism: str
    how: str
    delta: Fraction

    @property
    def sentence(self) -> str:
        return self.said(self.family, self.family)

    def said(self, before: str, after: str) -> str:
        """The movement in words, with what customers call the products that were held and those that will be."""
        return _SENTENCES[self.mechanism, self.how].format(before=before or after, after=after or before)


_SENTENCES: Final = {
    (UPSELL, "quantity"): "More of {after}, which the customer already has: upsell.",
    (UPSELL, "tier"): "A higher plan, {after} in place of {before}: upsell.",
    (UPSELL, "product"): "{after} beside or in place of {before}, which the customer already has: upsell.",
    (UPSELL, "one_time"): "{after}, charged once, of a kind the customer already has: upsell.",
    (CROSS_SELL, "product"): "{after} is new to the customer: cross-sell.",
    (CROSS_SELL, "one_time"): "{after}, charged once, is new to the customer: cross-sell.",
    (DOWNGRADE, "quantity"): "Less of {before}: downgrade.",
    (DOWNGRADE, "tier"): "A lower plan, {after} in place of {before}: downgrade.",
    (DOWNGRADE, "product"): "{before} goes: downgrade.",
    (DOWNGRADE, "price"): "A lower price for the same {after}: downgrade.",
    (PRICE_UPLIFT, "price"): "A higher price, nothing more of {after}: price uplift.",
    ("", ""): "The value of {after} stays the same.",
}


def movements(old: Iterable[Offering], new: Iterable[Offering]) -> tuple[Movement, ...]:
    """One Movement per family that occurs on either side, largest absolute delta first, ties in order of appearance.

    A family counts as owned when an old line of it has a quantity above 0.
    """
    before, after = list(old), list(new)
    families = dict.fromkeys(line.family for line in (*before, *after))
    found = [_movement(family, _of(family, before), _of(family, after)) for family in families]
    return tuple(sorted(found, key=lambda movement: -abs(movement.delta)))


def mechanisms(found: Sequence[Movement]) -> tuple[str, ...]:
    """The distinct mechanisms, the primary one (largest absolute recurring delta, S0-08) first."""
    return tuple(dict.fromkeys(movement.mechanism for movement in found if movement.mechanism))


def primary(found: Sequence[Movement]) -> str:
    """The mechanism that decides the pipeline; "" when nothing moved."""
    return next(iter(mechanisms(found)), "")


def _of(family: str, lines: Sequence[Offering]) -> list[Offering]:
    return [line for line in lines if line.family == family and line.quantity > 0]


def _movement(family: str, old: Sequence[Offering], new: Sequence[Offering]) -> Movement:
    delta = sum((Fraction(line.value) for line in new), Fraction(0)) - sum((Fraction(line.value) for line in old), Fraction(0))
    mechanism, how = _classify(old, new, delta)
    return Movement(family, mechanism, how, delta)


def _classify(old: Sequence[Offering], new: Sequence[Offering], delta: Fraction) -> tuple[str, str]:
    before, after = _quantities(old), _quantities(new)
    added, dropped = after.keys() - before.keys(), before.keys() - after.keys()
    if delta == 0:
        one_time = any(not line.recurring and after[line.product] > before.get(line.product, 0) for line in new)
        return ((UPSELL if old else CROSS_SELL), "one_time") if one_time else ("", "")
    if delta > 0:
        if not old:
            return CROSS_SELL, "product"
        if not added and not any(after[product] > before[product] for product in after):
            return PRICE_UPLIFT, "price"
        higher = bool(added and dropped) and _top(new) > _top(old)
        return UPSELL, "tier" if higher else "product" if added else "quantity"
    if not dropped and not any(after[product] < before[product] for product in before):
        return DOWNGRADE, "price"
    lower = bool(added and dropped) and _top(new) < _top(old)
    return DOWNGRADE, "tier" if lower else "product" if dropped else "quantity"


def _quantities(lines: Sequence[Offering]) -> dict[str, Fraction]:
    found: dict[str, Fraction] = {}
    for line in lines:
        found[line.product] = found.get(line.product, Fraction(0)) + Fraction(line.quantity)
    return found


def _top(lines: Sequence[Offering]) -> int:
    return max((line.tier for line in lines), default=0)
