"""The stand-in as a running server: the API below /v3/company/<realm>, and what tests and people switch below /stand-in."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any, Final

from werkzeug.wrappers import Request, Response

from billing.adapters.accounting.exact_json import dumps, loads
from billing.adapters.accounting.quickbooks.stand_in import books as rules
from billing.adapters.accounting.quickbooks.stand_in.books import HOME_CURRENCY, Books, Refused
from billing.adapters.accounting.quickbooks.stand_in.store import Row, Store
from billing.adapters.stand_in import Dropped, StandInServer, dropping

REALM: Final = "9341452698001234"
TOKEN: Final = "quickbooks-stand-in"  # noqa: S105 - a token of nothing
COMPANY: Final = "Northbeam Software Ltd"

# kind -> what happens to the request
FAULTS: Final = {
    "drop_before": "The connection closes before anything is kept.",
    "drop_after_commit": "It is kept, then the connection closes without an answer.",
    "500_before": "Nothing is kept, the answer is an internal error.",
    "500_after_commit": "It is kept, the answer is an internal error.",
    "429": "Nothing is kept: ThrottleExceeded, with the seconds to wait.",
    "maintenance": "Nothing is kept; 503 with the seconds to wait.",
    "slow": "Waits that many seconds, then does its work.",
    "hang": "Nothing is kept and nothing is answered for that many seconds; then the connection closes.",
    "malformed_json": "It is kept, the answer is not JSON.",
    "truncate_body": "It is kept, the answer breaks off halfway.",
    "huge_body": "It is kept, the answer is padded to 20 MB.",
    "forget_keys": "Every requestid is forgotten before the request is looked at.",
    "key_expired": "The requestid of this request is forgotten before it is looked at.",
    "period_locked": "Every date counts as closed.",
    "penny": "Arrives at one minor unit more tax.",
    "unauthorised": "The token is refused, this once.",
    "rotated_token": "The token that was shown is refused from now on.",
    "stale": "Somebody changes the object just before this request.",
}


class StandIn(StandInServer):
    """`.url` is what QUICKBOOKS_BASE_URL is set to; `tokens` are those it accepts now."""

    def __init__(self, folder: str | Path, *, host: str = "127.0.0.1", port: int = 0, realm: str = REALM) -> None:
        super().__init__(dropping(self._answer), host=host, port=port)
        self.store, self.realm = Store(Path(folder)), realm
        self.tokens = {TOKEN}
        self.hanging = threading.Event()  # set when it stops, so that nothing that hangs holds it up
        if not self.store.rows("term"):
            self.store.put("term", {"Name": "Net 30", "Type": "STANDARD", "DueDays": 30, "Active": True})

    def stop(self) -> None:
        self.hanging.set()
        super().stop()
        self.store.close()

    def _answer(self, request: Request) -> Response:
        return Exchange(self, request).answer() if request.path.startswith("/v3/company/") else self._panel(request)

    # --- what tests and people switch

    def _panel(self, request: Request) -> Response:
        if request.path == "/stand-in/state":
            return _json(self.state())
        given = loads(request.get_data() or b"{}")
        if request.path == "/stand-in/faults" and given.get("kind") in FAULTS:
            where = {"entity": str(given.get("entity", "*")), "act": str(given.get("act", "write"))}
            self.store.switch_on(given["kind"], times=int(given.get("times", 1)), seconds=float(given.get("seconds", 1)), **where)
            return _json({"ok": True})
        if request.path == "/stand-in/clock":
            with self.store.write():
                return _json({"made": Books(self.store).move_clock(date.fromisoformat(given["date"]))})
        acts: dict[str, Callable[[], object]] = {
            "/stand-in/faults/clear": self.store.clear_faults,
            "/stand-in/forget-keys": self.store.forget,
            "/stand-in/close-books": lambda: self.store.set("closed_until", str(given["date"])),
        }
        if request.path in acts:
            acts[request.path]()
            return _json({"ok": True})
        words = "\n".join(f"{kind:18} {what}" for kind, what in FAULTS.items())
        about = f"A QuickBooks Online for developers. POST /stand-in/faults with kind, entity, act, times, seconds.\n\n{words}\n"
        return Response(about, 200 if request.path == "/" else 404, mimetype="text/plain")

    def state(self) -> Row:
        """Everything it holds."""
        names = ("customer", "term", "invoice", "creditmemo", "payment", "recurringtransaction")
        return {name: self.store.rows(name) for name in names} | {"faults": self.store.live_faults(), "requests": self.store.requests()}


class Exchange:
    """One request to the API on its way through faults, the token, the books and the log."""

    def __init__(self, server: StandIn, request: Request) -> None:
        self.server, self.store, self.request = server, server.store, request
        _, _, _, self.realm, *rest = request.path.split("/")
        self.entity, self.id = (rest[0].lower() if rest else ""), (rest[1] if len(rest) > 1 else "")
        self.statement = request.args.get("query", "")
        if self.entity == "query":
            self.entity = rules.entity_of(self.statement)
        self.act = "read" if request.method == "GET" else "delete" if request.args.get("operation") == "delete" else "create"
        self.request_id = request.args.get("requestid", "")
        self.fault, self.seconds = self.store.take_fault(self.entity, self.act)
        self.headers: dict[str, str] = {}

    def answer(self) -> Response:
        try:
            self._strike_before()
            self._let_in()
            status, text = self._read() if self.act == "read" else self._write()
        except Refused as refused:
            status, text = refused.status, dumps(refused.body)
        self.store.log(self.request.method, self.entity, self.act, self.request_id, status)
        return self._strike_after(status, text)

    def _let_in(self) -> None:
        token = self.request.headers.get("Authorization", "").removeprefix("Bearer ")
        if self.fault == "rotated_token":
            self.server.tokens.discard(token)
        if self.fault == "unauthorised" or token not in self.server.tokens:
            words = "message=AuthenticationFailed; errorCode=003200; statusCode=401"
            raise Refused("3200", words, "Token expired", status=401, type="AUTHENTICATION")
        if self.realm != self.server.realm:
            words = "message=ApplicationAuthorizationFailed; errorCode=003100; statusCode=403"
            raise Refused("3100", words, status=403, type="AUTHORIZATION")
        if self.request.args.get("minorversion") != "75":
            raise Refused("2010", "Request has invalid or unsupported property", "minorversion must be 75.")

    def _read(self) -> tuple[int, str]:
        if self.statement:
            return 200, dumps(rules.answer(self.store, self.statement)[1])
        if self.entity == "companyinfo":
            return 200, dumps({"CompanyInfo": {"CompanyName": COMPANY, "Country": "GB", "Id": "1"}})
        if self.entity == "preferences":
            closed = self.store.setting("closed_until")
            books: Row = {"CurrencyPrefs": {"HomeCurrency": {"value": HOME_CURRENCY}}, "AccountingInfoPrefs": {}}
            if closed:
                books["AccountingInfoPrefs"]["BookCloseDate"] = closed
            return 200, dumps({"Preferences": books})
        found = self.store.get(self.entity, self.id)
        if found is None:
            raise Refused("610", "Object Not Found", f"Object Not Found : {self.entity} {self.id}")
        names = {"invoice": "Invoice", "creditmemo": "CreditMemo", "recurringtransaction": "RecurringTransaction"}
        return 200, dumps({names[self.entity]: {"Invoice": found} if self.entity == "recurringtransaction" else found})

    def _write(self) -> tuple[int, str]:
        body = self._body()
        with self.store.write():
            if self.fault in ("forget_keys", "key_expired"):
                self.store.forget(self.request_id if self.fault == "key_expired" else None)
            if self.request_id and (again := self.store.replay(self.request_id)):
                return again
            if self.fault == "stale":
                self._somebody_changes(body)
            books = Books(self.store, penny=self.fault == "penny", locked=self.fault == "period_locked")
            done = books.delete_recurring(body) if self.act == "delete" else books.create(self.entity, body)
            text = dumps(done | {"time": "2026-06-16T00:00:00.000-07:00"})
            if self.request_id:
                self.store.remember(self.request_id, 200, text)
        return 200, text

    def _body(self) -> Row:
        try:
            body = loads(self.request.get_data())
        except ValueError:
            body = None
        if not isinstance(body, dict):
            raise Refused("2010", "Request has invalid or unsupported property", "The body must be a JSON object.")
        if len(self.request_id) > 50:
            raise Refused("2010", "Request has invalid or unsupported property", "requestid has more than 50 characters.")
        return body

    def _somebody_changes(self, body: Row) -> None:
        found = self.store.get("recurringtransaction", str((body.get("Invoice") or {}).get("Id", "")))
        if found:
            self.store.put("recurringtransaction", found)

    # --- faults

    def _strike_before(self) -> None:
        if self.fault == "slow":
            time.sleep(self.seconds)
        elif self.fault in ("drop_before", "hang"):
            self.request.get_data()
            if self.fault == "hang":
                self.server.hanging.wait(self.seconds)
            self.store.log(self.request.method, self.entity, self.act, self.request_id, 0)
            raise Dropped
        elif self.fault == "500_before":
            raise Refused("10000", "An application error has occurred while processing your request", status=500, type="SystemFault")
        elif self.fault in ("429", "maintenance"):
            self.headers["Retry-After"] = str(round(self.seconds))
            status = 429 if self.fault == "429" else 503
            words = "message=ThrottleExceeded; errorCode=003001" if status == 429 else "Service unavailable for maintenance"
            raise Refused("003001" if status == 429 else "10000", words, status=status, type="SERVICE")

    def _strike_after(self, status: int, text: str) -> Response:
        if self.fault == "drop_after_commit":
            raise Dropped
        if self.fault == "500_after_commit":
            refused = Refused("10000", "An application error has occurred while processing your request", type="SystemFault")
            status, text = 500, dumps(refused.body)
        elif self.fault == "malformed_json":
            text = "<html>" + text[: len(text) // 2]
        elif self.fault == "huge_body":
            text = text[:-1] + ', "Padding": "' + "x" * 20_000_000 + '"}'
        response = Response(text, status, mimetype="application/json", headers=self.headers)
        if self.fault == "truncate_body":
            response.set_data(text[: len(text) // 2])
            response.headers["Content-Length"] = str(len(text.encode()))
        return response


def _json(value: Any) -> Response:
    return Response(dumps(value), mimetype="application/json")
