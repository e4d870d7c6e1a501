"""Money, prices, quantities and percentages as people read them. Nothing else in dealops formats money."""

from __future__ import annotations

from decimal import Decimal
from functools import lru_cache
from typing import Final

from babel.numbers import format_currency, format_decimal

from billing.domain.money import from_units, half_away, plain

LOCALE: Final = "en_GB"
MINUS: Final = "\N{MINUS SIGN}"
NONE: Final = "\N{EN DASH}"


@lru_cache(maxsize=8192, typed=True)
def money_text(amount: Decimal | str | int | None, currency: str, signed: bool = False) -> str:
    """`£1,250.00`, a credit with a true minus sign, with `signed` also `+£250.00`; an en dash for None.

    At least the places of the currency are shown; more only where the amount has them, so that nothing is rounded away.
    """
    if amount is None:
        return NONE
    value = exact(amount)
    written = format_currency(abs(value), currency, locale=LOCALE, decimal_quantization=False)
    if value < 0:
        return f"{MINUS}{written}"
    return f"+{written}" if signed and value > 0 else written


def price_text(unit_price: Decimal | str | int | None, currency: str) -> str:
    """A unit price: `£50.00`, `£0.000125`."""
    return money_text(unit_price, currency)


def quantity_text(quantity: Decimal | str | int | None) -> str:
    """`5`, `1,250`, `0.5`."""
    if quantity is None:
        return NONE
    value = exact(quantity)
    written = format_decimal(abs(value), locale=LOCALE, decimal_quantization=False)
    return f"{MINUS}{written}" if value < 0 else written


def percent_text(percent: Decimal | str | int | None, places: int = 1) -> str:
    """`95.0 %`: rounded half away from zero to `places`."""
    if percent is None:
        return NONE
    numerator, denominator = exact(percent).as_integer_ratio()
    value = from_units(half_away(numerator * 10**places, denominator), places)
    return f"{MINUS if value < 0 else ''}{abs(value):,f} %"


def exact(value: Decimal | str | int) -> Decimal:
    """The number without superfluous zeros. Floats are refused: they are no money (F75)."""
    if isinstance(value, float | bool):
        raise TypeError(f"money is never shown from {type(value).__name__}")
    return plain(Decimal(value))
