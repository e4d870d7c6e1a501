"""HubSpot's dated API as far as we use it, on the store. Values are text, as HubSpot's are."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from expansion.adapters.hubspot.client import VERSION
from expansion.adapters.hubspot.stand_in.store import Store

PORTAL: Final = 4711
# pipeline -> (name, its stages)
PIPELINES: Final = {
    "default": ("Customers", {"onboard": "Onboarding", "live": "Live customer", "renew": "Renewal", "lost": "Left us"}),
    "more": ("Expansion", {"idea": "Idea", "talk": "In talks", "decide": "With Finance", "won": "Won"}),
}
SINGLE = re.compile(rf"/crm/objects/{VERSION}/(\w+)/(\d+)")
MANY = re.compile(rf"/crm/objects/{VERSION}/(\w+)/(batch/read|batch/update|batch/upsert|batch/archive|search)")


class No(Exception):
    """Refused: the status and HubSpot's words."""

    def __init__(self, status: int, words: str, category: str = "VALIDATION_ERROR") -> None:
        super().__init__(words)
        self.status, self.words, self.category = status, words, category


def answer(store: Store, method: str, path: str, query: Mapping[str, str], body: Any) -> dict[str, Any]:
    """What HubSpot answers. Raises No."""
    if method == "GET":
        return _get(store, path, query)
    if path == f"/crm/associations/{VERSION}/line_items/deals/batch/read":
        rows = [(one["id"], store.parents(one["id"])) for one in body["inputs"]]
        return {"results": [{"from": {"id": child}, "to": [{"toObjectId": int(one)} for one in found]} for child, found in rows if found]}
    if path == f"/crm/associations/{VERSION}/line_items/deals/batch/associate/default":
        return _hang(store, body)
    found = MANY.fullmatch(path)
    if found is None:
        raise No(404, "not an address of this API", "OBJECT_NOT_FOUND")
    kind, what = found.groups()
    if what == "batch/read":
        rows = [record for one in body["inputs"] if (record := store.record(kind, str(one["id"])))]
        return {"status": "COMPLETE", "results": [_part(record, body["properties"]) for record in rows]}
    if what == "search":
        return _search(store, kind, body)
    if len(body["inputs"]) > 100:
        raise No(400, "The maximum number of inputs supported in a batch request is 100")
    return {"batch/upsert": _upsert, "batch/update": _update, "batch/archive": _archive}[what](store, kind, body)


def _get(store: Store, path: str, query: Mapping[str, str]) -> dict[str, Any]:
    if path == f"/account-info/{VERSION}/details":
        return {"portalId": PORTAL, "portalName": "Stand-in portal", "accountType": "STANDARD", "uiDomain": "app.hubspot.com"}
    if path == f"/crm/pipelines/{VERSION}/deals":
        return {"results": [_pipeline(place, key) for place, key in enumerate(PIPELINES)]}
    found = SINGLE.fullmatch(path)
    record = found and store.record(found[1], found[2], archived=query.get("archived") == "true")
    if not found or not record:
        raise No(404, "resource not found", "OBJECT_NOT_FOUND")
    whole = _part(record, query.get("properties", "").split(","))
    for kind in filter(None, query.get("associations", "").split(",")):
        if ids := store.children(kind, record["id"]):
            name = kind.replace("_", " ")
            whole.setdefault("associations", {})[name] = {"results": [{"id": one, "type": f"deal_to_{kind}"} for one in ids]}
    return whole


def _pipeline(place: int, key: str) -> dict[str, Any]:
    name, stages = PIPELINES[key]
    rows = [{"id": stage, "label": label, "displayOrder": number} for number, (stage, label) in enumerate(stages.items())]
    return {"id": key, "label": name, "displayOrder": place, "stages": rows}


def _search(store: Store, kind: str, body: Mapping[str, Any]) -> dict[str, Any]:
    (condition,) = body["filterGroups"][0]["filters"]
    ids = store.modified_since(kind, int(condition["value"]))
    start, limit = int(body.get("after", 0)), int(body["limit"])
    rows = [_part(record, body["properties"]) for one in ids[start : start + limit] if (record := store.record(kind, one))]
    more = {"paging": {"next": {"after": str(start + limit)}}} if start + limit < len(ids) else {}
    return {"total": len(ids), "results": rows, **more}


def _update(store: Store, kind: str, body: Mapping[str, Any]) -> dict[str, Any]:
    done, errors = [], []
    for one in body["inputs"]:
        record = store.record(kind, str(one["id"]))
        if record is None:
            errors.append({"status": "error", "category": "OBJECT_NOT_FOUND", "message": f"no object {one['id']}"})
            continue
        write(store, kind, record["id"], one["properties"])
        done.append(store.record(kind, record["id"]))
    return {"status": "COMPLETE", "results": done, **({"errors": errors, "numErrors": len(errors)} if errors else {})}


def _upsert(store: Store, kind: str, body: Mapping[str, Any]) -> dict[str, Any]:
    done = []
    for one in body["inputs"]:
        record_id = store.by_property(kind, one["idProperty"], one["id"])
        if record_id is None:
            record_id = store.make(kind, {})
            happened(store, kind, record_id, "creation", changeSource="INTEGRATION")
        write(store, kind, record_id, one["properties"])
        done.append(store.record(kind, record_id))
    return {"status": "COMPLETE", "results": done}


def _archive(store: Store, kind: str, body: Mapping[str, Any]) -> dict[str, Any]:
    """Into the bin; what is not there is none of its business, and HubSpot answers nothing at all."""
    for one in body["inputs"]:
        if store.record(kind, str(one["id"])):
            archive(store, kind, str(one["id"]))
    return {}


def archive(store: Store, kind: str, record_id: str) -> None:
    parents = store.parents(record_id)
    store.archive(record_id)
    store.unlink(record_id)
    happened(store, kind, record_id, "deletion")
    for parent in parents:
        associated(store, parent, record_id, removed=True)


def _hang(store: Store, body: Mapping[str, Any]) -> dict[str, Any]:
    """Line items on deals; one that hangs there already stays as it is, one that hangs elsewhere is refused: it has one parent."""
    results = []
    for one in body["inputs"]:
        line, deal = str(one["from"]["id"]), str(one["to"]["id"])
        if not (store.record("line_items", line) and store.record("deals", deal)):
            raise No(404, "resource not found", "OBJECT_NOT_FOUND")
        if store.parents(line) not in ([], [deal]):
            raise No(400, "A line item can only be associated with one deal")
        if not store.parents(line):
            store.link(line, deal)
            associated(store, deal, line)
        results.append({**one, "associationSpec": {"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 20}})
    return {"status": "COMPLETE", "results": results}


def associated(store: Store, deal: str, line: str, removed: bool = False) -> None:
    """The deal has a line item more or less."""
    store.change(deal, {"hs_num_of_line_items": str(len(store.children("line_items", deal)))})
    facts = {"fromObjectId": int(deal), "toObjectId": int(line), "associationType": "DEAL_TO_LINE_ITEM", "associationRemoved": removed}
    happened(store, "deals", deal, "associationChange", **facts)


def write(store: Store, kind: str, record_id: str, properties: Mapping[str, str], source: str = "INTEGRATION") -> None:
    """Set properties and note an event for each that moved."""
    if any(not isinstance(value, str) for value in properties.values()):
        raise No(400, "Property values were not valid: every value is a string")
    if source == "INTEGRATION":
        store.wrote(record_id, properties)
    for name in store.change(record_id, properties):
        happened(store, kind, record_id, "propertyChange", propertyName=name, propertyValue=properties[name], changeSource=source)


def happened(store: Store, kind: str, record_id: str, what: str, **more: Any) -> None:
    noun = {"deals": "deal", "line_items": "line_item", "companies": "company"}[kind]
    store.happened({"subscriptionType": f"{noun}.{what}", "objectId": int(record_id), "attemptNumber": 0, **more})


def _part(record: Mapping[str, Any], names: Any) -> dict[str, Any]:
    always = {"hs_lastmodifieddate", "hs_object_id"}
    chosen = {name: record["properties"].get(name) for name in {*filter(None, names), *always}}
    return {**record, "properties": chosen, "createdAt": (datetime.now(UTC) - timedelta(days=1)).isoformat()}
