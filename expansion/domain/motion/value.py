"""What a suggested step would bring per month, with the sentence that shows how it was computed."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from expansion.domain.motion.account import Account
from expansion.domain.motion.use import more_seats


@dataclass(frozen=True, slots=True)
class Estimate:
    """`value` per month in `currency`; None when no price is known. `units` are the units more, when units are what changes."""

    value: Decimal | None
    currency: str
    units: int | None
    words: str


def estimate(account: Account, mechanism: str, product: str) -> Estimate:
    """An upsell to 80 % utilisation, the difference to another plan, one unit of a new product, or nothing for adoption.

    A downgrade of the plan they have, because there is no smaller one or use fell, has no amount before the ways of the plan are compared.
    """
    owned = next((o for o in account.owned if o.product == product), None)
    currency = account.owned[0].currency if account.owned else ""
    if mechanism == "adoption":
        return Estimate(Decimal(0), currency, None, "Owned already: nothing is sold.")
    if owned and mechanism == "upsell":
        use = account.use.get(product)
        units = more_seats(use.used, owned.quantity) if use else 0
        if not units:
            return Estimate(None, currency, None, "How many more is to be talked about.")
        words = f"{units} more {owned.name} {owned.unit}s x {_price(owned.price)} bring use to 80 % or less"
        return Estimate(units * owned.price, currency, units, words)
    if owned and mechanism == "downgrade":
        return Estimate(None, currency, None, "How much less it can be is what the downsell plan shows.")
    if not product:
        return Estimate(None, currency, None, "What they need next is what the conversation finds out.")
    trait, plan = account.products.get(product), account.plan
    price = trait.prices.get(currency) if trait else None
    if trait is None or price is None:
        return Estimate(None, currency, None, "No price is known for it.")
    if plan and trait.family == plan.family:
        words = f"{plan.quantity.normalize():f} {plan.unit}s x ({_price(price)} - {_price(plan.price)})"
        return Estimate(plan.quantity * (price - plan.price), currency, None, words)
    return Estimate(price, currency, None, f"1 {trait.name} x {_price(price)}")


def _price(price: Decimal) -> str:
    """A price per month to read: at most two places, said to be rounded where it is (an annual price has no exact month)."""
    shown = round(price, 2)
    return f"{shown.normalize():f}" if shown == price else f"about {shown:f}"
