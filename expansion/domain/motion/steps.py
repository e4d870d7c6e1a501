"""The change an offer would be: a product and how many of it there shall be, as intents on the lines of a contract."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from billing.domain.money import plain, text


@dataclass(frozen=True, slots=True)
class LineNow:
    """A recurring line of the contract as it is. `tier` is its rung of a ladder of plans, 0 for none; `price` is of one unit per period."""

    key: str
    product: str
    name: str
    family: str
    tier: int
    unit: str
    quantity: Decimal
    price: Decimal


def intents(lines: Sequence[LineNow], *, product: str, family: str, tier: int, quantity: Decimal) -> list[dict[str, str]]:
    """`quantity` of `product` from the day on: more or less of a line, another plan in its place, or a new line. [] when that is so now."""
    wanted = text(plain(quantity))
    same = next((line for line in lines if line.product == product), None)
    if same is not None:
        if same.quantity == quantity:
            return []
        if not quantity:
            return [{"action": "remove", "key": same.key}]
        return [{"action": "quantity", "key": same.key, "quantity": wanted}]
    ladder = plan_line(lines, family) if tier else None
    if ladder is not None:
        return [{"action": "swap", "key": ladder.key, "product": product, "quantity": wanted}]
    return [{"action": "add", "product": product, "quantity": wanted}]


def plan_line(lines: Sequence[LineNow], family: str = "") -> LineNow | None:
    """The highest plan among the lines, of `family` when one is named."""
    plans = [line for line in lines if line.tier and (not family or line.family == family)]
    return max(plans, key=lambda line: (line.tier, line.quantity), default=None)


def usual_quantity(lines: Sequence[LineNow], *, product: str, family: str, tier: int, units: int | None) -> Decimal:
    """How many to propose when nobody says: what there is and `units` more, as many as the plan it replaces, or one."""
    same = next((line for line in lines if line.product == product), None)
    if same is not None:
        return same.quantity + (units if units is not None else 1)
    ladder = plan_line(lines, family) if tier else None
    if ladder is not None:
        return ladder.quantity
    return Decimal(units or 1)
