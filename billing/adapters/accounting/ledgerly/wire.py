"""Dates as they stand in Xero's JSON, `/Date(ms+0000)/`; numbers are exact decimals (see exact_json)."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from typing import Any

from billing.adapters.accounting.exact_json import dumps, loads, number, places, rounded

__all__ = ["dumps", "loads", "ms_date", "ms_moment", "number", "parse_date", "places", "rounded"]

_MS_DATE = re.compile(r"^/Date\((-?\d+)(?:[+-]\d{4})?\)/$")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


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
