"""The stand-in as a running server: HubSpot's calls, its page at /, and signed webhooks to the product's hook."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import requests
from werkzeug.utils import redirect
from werkzeug.wrappers import Request, Response

from billing.adapters.stand_in import Dropped, StandInServer, dropping
from expansion.adapters.hubspot import signing
from expansion.adapters.hubspot.stand_in import api, page
from expansion.adapters.hubspot.stand_in.store import Store

# kind -> what happens to the call
FAULTS: Final = {
    "drop_before": "The connection closes before anything is kept.",
    "drop_after_commit": "The write is kept, then the connection closes without an answer.",
    "500_before": "Nothing is kept, the answer is an internal error.",
    "500_after_commit": "The write is kept, the answer is an internal error.",
    "429": "Nothing is kept; Retry-After says how long to wait.",
    "slow": "Waits that many seconds, then does its work.",
    "malformed": "The write is kept, the answer is not JSON.",
    "key_expired": "The token is no longer accepted.",
    "rule": "A validation rule of the portal refuses the write, with its words.",
}
RULE = "Amount cannot change while the deal is in review"


class StandIn(StandInServer):
    """A HubSpot whose webhooks go to `hook`, signed with `secret`.

    What people do (`edit`, `add_line`, `delete`, ...) is kept as events; `send` delivers those that wait, as often and in the order asked.
    """

    def __init__(self, folder: str | Path, *, hook: str = "", secret: str = "", host: str = "127.0.0.1", port: int = 0) -> None:
        super().__init__(dropping(self._answer), host=host, port=port)
        self.store, self.hook, self.secret = Store(Path(folder)), hook, secret

    def stop(self) -> None:
        super().stop()
        self.store.close()

    # --- what people do in HubSpot

    def add_deal(self, **properties: str) -> str:
        record_id = self.store.make("deals", properties)
        api.happened(self.store, "deals", record_id, "creation")
        return record_id

    def add_line(self, deal: str, **properties: str) -> str:
        line = self.store.make("line_items", properties, deal)
        api.happened(self.store, "line_items", line, "creation")
        api.associated(self.store, deal, line)
        return line

    def remove_line(self, line: str) -> None:
        api.archive(self.store, "line_items", line)

    def edit(self, record_id: str, kind: str = "deals", **properties: str) -> None:
        api.write(self.store, kind, record_id, properties, source="CRM_UI")

    def delete(self, deal: str) -> None:
        self.store.archive(deal)
        api.happened(self.store, "deals", deal, "deletion")

    def restore(self, deal: str) -> None:
        self.store.archive(deal, archived=False)
        api.happened(self.store, "deals", deal, "restore")

    def merge(self, primary: str, loser: str) -> str:
        """HubSpot makes a third record of the two; answers its id."""
        kept = self.store.record("deals", primary)
        assert kept is not None
        made = self.store.make("deals", {**kept["properties"], "hs_merged_object_ids": f"{primary};{loser}"})
        for old in (primary, loser):
            for line in self.store.children("line_items", old):
                self.store.unlink(line)
                self.store.link(line, made)
            self.store.merge(old, made)
        facts = {"primaryObjectId": int(primary), "mergedObjectIds": [int(primary), int(loser)], "newObjectId": int(made)}
        api.happened(self.store, "deals", made, "merge", numberOfPropertiesMoved=3, **facts)
        return made

    def send(self, *, repeat: int = 1, order: Callable[[list[dict[str, Any]]], Sequence[Mapping[str, Any]]] = list) -> list[int]:
        """Deliver what waits, each event as often as asked, in the order that `order` makes of them; answers the statuses."""
        events = order(self.store.take_events())
        return [self.post([event]).status_code for event in events for _ in range(repeat)]

    def post(self, events: Sequence[Mapping[str, Any]]) -> requests.Response:
        """One signed webhook, as HubSpot sends it."""
        body = json.dumps(list(events)).encode()
        now = str(int(time.time() * 1000))
        signed = signing.signature(self.secret, method="POST", uri=self.hook, body=body, timestamp=now)
        headers = {"Content-Type": "application/json", "X-HubSpot-Request-Timestamp": now, "X-HubSpot-Signature-v3": signed}
        return requests.post(self.hook, data=body, headers=headers, timeout=5)

    # --- HTTP

    def _answer(self, request: Request) -> Response:
        return self._page(request) if request.path == "/" else self._api(request)

    def _api(self, request: Request) -> Response:
        self.store.called(request.method, request.path)
        fault, seconds, words = self.store.take_fault(request.path) or ("", 0.0, "")
        if fault == "drop_before":
            raise Dropped
        if fault == "500_before":
            return Response("error", 500)
        if fault == "429":
            return _json({"status": "error", "message": "You have reached your secondly limit."}, 429, {"Retry-After": str(int(seconds))})
        if fault == "rule":
            return _json({"status": "error", "category": "VALIDATION_ERROR", "message": words or RULE}, 400)
        if fault == "slow":
            time.sleep(seconds)
        if fault == "key_expired" or not request.headers.get("Authorization", "").startswith("Bearer "):
            return _json({"status": "error", "category": "EXPIRED_AUTHENTICATION", "message": "The token has expired."}, 401)
        answer = self._call(request)
        if fault == "drop_after_commit":
            raise Dropped
        if fault == "500_after_commit":
            return Response("error", 500)
        return Response("{", 200, content_type="application/json") if fault == "malformed" else answer

    def _call(self, request: Request) -> Response:
        body = request.get_json() if request.data else None
        try:
            said = api.answer(self.store, request.method, request.path, request.args, body)
        except api.No as no:
            return _json({"status": "error", "category": no.category, "message": no.words}, no.status)
        return _json(said, 207 if said.get("errors") else 200) if said else Response(status=204)

    def _page(self, request: Request) -> Response:
        if request.method == "POST":
            self._act(dict(request.form))
            return redirect("/")
        return Response(page.html(self.store, FAULTS), content_type="text/html")

    def _act(self, given: dict[str, str]) -> None:
        """A button of the page; what happened is sent at once."""
        act, record = given.pop("act"), given.pop("record", "")
        if act == "fault":
            self.store.switch_on(given["fault"], times=int(given.get("times") or 1))
        elif act == "new":
            self.add_deal(**given)
        elif act == "line":
            self.add_line(record, **given)
        elif act == "edit_line":
            self.edit(record, "line_items", **given)
        elif act in ("edit", "delete", "restore", "remove_line"):
            getattr(self, act)(record, **given)
        if self.hook:
            self.send()


def _json(answer: Mapping[str, Any], status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    return Response(json.dumps(answer), status, content_type="application/json", headers=dict(headers or {}))
