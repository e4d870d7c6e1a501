"""The stand-in as a running server: Slack's methods below /api/, its page at /, and signed presses to the product's hook."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode

import requests
from werkzeug.utils import redirect
from werkzeug.wrappers import Request, Response

from billing.adapters.stand_in import Dropped, StandInServer, dropping
from expansion.adapters.slack import signing
from expansion.adapters.slack.stand_in import page
from expansion.adapters.slack.stand_in.store import Store

# kind -> what happens to the call
FAULTS: Final = {
    "drop_before": "The connection closes before anything is kept.",
    "drop_after_commit": "The message is kept, then the connection closes without an answer.",
    "500_before": "Nothing is kept, the answer is an internal error.",
    "500_after_commit": "The message is kept, the answer is an internal error.",
    "429": "Nothing is kept; Retry-After says how long to wait.",
    "slow": "Waits that many seconds, then does its work.",
    "malformed": "The message is kept, the answer is not JSON.",
    "invalid_auth": "The token is no longer accepted.",
}


class StandIn(StandInServer):
    """A Slack whose presses go to `hook`, signed with `secret`."""

    def __init__(self, folder: str | Path, *, hook: str = "", secret: str = "", host: str = "127.0.0.1", port: int = 0) -> None:
        super().__init__(dropping(self._answer), host=host, port=port)
        self.store, self.hook, self.secret = Store(Path(folder)), hook, secret

    @property
    def api_url(self) -> str:
        """What SLACK_API_URL is set to."""
        return f"{self.url}/api/"

    def stop(self) -> None:
        super().stop()
        self.store.close()

    # --- what people do in Slack

    def press(self, member: str, action: str, message: Mapping[str, Any]) -> str:
        """Press the button `action` of a message; answers the trigger, under which a form may open."""
        trigger = secrets.token_hex(8)
        self.store.pressed(trigger, member, time.time())
        button = next(part for block in message["blocks"] for part in block.get("elements", ()) if part.get("action_id") == action)
        self._send(
            {
                "type": "block_actions",
                "user": {"id": member},
                "trigger_id": trigger,
                "channel": {"id": message["channel"]},
                "message": {"ts": message["ts"]},
                "actions": [{"action_id": action, "value": button.get("value", "")}],
            }
        )
        return trigger

    def submit(self, trigger: str, fields: Mapping[str, str]) -> dict[str, Any]:
        """Send the open form; answers what it shows then."""
        member, view = self.store.form(trigger)
        if view is None:
            raise LookupError("No form is open for this press.")
        values = {name: {name: {"type": "plain_text_input", "value": words}} for name, words in fields.items()}
        facts = {"callback_id": view["callback_id"], "private_metadata": view["private_metadata"], "state": {"values": values}}
        answer = self._send({"type": "view_submission", "user": {"id": member}, "view": facts})
        shown: dict[str, Any] = answer.json().get("view", {}) if answer.content else {}
        if shown:
            self.store.replace_form(trigger, shown)
        return shown

    def _send(self, payload: Mapping[str, Any]) -> requests.Response:
        """One signed request to the product, as Slack signs it."""
        body = urlencode({"payload": json.dumps(payload)}).encode()
        now = str(int(time.time()))
        headers = {
            "Content-Type": "application/x-www-form-urlencoded",
            "X-Slack-Request-Timestamp": now,
            "X-Slack-Signature": signing.signature(self.secret, now, body),
        }
        return requests.post(self.hook, data=body, headers=headers, timeout=3)

    # --- HTTP

    def _answer(self, request: Request) -> Response:
        return self._api(request) if request.path.startswith("/api/") else self._page(request)

    def _api(self, request: Request) -> Response:
        method = request.path.removeprefix("/api/")
        fault, seconds = self.store.take_fault(method) or ("", 0.0)
        if fault == "drop_before":
            raise Dropped
        if fault == "500_before":
            return Response("error", 500)
        if fault == "429":
            return Response(json.dumps({"ok": False, "error": "ratelimited"}), 429, headers={"Retry-After": str(int(seconds))})
        if fault == "slow":
            time.sleep(seconds)
        if fault == "invalid_auth" or not request.headers.get("Authorization", "").startswith("Bearer "):
            return _json({"ok": False, "error": "invalid_auth"})
        answer = self._call(method, _values(request))
        if fault == "drop_after_commit":
            raise Dropped
        if fault == "500_after_commit":
            return Response("error", 500)
        return Response("{", 200, content_type="application/json") if fault == "malformed" else _json(answer)

    def _call(self, method: str, given: dict[str, Any]) -> dict[str, Any]:
        if method == "auth.test":
            return {"ok": True, "team": "Stand-in workspace", "user": "dealops"}
        if method == "chat.postMessage":
            ts = self.store.post(given["channel"], _words(given))
            return {"ok": True, "channel": given["channel"], "ts": ts}
        if method == "chat.update":
            found = self.store.edit(given["channel"], given["ts"], _words(given))
            return {"ok": True, "ts": given["ts"], "channel": given["channel"]} if found else {"ok": False, "error": "message_not_found"}
        if method == "chat.postEphemeral":
            self.store.whisper(given["channel"], given["user"], given["text"])
            return {"ok": True, "message_ts": "1"}
        if method == "conversations.history":
            return {"ok": True, "messages": self.store.messages(given["channel"])[: int(given.get("limit", 100))]}
        if method == "views.open":
            wrong = self.store.open_form(given["trigger_id"], given["view"], time.time())
            return {"ok": False, "error": wrong} if wrong else {"ok": True}
        return {"ok": False, "error": "unknown_method"}

    def _page(self, request: Request) -> Response:
        if request.method == "POST":
            return self._act(request)
        return Response(page.html(self.store, FAULTS, request.args.get("trigger", "")), content_type="text/html")

    def _act(self, request: Request) -> Response:
        given = request.form
        if "fault" in given:
            self.store.switch_on(given["fault"], times=int(given.get("times") or 1))
            return redirect("/")
        if "trigger" in given:
            self.submit(given["trigger"], {"reason": given["reason"]} if "reason" in given else {})
            return redirect(f"/?trigger={given['trigger']}")
        message = next(one for one in self.store.messages() if one["ts"] == given["ts"])
        trigger = self.press(given["member"], given["action"], message)
        return redirect(f"/?trigger={trigger}")


def _values(request: Request) -> dict[str, Any]:
    """Slack takes JSON bodies and form fields with JSON inside."""
    if request.is_json and request.data:
        return dict(request.get_json())
    given: dict[str, Any] = request.values.to_dict()
    return {name: json.loads(value) if name in ("blocks", "view", "metadata") else value for name, value in given.items()}


def _words(given: Mapping[str, Any]) -> dict[str, Any]:
    return {name: given[name] for name in ("text", "blocks", "metadata") if name in given}


def _json(answer: Mapping[str, Any]) -> Response:
    return Response(json.dumps(answer), content_type="application/json")
