"""What a quantity at a price costs for a part of a period: exact first, rounded once (M02, F65, F66), with its arithmetic in words."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from math import gcd

from billing.domain import money
from billing.domain.limits import MAX_MINOR_UNITS
from billing.domain.proration import Part
from billing.domain.refusal import Refusal


@dataclass(frozen=True, slots=True)
class Priced:
    """An amount: exactly numerator / denominator (lowest terms), and `amount`, rounded half away from zero to the currency's places."""

    numerator: int
    denominator: int
    amount: Decimal


WHOLE = Part(1, 1, "period")


@lru_cache(maxsize=16384)  # a bill run prices the same quantities at the same prices month after month
def priced(quantity: Decimal, unit_price: Decimal, discount: Decimal, part: Part, currency: str, field: str = "quantity") -> Priced:
    """quantity x unit_price x (1 - discount %) x part. Raises Refusal too_large naming `field` beyond 10^15 minor units (F63)."""
    quantity_over, quantity_under = quantity.as_integer_ratio()
    price_over, price_under = unit_price.as_integer_ratio()
    discount_over, discount_under = discount.as_integer_ratio()
    over = quantity_over * price_over * (100 * discount_under - discount_over) * part.numerator
    under = quantity_under * price_under * 100 * discount_under * part.denominator
    places = money.places(currency)
    units = money.half_away(over * 10**places, under)
    if abs(units) > MAX_MINOR_UNITS:
        raise Refusal("too_large", field, f"The amount for {field} is above {currency} {money.from_units(MAX_MINOR_UNITS, places):,f}.")
    common = gcd(over, under)
    return Priced(over // common, under // common, money.from_units(units, places))


def exact_less(numerator: int, denominator: int, less: Decimal) -> tuple[int, int]:
    """numerator / denominator less an amount, in lowest terms."""
    over, under = less.as_integer_ratio()
    top, bottom = numerator * under - over * denominator, denominator * under
    common = gcd(top, bottom)
    return top // common, bottom // common


@lru_cache(maxsize=16384)
def tax_on(net: Decimal, rate: Decimal | None, currency: str) -> Decimal:
    """Tax on a rounded net amount, rounded the same way; 0 without a rate (M30, F73)."""
    places = money.places(currency)
    if not rate:
        return money.from_units(0, places)
    net_over, net_under = net.as_integer_ratio()
    rate_over, rate_under = rate.as_integer_ratio()
    return money.from_units(money.half_away(net_over * rate_over * 10**places, net_under * rate_under * 100), places)


@lru_cache(maxsize=16384)
def in_words(quantity: Decimal, unit_price: Decimal, discount: Decimal, part: Part, basis: str, amount: Decimal, currency: str) -> str:
    """The arithmetic a reader can follow: "5 x 50.00 x 15/30 days = 125.00"."""
    words = f"{money.text(money.plain(quantity))} x {money.text(money.price(unit_price, currency))}"
    if discount:
        words += f" less {money.text(money.plain(discount))}%"
    return f"{words}{_part_in_words(part, basis)} = {money.text(amount)}"


def _part_in_words(part: Part, basis: str) -> str:
    if part.unit == "period":
        return "" if part.is_whole else ", not prorated: counts from the next period"
    words = f" x {part.numerator}/{part.denominator} {part.unit}"
    if basis == "thirty_360":
        return f"{words} (30/360)"
    if basis == "whole_months":
        return f"{words} (a month begun counts whole)"
    return words
