"""One written form of a frozen value: plain JSON types, decimals and dates as strings, keys in one order; and back (M18, M24)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from datetime import date
from decimal import Decimal
from functools import lru_cache
from types import NoneType, UnionType
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

Value = TypeVar("Value")
_PLAIN = frozenset((str, bool, int))
_BLANK: dict[Any, Any] = {Decimal: Decimal(0), str: "", bool: False, int: 0, tuple: ()}


def to_plain(value: Any) -> Any:
    """A dataclass, or what its fields may hold, as plain JSON types. Floats are refused with TypeError (F75)."""
    if value is None or type(value) in _PLAIN or isinstance(value, str):
        return value
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, tuple | list):
        return [to_plain(entry) for entry in value]
    if isinstance(value, Mapping):
        return {str(key): to_plain(value[key]) for key in sorted(value)}
    if is_dataclass(value) and not isinstance(value, type):
        return {name: to_plain(getattr(value, name)) for name in _names(type(value))}
    raise TypeError(f"{type(value).__name__} has no canonical form")


def from_plain(kind: type[Value], plain: Any) -> Value:
    """The value of type `kind` that `to_plain` wrote as `plain`; keys it does not know are left out, fields it lacks are blank."""
    found: Value = _read(kind, plain)
    return found


def digest(plain: Any) -> str:
    """SHA-256, in hex, of the canonical JSON text of plain types."""
    return hashlib.sha256(json.dumps(plain, sort_keys=True, separators=(",", ":")).encode("ascii")).hexdigest()


def _read(kind: Any, plain: Any) -> Any:
    if isinstance(kind, type) and is_dataclass(kind):
        found = {name: _read(hint, plain[name]) for name, hint in _hints(kind).items() if name in plain}
        return kind(**(_neutral(kind) | found if len(found) < len(_names(kind)) else found))
    if get_origin(kind) in (Union, UnionType):
        inner = [option for option in get_args(kind) if option is not NoneType]
        return None if plain is None else _read(inner[0], plain)
    if get_origin(kind) is tuple:
        return tuple(_read(get_args(kind)[0], entry) for entry in plain)
    if kind is Decimal:
        return Decimal(plain)
    if kind is date:
        return date.fromisoformat(plain)
    return plain


def _neutral(kind: Any) -> dict[str, Any]:
    """Values for fields that an earlier release did not write: the field's own default, else nothing of its type."""
    found = {}
    for field in fields(kind):
        if field.default is MISSING and field.default_factory is MISSING:
            hint = _hints(kind)[field.name]
            blank = get_origin(hint) or hint
            if blank in _BLANK:
                found[field.name] = _BLANK[blank]
            elif blank in (Union, UnionType):
                found[field.name] = None
    return found


@lru_cache(maxsize=64)
def _names(kind: type[Any]) -> tuple[str, ...]:
    return tuple(field.name for field in fields(kind))


@lru_cache(maxsize=64)
def _hints(kind: type[Any]) -> dict[str, Any]:
    hints = get_type_hints(kind)
    return {field.name: hints[field.name] for field in fields(kind)}
