"""JSON with exact decimals, for adapters and stand-ins: nothing here goes through a float."""

from __future__ import annotations

import json
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache
from typing import Any

from babel.numbers import get_currency_precision


@lru_cache(maxsize=64)
def places(currency: str) -> Decimal:
    """The smallest amount of a currency, as the exponent to quantize to: GBP 0.01, JPY 1."""
    return Decimal(1).scaleb(-get_currency_precision(currency))


def rounded(amount: Decimal, currency: str) -> Decimal:
    """`amount` to the currency's places, half away from zero."""
    return amount.quantize(places(currency), ROUND_HALF_UP)


def dumps(value: Any) -> str:
    """JSON with Decimals written out as the numbers they are."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(str(key))}: {dumps(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(dumps(item) for item in value) + "]"
    if isinstance(value, Decimal):
        return format(value, "f")
    return json.dumps(value, ensure_ascii=False)


def loads(text: str | bytes) -> Any:
    """JSON with every fraction read as a Decimal. Raises ValueError."""
    return json.loads(text, parse_float=Decimal)


def number(value: Any) -> Decimal:
    """A JSON number, or a number in quotes, as a Decimal. Raises ValueError."""
    if isinstance(value, bool) or not isinstance(value, int | Decimal | str):
        raise ValueError(f"{value!r} is not a number")
    try:
        result = Decimal(value)
    except ArithmeticError:
        raise ValueError(f"{value!r} is not a number") from None
    if not result.is_finite():
        raise ValueError(f"{value!r} is not a number")
    return result
