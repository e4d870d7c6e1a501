"""A condition of a rule: a field, an operator, a value; refused with a sentence when it makes no sense."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from difflib import get_close_matches
from fractions import Fraction
from typing import Any

from billing.domain.refusal import Refusal
from expansion.domain.motion.account import Account
from expansion.domain.motion.fields import FIELDS, Field, Reading
from expansion.domain.motion.use import in_words

OPERATORS = {
    "number": ("=", ">=", "<=", ">", "<", "between"),
    "text": ("=", "!=", "in", "not in"),
    "set": ("has", "lacks"),
    "yes": ("=",),
}

_CHECK: dict[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    "!=": operator.ne,
    "in": lambda found, value: found in value,
    "not in": lambda found, value: found not in value,
    "has": lambda found, value: value in found,
    "lacks": lambda found, value: value not in found,
}
_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
}


@dataclass(frozen=True, slots=True)
class Condition:
    """`value` is a Fraction, a pair of them, text, a tuple of texts or True. `rearm` is where a level counts as over (K04)."""

    field: Field
    op: str
    value: Any
    rearm: Fraction | None = None

    def holds(self, found: Any, *, was_on: bool) -> bool:
        if self.field.type == "number":
            return self._number(found if isinstance(found, int | Fraction) else Fraction(found), was_on)
        return bool(_CHECK[self.op](found, self.value))

    def _number(self, found: int | Fraction, was_on: bool) -> bool:
        if self.op == "between":
            return bool(self.value[0] <= found <= self.value[1])
        return bool(_COMPARE[self.op](found, self.rearm if was_on and self.rearm is not None else self.value))

    def matching(
        self, account: Account, on: date, open_keys: Mapping[str, date], readings: dict[str, list[Reading]] | None = None
    ) -> Reading | None:
        """The first reading of the field for which it holds. A level that is open stays open until it passes `rearm`.

        `readings` remembers what the fields of this account on this day say, so that many plays ask each field once.
        """
        found = readings.get(self.field.name) if readings is not None else None
        if found is None:
            found = list(self.field.read(account, on))
            if readings is not None:
                readings[self.field.name] = found
        for reading in found:
            if self.holds(reading.value, was_on=reading.key in open_keys):
                return reading
        return None


def read_condition(data: Any, *, kind: str, place: str) -> Condition:
    """A condition from JSON. Raises Refusal for an unknown field, a field of the other kind, an operator or a value that does not fit."""
    if not isinstance(data, Mapping):
        raise Refusal("bad_condition", place, "A condition is a field, an operator and a value.")
    unknown = set(data) - {"field", "op", "value", "rearm"}
    if unknown:
        raise Refusal("bad_condition", place, f"A condition has a field, an op, a value and a rearm, but no “{sorted(unknown)[0]}”.")
    field = _field(str(data.get("field", "")), kind, place)
    op = str(data.get("op", ""))
    if op not in OPERATORS[field.type]:
        known = ", ".join(OPERATORS[field.type])
        raise Refusal("bad_operator", place, f"“{field.label}” cannot be compared with “{op}”. Use one of {known}.")
    value = _value(field, op, data.get("value"), place)
    rearm = _fraction(field, data["rearm"], place) if data.get("rearm") not in (None, "") else None
    if rearm is not None and (op != ">=" or rearm > value):
        raise Refusal("bad_rearm", place, f"“{field.label}” re-arms below its threshold: give a number up to {in_words(value)}, with “>=”.")
    return Condition(field, op, value, rearm)


def _field(name: str, kind: str, place: str) -> Field:
    field = FIELDS.get(name)
    if field is None:
        near = get_close_matches(name, FIELDS, n=1)
        hint = f" Did you mean “{near[0]}”?" if near else f" Known: {', '.join(sorted(n for n, f in FIELDS.items() if f.kind == kind))}."
        raise Refusal("unknown_field", place, f"There is no field “{name[:60]}”.{hint}")
    if field.kind != kind:
        raise Refusal("wrong_kind", place, f"“{field.label}” is a {field.kind} field; put it among the {field.kind} conditions.")
    return field


def _value(field: Field, op: str, value: Any, place: str) -> Any:
    if field.type == "number":
        if value in (None, "", []):
            raise Refusal("no_threshold", place, f"Say from which number on “{field.label}” counts: “watch for it” is not a rule.")
        if op != "between":
            return _fraction(field, value, place)
        if not isinstance(value, list | tuple) or len(value) != 2:
            raise Refusal("bad_value", place, f"Give the first and the last number for “{field.label}”.")
        first, last = (_fraction(field, part, place) for part in value)
        if first > last:
            raise Refusal("bad_value", place, f"For “{field.label}” the first number is above the last.")
        return first, last
    if field.type == "yes":
        return True
    if op in {"in", "not in"}:
        if not isinstance(value, list | tuple) or not value:
            raise Refusal("bad_value", place, f"Give a list of values for “{field.label}”.")
        return tuple(str(part) for part in value)
    if not isinstance(value, str) or not value.strip():
        raise Refusal("bad_value", place, f"Give a value for “{field.label}”.")
    return value.strip()


def _fraction(field: Field, value: Any, place: str) -> Fraction:
    try:
        if isinstance(value, bool | float) or not isinstance(value, str | int):
            raise ValueError
        return Fraction(value)
    except (ValueError, ZeroDivisionError):
        raise Refusal(
            "bad_value", place, f"“{str(value)[:40]}” is not a number for “{field.label}”. Write it as text, such as “0.90”."
        ) from None
