"""The stateless billing periods of design section 7: the dates of a term in, its periods out."""

from __future__ import annotations

from typing import Any

from billing.domain import limits
from billing.domain.case import CaseError, as_date, as_object, wrong_type
from billing.domain.periods import Period, billing_periods
from billing.domain.refusal import Refusal


def billing_periods_case(case: Any) -> dict[str, Any]:
    """{"periods": [...]} for {"start", "end", "months", "anchor"}; {"error": {code, field, message}} for a bad case. Never raises."""
    try:
        fields = as_object(case, "", ("start", "end", "months"), ("anchor",))
        start, end = as_date(fields["start"], "start"), as_date(fields["end"], "end")
        months = _months(fields["months"])
        anchor = None if fields.get("anchor") is None else as_date(fields["anchor"], "anchor")
        return {"periods": [_as_json(period) for period in billing_periods(start, end, months, anchor)]}
    except Refusal as error:
        return CaseError(error.code, error.field, error.message).as_json()


def _months(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise wrong_type(value, "months", "a whole number such as 1, 3, 6 or 12")
    if not 1 <= value <= limits.MAX_MONTHS:
        raise CaseError("too_large" if value > 0 else "too_small", "months", f"months has to be from 1 to {limits.MAX_MONTHS}.")
    return value


def _as_json(period: Period) -> dict[str, Any]:
    return {
        "start": period.start.isoformat(),
        "end": period.end.isoformat(),
        "full_start": period.full_start.isoformat(),
        "full_end": period.full_end.isoformat(),
        "days": period.days,
        "full_days": period.full_days,
    }
