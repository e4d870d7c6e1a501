"""Amounts: places of a currency, the one rounding rule, sharing without loss, plain text (design section 4, M02, F65, F74).

Nothing here depends on the decimal context: numbers are taken apart into integers and put together again from text.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Context, Decimal, DivisionByZero, Inexact, InvalidOperation, Overflow
from fractions import Fraction
from functools import lru_cache

from babel.core import get_global

from billing.domain.refusal import Refusal

# ISO 4217 gives these codes no minor unit: metals, bond units, baskets, tests. Nobody is billed in them.
NOT_BILLABLE = frozenset(
    ("XAG", "XAU", "XBA", "XBB", "XBC", "XBD", "XDR", "XEU", "XFO", "XFU", "XPD", "XPT", "XRE", "XSU", "XTS", "XUA", "XXX")
)

# Sums and differences go through here, so that they are exact or fail, whatever precision the thread has set.
_EXACT = Context(prec=120, traps=[Inexact, InvalidOperation, DivisionByZero, Overflow])


class UnknownCurrency(Refusal):
    """The code names no currency that can be billed."""

    def __init__(self, currency: object, field: str = "currency") -> None:
        super().__init__("unknown_currency", field, f"{currency!r:.40} is not a currency. Give an ISO 4217 code such as GBP.")


@lru_cache(maxsize=512)
def places(currency: str) -> int:
    """Decimal places of amounts in `currency` (JPY 0, GBP 2, KWD 3) by Babel's data. Raises UnknownCurrency."""
    if not isinstance(currency, str) or currency in NOT_BILLABLE or currency not in get_global("all_currencies"):
        raise UnknownCurrency(currency)
    fractions = get_global("currency_fractions")
    return int(fractions.get(currency, fractions["DEFAULT"])[0])


def half_away(numerator: int, denominator: int) -> int:
    """The integer nearest to numerator / denominator (denominator > 0); an exact half goes away from zero."""
    whole, rest = divmod(abs(numerator), denominator)
    if 2 * rest >= denominator:
        whole += 1
    return -whole if numerator < 0 else whole


def from_units(units: int, decimal_places: int) -> Decimal:
    """Minor units as an amount: from_units(12500, 2) is Decimal("125.00")."""
    return Decimal(f"{units}E-{decimal_places}")


def to_units(amount: Decimal, decimal_places: int) -> int:
    """An amount as minor units. Raises ValueError when it is finer than that."""
    numerator, denominator = _ratio(amount)
    units, rest = divmod(numerator * int(10**decimal_places), denominator)
    if rest:
        raise ValueError(f"{amount} has more than {decimal_places} decimal places")
    return units


def round_money(exact: Fraction | Decimal | int, currency: str) -> Decimal:
    """`exact` rounded once, half away from zero, to the places of `currency`. Floats are refused with TypeError (F75)."""
    numerator, denominator = _ratio(exact)
    decimal_places = places(currency)
    return from_units(half_away(numerator * 10**decimal_places, denominator), decimal_places)


def split(amount: Decimal, weights: Sequence[Fraction | Decimal | int], currency: str) -> list[Decimal]:
    """Share `amount` by `weights`: the parts add up to it exactly, ties go to the earlier line.

    Each part is its exact share cut down to the currency's places; what is left over goes, one minor unit each, to the largest remainders.
    Raises ValueError for a negative weight, no positive weight, or an amount finer than the currency.
    """
    decimal_places = places(currency)
    units = to_units(amount, decimal_places)
    shares = [Fraction(*_ratio(weight)) for weight in weights]
    whole = sum(shares, Fraction(0))
    if whole <= 0 or min(shares) < 0:
        raise ValueError("weights have to be 0 or more, at least one of them above 0")
    exact = [abs(units) * share / whole for share in shares]
    parts = [value.numerator // value.denominator for value in exact]
    by_remainder = sorted(range(len(parts)), key=lambda line: (parts[line] - exact[line], line))
    for line in by_remainder[: abs(units) - sum(parts)]:
        parts[line] += 1
    sign = -1 if units < 0 else 1
    return [from_units(sign * part, decimal_places) for part in parts]


def add(*amounts: Decimal) -> Decimal:
    """The exact sum, with the places of the finest amount."""
    total = Decimal(0)
    for amount in amounts:
        total = _EXACT.add(total, amount)
    return total


def subtract(amount: Decimal, less: Decimal) -> Decimal:
    """The exact difference; never a negative zero."""
    return _EXACT.subtract(amount, less)


def negative(amount: Decimal) -> Decimal:
    """The amount with the other sign; zero stays zero."""
    return _EXACT.minus(amount)


@lru_cache(maxsize=512)
def zero(currency: str) -> Decimal:
    """Nothing, with the places of `currency`: 0.00."""
    return from_units(0, places(currency))


@lru_cache(maxsize=8192)  # a bill run meets the same prices and rates thousands of times
def plain(number: Decimal) -> Decimal:
    """The same number without superfluous zeros and without an exponent: 5.000 becomes 5, 1E+2 becomes 100."""
    written = format(number, "f")
    if "." in written:
        written = written.rstrip("0").rstrip(".")
    return Decimal("0" if written == "-0" else written)


@lru_cache(maxsize=8192)
def price(number: Decimal, currency: str) -> Decimal:
    """A unit price as it is shown: at least the currency's places, more only where they are used (50.00, 0.000125)."""
    short = plain(number)
    missing = places(currency) + int(short.as_tuple().exponent)
    if missing <= 0:
        return short
    written = format(short, "f")
    return Decimal((written if "." in written else written + ".") + "0" * missing)


def text(amount: Decimal) -> str:
    """Plain decimal text, no exponent, no grouping: 1250.00."""
    return format(amount, "f")


def worded(amount: Decimal, currency: str) -> str:
    """For a sentence, in the places of the currency however many a column keeps: `1,250.00 GBP`, `120,000 JPY`."""
    return f"{round_money(amount, currency):,f} {currency}"


def _ratio(number: Fraction | Decimal | int) -> tuple[int, int]:
    if isinstance(number, bool) or not isinstance(number, Fraction | Decimal | int):
        raise TypeError(f"money is never computed from {type(number).__name__}")
    return number.as_integer_ratio()
