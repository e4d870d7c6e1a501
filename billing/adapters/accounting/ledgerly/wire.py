"""Numbers and dates as they stand in Xero's JSON: exact decimals, `/Date(ms+0000)/`. Nothing here goes through a float."""

from __future__ import annotations

import json
import re
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache
from typing import Any

from babel.numbers import get_currency_precision

_MS_DATE = re.compile(r"^/Date\((-?\d+)(?:[+-]\d{4})?\)/$")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


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


def ms_date(day: date | None) -> str | None:
    """`/Date(ms+0000)/` of midnight UTC."""
    if day is None:
        return None
    return f"/Date({(date(day.year, day.month, day.day) - date(1970, 1, 1)).days * 86_400_000}+0000)/"


def ms_moment(moment: datetime) -> str:
    """`/Date(ms+0000)/` of a moment."""
    return f"/Date({round((moment - _EPOCH).total_seconds() * 1000)}+0000)/"


def parse_date(value: Any) -> date | None:
    """A date in either of the forms Xero takes: `/Date(ms)/` or ISO. Empty gives None; anything else raises ValueError."""
    if value in (None, ""):
        return None
    text = str(value)
    if match := _MS_DATE.match(text):
        return (_EPOCH + timedelta(milliseconds=int(match[1]))).date()
    return date.fromisoformat(text[:10])


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
