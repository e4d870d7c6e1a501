"""Reads row history: what became what, on whose behalf, over all tables together, newest first, in a few queries whatever their size."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.db.models import ForeignKey, Model, OuterRef, Q, QuerySet, SmallIntegerField, Subquery, Value

from dealops.accounts.models import User
from dealops.audit.history import ADDED, CHANGED, KEPT, REMOVED, FormerRow, columns

PAGE_SIZE = 50
WORDS = {ADDED: "added", CHANGED: "changed", REMOVED: "removed"}
# What a row is called by, the first that it has.
NAMES = ("number", "name", "code")

# Of one history's rows those that are asked for; None when the whole table is not.
Narrow = Callable[[type[FormerRow], "QuerySet[Any]"], "QuerySet[Any] | None"]
Place = tuple[datetime, int, int]


@dataclass(frozen=True, slots=True)
class Step:
    """One change of one row. `moved` is (column, before, after) as text; `outside` when nobody told the database on whose behalf."""

    kind: str
    label: str
    what: str
    at: datetime
    who: str
    outside: bool
    via: str
    request_id: str
    moved: tuple[tuple[str, str, str], ...]


@dataclass(frozen=True, slots=True)
class Page:
    """Steps, the newest first, and the cursor of the next page, "" at the end."""

    steps: tuple[Step, ...]
    after: str


@dataclass(frozen=True, slots=True)
class _Pair:
    """A kept row and the row it is compared with, by column name; `then` is None where there is none."""

    kept: Any
    before: dict[str, Any]
    then: dict[str, Any]


def page(narrow: Narrow, *, after: str = "", size: int = PAGE_SIZE) -> Page:
    """One page of what `narrow` leaves, from the place `after` on (an earlier page's `after`)."""
    places = _places(narrow, _read(after), size + 1)
    shown = places[:size]
    pairs = _pairs(shown)
    called = _called(pairs.values())
    steps = tuple(_step(pairs[number, pk], called) for number, pk, _ in shown if (number, pk) in pairs)
    more = f"{shown[-1][2].isoformat()}_{shown[-1][0]}_{shown[-1][1]}" if len(places) > size else ""
    return Page(steps, more)


def _places(narrow: Narrow, after: Place | None, count: int) -> list[tuple[int, int, datetime]]:
    """(number of the history, key, moment) of the newest rows after a place, in one query over all histories."""
    parts = []
    for number, kept in enumerate(KEPT):
        rows = narrow(kept, kept.objects.all())
        if rows is not None:
            rows = rows.filter(_after(number, after)) if after else rows
            rows = rows.annotate(pgh_history=Value(number, SmallIntegerField())).order_by("-pgh_created_at", "-pgh_id")
            parts.append(rows.values_list("pgh_history", "pgh_id", "pgh_created_at")[:count])
    if not parts:
        return []
    return list(parts[0].union(*parts[1:], all=True).order_by("-pgh_created_at", "pgh_history", "-pgh_id")[:count])


def _after(number: int, after: Place) -> Q:
    at, history, key = after
    if number == history:
        return Q(pgh_created_at__lt=at) | Q(pgh_created_at=at, pgh_id__lt=key)
    return Q(pgh_created_at__lte=at) if number > history else Q(pgh_created_at__lt=at)


def _read(text: str) -> Place | None:
    try:
        at, history, key = text.split("_")
        place = datetime.fromisoformat(at), int(history), int(key)
    except ValueError:
        return None
    return place if place[0].tzinfo and 0 <= place[2] < 2**63 else None


def _pairs(places: Iterable[tuple[int, int, datetime]]) -> dict[tuple[int, int], _Pair]:
    """Each kept row beside what came after it: the row kept next, or the row as it is now. Three queries for each history."""
    keys = defaultdict(list)
    for number, key, _ in places:
        keys[number].append(key)
    found = {}
    for number, wanted in keys.items():
        model = KEPT[number]
        following = model.objects.filter(id=OuterRef("id"), pgh_id__gt=OuterRef("pgh_id")).exclude(pgh_label=ADDED).order_by("pgh_id")
        kept = list(model.objects.filter(pk__in=wanted).annotate(pgh_next=Subquery(following.values("pgh_id")[:1])))
        later = model.objects.in_bulk([row.pgh_next for row in kept if row.pgh_next])
        live = model.pgh_tracked_model._base_manager.in_bulk([row.id for row in kept if not row.pgh_next])
        for row in kept:
            found[number, row.pk] = _pair(row, later.get(row.pgh_next) or live.get(row.id))
    return found


def _pair(row: Any, then: Any) -> _Pair:
    own = _values(row, row)
    if row.pgh_label == ADDED:
        return _Pair(row, {}, own)
    if row.pgh_label == REMOVED:
        return _Pair(row, own, {})
    now = _values(row, then) if then is not None else own
    return _Pair(row, own, now)


def _values(row: Any, of: Any) -> dict[str, Any]:
    return {field.name: getattr(of, field.attname) for field in columns(type(row))}


def _called(pairs: Iterable[_Pair]) -> dict[tuple[type[Model], Any], str]:
    """The names of everything that rows and columns point at. One query for each model."""
    wanted = defaultdict(set)
    for pair in pairs:
        wanted[type(pair.kept).pgh_tracked_model].add(pair.kept.id)
        wanted[User].add((pair.kept.pgh_context or {}).get("by"))
        for field in columns(type(pair.kept)):
            if isinstance(field, ForeignKey):
                wanted[field.related_model] |= {pair.before.get(field.name), pair.then.get(field.name)}
    found = {}
    for model, keys in wanted.items():
        column = _name_of(model)
        if column:
            rows = model._base_manager.filter(pk__in=keys - {None}).values_list("pk", column)
            found.update({(model, key): str(name) for key, name in rows})
    return found


def _name_of(model: type[Model]) -> str | None:
    names = {field.name for field in model._meta.fields}
    return next((name for name in NAMES if name in names), None)


def _step(pair: _Pair, called: dict[tuple[type[Model], Any], str]) -> Step:
    row, told = pair.kept, pair.kept.pgh_context
    fields = {field.name: field for field in columns(type(row))}
    changed = [name for name in fields if pair.before.get(name) != pair.then.get(name)]
    by = (told or {}).get("by")
    who = called.get((User, by), f"user {by}") if by else "dealops"
    return Step(
        kind=row.pgh_words,
        label=_label(row, called),
        what=WORDS.get(row.pgh_label, row.pgh_label),
        at=row.pgh_created_at,
        who=f"outside the product (database user {row.pgh_database_user})" if told is None else who,
        outside=told is None,
        via=(told or {}).get("via", ""),
        request_id=(told or {}).get("request", ""),
        moved=tuple(
            (str(fields[name].verbose_name), *(_text(fields[name], side.get(name), called) for side in (pair.before, pair.then)))
            for name in changed
        ),
    )


def _label(row: Any, called: dict[tuple[type[Model], Any], str]) -> str:
    """What people call the row; of a part of something, that something."""
    own = next((str(getattr(row, name)) for name in NAMES if hasattr(row, name)), "") or called.get((row.pgh_tracked_model, row.id), "")
    if own:
        return own
    owner = next((field for field in columns(type(row)) if isinstance(field, ForeignKey)), None)
    whose = called.get((owner.related_model, getattr(row, owner.attname)), "") if owner else ""
    return f"{whose} #{row.id}".strip()


def _text(field: Any, value: Any, called: dict[tuple[type[Model], Any], str]) -> str:
    if value is None:
        return ""
    if isinstance(field, ForeignKey):
        return called.get((field.related_model, value), f"#{value}")
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Decimal):
        return f"{value.normalize():f}"
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M:%S}"
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, list | dict):
        return json.dumps(value, default=str, ensure_ascii=False)
    return str(dict(field.flatchoices).get(value, value))
