"""Reading the JSON objects of the stateless commands: every field checked, every refusal names its path (F63, F64, F75).

Numbers are strings on the wire. A JSON number is refused, whole or not: what a sender's language did to it on the way cannot be seen here.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from billing.domain import limits
from billing.domain.refusal import Refusal

_NUMBER = re.compile(r"-?[0-9]{1,30}(\.[0-9]{1,30})?")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_KINDS = {
    dict: "an object",
    list: "a list",
    str: "a text",
    bool: "true or false",
    int: "a number",
    float: "a number with a point",
    type(None): "null",
}
MAX_TEXT = 200


class CaseError(Refusal):
    """A case that cannot be answered; `field` is the path of what is wrong, e.g. new[0].quantity."""

    def as_json(self) -> dict[str, Any]:
        return {"error": {"code": self.code, "field": self.field, "message": self.message}}


def as_object(value: Any, path: str, required: Sequence[str], optional: Sequence[str] = ()) -> dict[str, Any]:
    """`value` when it is an object with all required keys and no unknown one."""
    if not isinstance(value, dict):
        raise wrong_type(value, path or "case", "an object")
    allowed = (*required, *optional)
    for key in value:
        if key not in allowed:
            raise CaseError(
                "unknown_field", join(path, str(key)[:60]), f"{join(path, str(key)[:60])} is not known. Known: {', '.join(allowed)}."
            )
    for key in required:
        if key not in value:
            raise CaseError("missing", join(path, key), f"{join(path, key)} is missing.")
    return value


def as_list(value: Any, path: str, most: int) -> list[Any]:
    if not isinstance(value, list):
        raise wrong_type(value, path, "a list")
    if len(value) > most:
        raise CaseError("too_many", path, f"{path} has {len(value)} entries; at most {most} are accepted.")
    return value


def as_text(value: Any, path: str) -> str:
    if not isinstance(value, str):
        raise wrong_type(value, path, "a text")
    if not value.strip():
        raise CaseError("empty", path, f"{path} is empty.")
    if len(value) > MAX_TEXT:
        raise CaseError("too_long", path, f"{path} is longer than {MAX_TEXT} characters.")
    return value


def as_choice(value: Any, path: str, choices: Sequence[str]) -> str:
    if not isinstance(value, str):
        raise wrong_type(value, path, "a text")
    if value not in choices:
        name = path.rpartition(".")[2]
        raise CaseError(f"unknown_{name}", path, f"{path} cannot be {value!r:.40}. Choose one of {', '.join(choices)}.")
    return value


def as_number(value: Any, path: str, *, maximum: Decimal, places: int) -> Decimal:
    """A decimal from 0 to `maximum`, given as a string such as "5" or "49.99"."""
    if not isinstance(value, str):
        raise wrong_type(value, path, 'a decimal written as a text, such as "5" or "49.99"')
    if not _NUMBER.fullmatch(value):
        long = re.fullmatch(r"-?[0-9.]{31,}", value)
        if long:
            raise CaseError("too_large", path, f"{path} has too many digits.")
        raise CaseError("not_a_number", path, f'{path} cannot be {value!r:.40}. Give a decimal such as "5" or "49.99".')
    try:
        return limits.check_number(Decimal(value), path, maximum=maximum, places=places)
    except Refusal as refusal:
        raise CaseError(refusal.code, path, refusal.message) from None


def as_date(value: Any, path: str) -> date:
    if not isinstance(value, str):
        raise wrong_type(value, path, 'a date such as "2026-06-16"')
    try:
        if _DATE.fullmatch(value):
            return date.fromisoformat(value)
    except ValueError:
        pass
    raise CaseError("not_a_date", path, f'{path} cannot be {value!r:.40}. Give a day that exists, such as "2026-06-16".')


def wrong_type(value: Any, path: str, wanted: str) -> CaseError:
    return CaseError("wrong_type", path, f"{path} has to be {wanted}, not {_KINDS.get(type(value), type(value).__name__)}.")


def join(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key
