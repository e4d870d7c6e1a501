"""The fields of the play builder and the definition they make; the definition is judged by the domain, not here."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import zip_longest
from typing import Any

from expansion.domain.motion import gates
from expansion.domain.motion.fields import FIELDS, OWNERSHIP_BY_ADOPTION
from expansion.domain.motion.phrases import said

ROWS, TASKS = 3, 3
TASK_PARTS = ("title", "days", "owner")
TEXTS = ("mechanism", "product", "because", "message", "offer_type", "complexity")
NUMBERS = {"health": gates.HEALTH, "cool_down_days": gates.COOL_DOWN, "stop_after_days": 30}
LISTS = frozenset({"in", "not in", "between"})


def blank() -> dict[str, Any]:
    """A form with the usual limits and, to begin with, a segment by what customers own and how much of it they use (S3-19)."""
    return shown_of({"because": "Because {customer} ", "static": list(OWNERSHIP_BY_ADOPTION)})


def shown_of(definition: Mapping[str, Any]) -> dict[str, Any]:
    """A definition as fields: rows of conditions (one blank one at least), tasks, texts, numbers as text."""
    return {
        "static": _rows(definition.get("static") or []),
        "live": _rows(definition.get("live") or []),
        "tasks": [*({name: task.get(name, "") for name in TASK_PARTS} for task in definition.get("tasks") or []), *[{}] * TASKS][:TASKS],
        **{name: definition.get(name, "") for name in TEXTS},
        **{name: definition.get(name, default) for name, default in NUMBERS.items()},
    }


def _rows(found: list[Mapping[str, Any]]) -> list[dict[str, Any]]:
    rows = [{**row, "value": _text(row.get("value"))} for row in found]
    return [*rows, *[{}] * max(1, ROWS - len(rows))]


def _text(value: Any) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(str(part) for part in value)
    return "yes" if value is True else str(value or "")


def sentence_of(form: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The rule read aloud: (traits joined, live signals joined), blank where nothing is chosen yet. The script keeps it up to date."""
    return [(kind, " and ".join(_aloud(form[kind]))) for kind in ("static", "live")]


def _aloud(rows: list[Mapping[str, Any]]) -> list[str]:
    return [said(row, str(row.get("value") or "…")) for row in rows if row.get("field")]


def definition_of(data: Any) -> dict[str, Any]:
    """What was posted, as a definition; lists are typed with commas, rows without a field are left out."""
    made: dict[str, Any] = {name: data.get(name, "").strip() for name in TEXTS}
    for name in NUMBERS:
        text = data.get(name, "").strip()
        made[name] = int(text) if text.isascii() and text.isdecimal() and len(text) < 6 else text
    for kind in ("static", "live"):
        made[kind] = _conditions(data, kind)
    titles, days, owners = (data.getlist(f"task_{part}") for part in TASK_PARTS)
    made["tasks"] = [
        {"title": title.strip(), "days": int(day) if day.isascii() and day.isdecimal() and len(day) < 4 else day}
        | ({"owner": owner} if owner else {})
        for title, day, owner in zip_longest(titles, days, owners[: len(titles)], fillvalue="")
        if title.strip()
    ]
    return made


def _conditions(data: Any, kind: str) -> list[dict[str, Any]]:
    columns = [data.getlist(f"{kind}_{part}") for part in ("field", "op", "value")]
    rearms = data.getlist(f"{kind}_rearm")
    found = []
    for place, (field, op, value) in enumerate(zip(*columns, strict=False)):
        if not field:
            continue
        row: dict[str, Any] = {"field": field, "op": op, "value": _value(field, op, value.strip())}
        if place < len(rearms) and rearms[place].strip():
            row["rearm"] = rearms[place].strip()
        found.append(row)
    return found


def _value(field: str, op: str, text: str) -> Any:
    if op in LISTS:
        return [part.strip() for part in text.split(",") if part.strip()]
    return True if field in FIELDS and FIELDS[field].type == "yes" else text
