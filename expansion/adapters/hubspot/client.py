"""The calls of HubSpot's dated API we use. No retries of its own: one attempt per call, the outbox decides when to try again.

Line items carry our product's code as `hs_sku`. Deals have three properties of ours, made once by hand (docs/connect-hubspot.md).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, TypeVar

import requests

from expansion.domain.crm import DealFacts, LineItem

# A new one every March and September, each good for eighteen months: this line is all that changes.
VERSION: Final = "2026-09"
TIMEOUT: Final = (3, 20)
BATCH: Final = 100
PAGE: Final = 100
OUR_NUMBER, OUR_CONTRACT, OUR_LINE = "dealops_deal", "dealops_contract", "dealops_line"
OUR_MECHANISM: Final = "dealops_mechanism"
MODIFIED: Final = "hs_lastmodifieddate"
DEAL_PROPERTIES: Final = (
    "dealname",
    "amount",
    "pipeline",
    "dealstage",
    OUR_NUMBER,
    OUR_CONTRACT,
    OUR_MECHANISM,
    MODIFIED,
    "hs_merged_object_ids",
)
Row = TypeVar("Row")
LINE_PROPERTIES: Final = ("name", "hs_sku", "quantity", "price", OUR_LINE)


class RetryLater(Exception):
    """Nothing was done; `after` is seconds when HubSpot named them."""

    def __init__(self, words: str, after: float | None = None) -> None:
        super().__init__(words)
        self.after = after


class Unknown(Exception):
    """Sent, but no answer came: it may have been done."""


class RefusedByHubSpot(Exception):
    """HubSpot understood and said no, for example by a validation rule of the portal. The words are HubSpot's."""


class NotAllowedByHubSpot(RefusedByHubSpot):
    """The token is not accepted, or lacks a scope."""


class Gone(RefusedByHubSpot):
    """There is no such record: archived, or never there."""


@dataclass(frozen=True, slots=True)
class Portal:
    """The HubSpot account a token leads to."""

    id: str
    name: str


@dataclass(frozen=True, slots=True)
class StageFacts:
    """A stage of a deal pipeline of the portal."""

    pipeline: str
    pipeline_name: str
    stage: str
    stage_name: str
    position: int


@dataclass(frozen=True, slots=True)
class Changed:
    """A record that was modified, and when."""

    id: str
    modified: datetime


class HubSpot:
    """A portal, reached with a service key or a private app's token. `base_url` differs only for the stand-in."""

    def __init__(self, token: str, base_url: str) -> None:
        self._base = base_url.rstrip("/")
        self._headers = {"Authorization": f"Bearer {token}", "Accept": "application/json"}

    def portal(self) -> Portal:
        """Whose HubSpot this is; the name where HubSpot tells it, else where it is found."""
        said = self._call("GET", f"/account-info/{VERSION}/details")
        number = str(said["portalId"])
        return Portal(number, str(said.get("portalName") or f"portal {number} at {said.get('uiDomain', 'HubSpot')}"))

    def stages(self) -> list[StageFacts]:
        """Every stage of every deal pipeline, in the order of the boards."""
        found = self._call("GET", f"/crm/pipelines/{VERSION}/deals")["results"]
        return [
            StageFacts(str(pipeline["id"]), str(pipeline["label"]), str(stage["id"]), str(stage["label"]), place)
            for pipeline in sorted(found, key=lambda one: one.get("displayOrder", 0))
            for place, stage in enumerate(sorted(pipeline["stages"], key=lambda one: one.get("displayOrder", 0)))
        ]

    def deal(self, record_id: str, *, archived: bool = False) -> DealFacts:
        """A deal with its line items and companies. Raises Gone; a deleted deal answers to `archived=True` alone.

        A record that was merged away answers with the one it went into.
        """
        query = {"properties": ",".join(DEAL_PROPERTIES), "associations": "line_items,companies", "archived": str(archived).lower()}
        said = self._call("GET", f"/crm/objects/{VERSION}/deals/{record_id}", query=query)
        lines = self._line_items(_linked(said, "line_items", "line items"))
        return _deal(said, lines, tuple(_linked(said, "companies", "companies")))

    def modified(self, record_ids: Sequence[str]) -> dict[str, datetime]:
        """When each of these deals was modified; those that are gone are left out. At most BATCH at once."""
        found = self._read_many("deals", record_ids, (MODIFIED,))
        return {str(one["id"]): when for one in found if (when := _moment(one["properties"].get(MODIFIED)))}

    def changed_since(self, since: datetime, *, kind: str = "deals", after: str = "") -> tuple[list[Changed], str]:
        """A page of the records (deals or line_items) modified at or after `since`, earliest first, and where the next one begins ("")."""
        condition = {"propertyName": MODIFIED, "operator": "GTE", "value": str(int(since.timestamp() * 1000))}
        wanted: dict[str, Any] = {
            "filterGroups": [{"filters": [condition]}],
            "sorts": [{"propertyName": MODIFIED, "direction": "ASCENDING"}],
            "properties": [MODIFIED],
            "limit": PAGE,
        }
        if after:
            wanted["after"] = after
        said = self._call("POST", f"/crm/objects/{VERSION}/{kind}/search", body=wanted)
        rows = [Changed(str(one["id"]), when) for one in said["results"] if (when := _moment(one["properties"].get(MODIFIED)))]
        return rows, str(said.get("paging", {}).get("next", {}).get("after", ""))

    def deals_of_lines(self, line_ids: Sequence[str]) -> set[str]:
        """The deals these line items belong to. At most BATCH at once."""
        path = f"/crm/associations/{VERSION}/line_items/deals/batch/read"
        said = self._call("POST", path, body={"inputs": [{"id": line_id} for line_id in line_ids]})
        return {str(end.get("toObjectId") or end.get("id")) for row in said["results"] for end in row["to"]}

    def update(self, changes: Mapping[str, Mapping[str, str]]) -> None:
        """Write properties of deals by their record id, at most BATCH at once. Values are absolute, so twice does no harm.

        Not an upsert: that would bring a deleted deal to life again (F53). Raises Gone for a record that is not there.
        """
        self._write("deals/batch/update", [{"id": record_id, "properties": dict(values)} for record_id, values in changes.items()])

    def update_lines(self, items: Sequence[LineItem]) -> None:
        """Let these line items be as they are given. Absolute values and no upsert, as with deals. Raises Gone."""
        for part in _parts(items):
            self._write("line_items/batch/update", [{"id": item.id, "properties": _properties(item)} for item in part])

    def make_lines(self, items: Sequence[LineItem]) -> dict[str, str]:
        """Make the line items of these keys of ours, still without a deal; answers key -> id. Made twice there is one of each.

        HubSpot knows no idempotency key; what an earlier try made is found by our property, which is unique.
        """
        made: dict[str, str] = {}
        for part in _parts(items):
            inputs = [{"idProperty": OUR_LINE, "id": item.key, "properties": _properties(item)} for item in part]
            said = self._write("line_items/batch/upsert", inputs)
            made |= {str(one["properties"][OUR_LINE]): str(one["id"]) for one in said["results"]}
        return made

    def hang_lines(self, record_id: str, ids: Sequence[str]) -> None:
        """Let these line items belong to the deal; those that do already stay there."""
        for part in _parts(ids):
            ends = [{"from": {"id": one}, "to": {"id": record_id}} for one in part]
            self._asked(f"/crm/associations/{VERSION}/line_items/deals/batch/associate/default", ends)

    def remove_lines(self, ids: Sequence[str]) -> None:
        """Put line items into HubSpot's bin; those that lie there already are left alone."""
        for part in _parts(ids):
            self._write("line_items/batch/archive", [{"id": one} for one in part])

    def upsert(self, changes: Mapping[str, Mapping[str, str]]) -> dict[str, str]:
        """Make or bring up to date the deals with these numbers of ours; answers number -> record id. For new deals."""
        inputs = [
            {"idProperty": OUR_NUMBER, "id": ours, "properties": {**values, OUR_NUMBER: ours}, "associations": []}
            for ours, values in changes.items()
        ]
        said = self._write("deals/batch/upsert", inputs)
        return {str(one["properties"][OUR_NUMBER]): str(one["id"]) for one in said["results"]}

    def _line_items(self, ids: Sequence[str]) -> tuple[LineItem, ...]:
        rows = [one for part in _parts(ids) for one in self._read_many("line_items", part, LINE_PROPERTIES)]
        return tuple(sorted((_line(one) for one in rows), key=lambda line: line.id))

    def _read_many(self, kind: str, ids: Sequence[str], properties: Sequence[str]) -> list[dict[str, Any]]:
        wanted = {"properties": list(properties), "inputs": [{"id": one} for one in ids]}
        return list(self._call("POST", f"/crm/objects/{VERSION}/{kind}/batch/read", body=wanted)["results"])

    def _write(self, what: str, inputs: list[dict[str, Any]]) -> dict[str, Any]:
        return self._asked(f"/crm/objects/{VERSION}/{what}", inputs)

    def _asked(self, path: str, inputs: list[dict[str, Any]]) -> dict[str, Any]:
        said = self._call("POST", path, body={"inputs": inputs})
        if said.get("errors"):
            raise _partly(said["errors"][0])
        return said

    def _call(self, method: str, path: str, *, query: Mapping[str, str] | None = None, body: Any = None) -> dict[str, Any]:
        try:
            answer = requests.request(
                method, self._base + path, params=query, json=body, headers=self._headers, timeout=TIMEOUT, allow_redirects=False
            )
            said = json.loads(answer.content) if answer.content else {}
        except requests.ConnectTimeout as error:
            raise RetryLater("HubSpot cannot be reached.") from error
        except (requests.RequestException, ValueError) as error:
            raise Unknown("HubSpot's answer did not arrive.") from error
        if answer.status_code >= 300 or not isinstance(said, dict):
            raise _sorted(answer, said if isinstance(said, dict) else {})
        return said


def _sorted(answer: requests.Response, said: Mapping[str, Any]) -> Exception:
    words = str(said.get("message") or f"status {answer.status_code}")[:500]
    if answer.status_code == 429:
        wait = answer.headers.get("Retry-After", "10")
        return RetryLater("HubSpot asks to wait.", float(wait) if wait.isdecimal() else 10.0)
    if answer.status_code >= 500:
        return Unknown(f"HubSpot had an error of its own ({answer.status_code}).")
    if answer.status_code == 404:
        return Gone("HubSpot has no such deal.")
    if answer.status_code in (401, 403):
        return NotAllowedByHubSpot(f"HubSpot does not accept the token: {words}")
    return RefusedByHubSpot(f"HubSpot refused it: {words}")


def _partly(error: Mapping[str, Any]) -> Exception:
    """The first error of a batch of which something was not done (status 207)."""
    if error.get("category") == "OBJECT_NOT_FOUND":
        return Gone("HubSpot has no such deal.")
    return RefusedByHubSpot(f"HubSpot refused it: {str(error.get('message', 'no reason given'))[:500]}")


def _linked(said: Mapping[str, Any], *names: str) -> list[str]:
    """The ids of associated records; HubSpot writes the name with a blank in some versions."""
    found = said.get("associations") or {}
    rows = next((found[name]["results"] for name in names if name in found), [])
    return list(dict.fromkeys(str(row["id"]) for row in rows))


def _deal(said: Mapping[str, Any], lines: tuple[LineItem, ...], companies: tuple[str, ...]) -> DealFacts:
    values = {name: _text(said["properties"].get(name)) for name in DEAL_PROPERTIES}
    return DealFacts(
        id=str(said["id"]),
        name=values["dealname"],
        amount=values["amount"],
        pipeline=values["pipeline"],
        stage=values["dealstage"],
        our_number=values[OUR_NUMBER],
        our_contract=values[OUR_CONTRACT],
        our_mechanism=values[OUR_MECHANISM],
        modified=_moment(values[MODIFIED]),
        is_archived=bool(said.get("archived")),
        companies=companies,
        merged=tuple(filter(None, values["hs_merged_object_ids"].split(";"))),
        lines=lines,
    )


def _properties(item: LineItem) -> dict[str, str]:
    return {"name": item.name, "hs_sku": item.sku, "quantity": item.quantity, "price": item.price, OUR_LINE: item.key}


def _parts(rows: Sequence[Row]) -> list[Sequence[Row]]:
    return [rows[start : start + BATCH] for start in range(0, len(rows), BATCH)]


def _line(said: Mapping[str, Any]) -> LineItem:
    values = {name: _text(said["properties"].get(name)) for name in LINE_PROPERTIES}
    return LineItem(str(said["id"]), values["name"], values["hs_sku"], values["quantity"], values["price"], values[OUR_LINE])


def _moment(text: Any) -> datetime | None:
    try:
        return datetime.fromisoformat(str(text).replace("Z", "+00:00")).astimezone(UTC)
    except ValueError:
        return None


def _text(value: Any) -> str:
    """A property as text; PostgreSQL cannot hold a NUL character."""
    return str(value or "").replace("\0", "")
