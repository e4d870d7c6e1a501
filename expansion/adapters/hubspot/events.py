"""What HubSpot tells us in a webhook, reduced to what we need of it. An event only says what moved; it is read anew (F51)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

# HubSpot sends at most a hundred at once; more than this is no webhook.
MOST: Final = 1000


class NotUnderstood(Exception):
    """The body is not a list of events."""


@dataclass(frozen=True, slots=True)
class Event:
    """One event. `kind` is e.g. deal.propertyChange; `objects` are the records it speaks of; `merged_into` is set by a merge (F54).

    Identity (F50): portal, kind, object, property, moment (ms) and event id together; the event id alone repeats.
    """

    portal: str
    kind: str
    object_id: str
    property: str
    occurred_at: int
    event_id: str
    deals: tuple[str, ...] = ()
    line_items: tuple[str, ...] = ()
    merged: tuple[str, ...] = ()
    merged_into: str = ""


def read(body: bytes) -> list[Event]:
    """Raises NotUnderstood, whatever the bytes are."""
    try:
        given = json.loads(body)
        if not isinstance(given, list) or len(given) > MOST:
            raise NotUnderstood("This is not a list of events.")
        return [_event(one) for one in given]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise NotUnderstood("This is not a list of events.") from error


def _event(one: Mapping[str, Any]) -> Event:
    kind = _text(one["subscriptionType"])
    noun = kind.partition(".")[0]
    if noun == "object":
        noun = {"0-3": "deal", "0-8": "line_item"}.get(_text(one.get("objectTypeId", "")), noun)
    object_id = _text(one.get("objectId", one.get("fromObjectId", "")))
    moved = [_text(one[name]) for name in ("objectId", "fromObjectId", "toObjectId", "primaryObjectId", "newObjectId") if one.get(name)]
    merged = [_text(record) for record in one.get("mergedObjectIds") or ()]
    return Event(
        portal=_text(one["portalId"]),
        kind=kind,
        object_id=object_id,
        property=_text(one.get("propertyName", "")),
        occurred_at=int(one["occurredAt"]) % 10**15,
        event_id=_text(one.get("eventId", "")),
        deals=tuple(dict.fromkeys([*moved, *merged])) if noun == "deal" else (),
        line_items=tuple(moved) if noun == "line_item" else (),
        merged=tuple(merged),
        merged_into=_text(one.get("newObjectId") or one.get("primaryObjectId") or "") if merged else "",
    )


def _text(value: Any) -> str:
    return str(value).replace("\0", "")[:60]
