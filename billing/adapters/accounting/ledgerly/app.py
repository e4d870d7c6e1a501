"""The WSGI application: lets requests in, plays the faults, replays idempotency keys, keeps the log, and serves page and panel.

A request's effect, its stored answer and its log row are one transaction, committed before the answer leaves.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Iterable
from typing import Any

from werkzeug.exceptions import HTTPException
from werkzeug.routing import Map, Rule, Submount
from werkzeug.wrappers import Request, Response

from billing.adapters.accounting.ledgerly import api, organisations, panel
from billing.adapters.accounting.ledgerly.api import Answer, Call, Missing, Refused
from billing.adapters.accounting.ledgerly.books import Books
from billing.adapters.accounting.ledgerly.faults import Fault, is_rotated, rotate, take
from billing.adapters.accounting.ledgerly.filters import BadQuery
from billing.adapters.accounting.ledgerly.store import Store, insert, now
from billing.adapters.accounting.ledgerly.wire import dumps, loads
from billing.adapters.stand_in import Dropped, dropping

API = "/api.xro/2.0"
Endpoint = Callable[[Call], Answer]


def _rules(path: str, **verbs: Endpoint) -> list[Rule]:
    return [Rule(path, methods=[verb.upper()], endpoint=endpoint) for verb, endpoint in verbs.items()]


URLS = Map(
    [
        Submount(
            API,
            [
                *_rules("/Organisation", get=api.get_organisation),
                *_rules("/TaxRates", get=api.list_tax_rates, put=api.save_tax_rate, post=api.save_tax_rate),
                *_rules("/Accounts", get=api.list_accounts, put=api.save_account),
                *_rules(
                    "/Contacts",
                    get=api.list_contacts,
                    put=lambda call: api.save_contacts(call, may_update=False),
                    post=lambda call: api.save_contacts(call, may_update=True),
                ),
                *_rules("/Contacts/<id>", get=api.get_contact, post=lambda call: api.save_contacts(call, may_update=True)),
                *_rules(
                    "/Invoices",
                    get=lambda call: api.list_documents(call, "invoice"),
                    put=lambda call: api.save_documents(call, "invoice", may_update=False),
                    post=lambda call: api.save_documents(call, "invoice", may_update=True),
                ),
                *_rules(
                    "/Invoices/<id>",
                    get=lambda call: api.get_document(call, "invoice"),
                    post=lambda call: api.save_documents(call, "invoice", may_update=True),
                ),
                *_rules(
                    "/CreditNotes",
                    get=lambda call: api.list_documents(call, "credit_note"),
                    put=lambda call: api.save_documents(call, "credit_note", may_update=False),
                    post=lambda call: api.save_documents(call, "credit_note", may_update=True),
                ),
                *_rules(
                    "/CreditNotes/<id>",
                    get=lambda call: api.get_document(call, "credit_note"),
                    post=lambda call: api.save_documents(call, "credit_note", may_update=True),
                ),
                *_rules("/CreditNotes/<id>/Allocations", put=api.save_allocations),
                *_rules(
                    "/RepeatingInvoices",
                    get=api.list_templates,
                    put=lambda call: api.save_templates(call, may_delete=False),
                    post=lambda call: api.save_templates(call, may_delete=True),
                ),
                *_rules("/RepeatingInvoices/<id>", get=api.get_template, post=lambda call: api.save_templates(call, may_delete=True)),
            ],
        ),
        *panel.RULES,
    ],
    strict_slashes=False,
)


class Halt(Exception):
    """Stop here with this answer: a refusal, or a fault that strikes before anything is done."""

    def __init__(self, status: int, words: str, outcome: str, *, wait: float = 0, body: dict[str, Any] | None = None) -> None:
        super().__init__(words)
        if status == 400:
            body = body or {"ErrorNumber": 17, "Type": "NoDataProcessedException", "Message": words}
        title = {401: "Unauthorized", 403: "Forbidden", 404: "NotFound"}.get(status, "Error")
        self.status, self.outcome, self.wait = status, outcome, wait
        self.body = body or {"Type": None, "Title": title, "Status": status, "Detail": words}


class Ledgerly:
    """The application over one store. `tokens` are the bearer tokens it accepts."""

    def __init__(self, store: Store, tokens: Iterable[str] = (organisations.DEMO_TOKEN,)) -> None:
        self.store = store
        self.tokens = set(tokens)
        with store.write() as tx:
            organisations.open_demo_books(tx)

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        return dropping(self.respond)(environ, start_response)

    def respond(self, request: Request) -> Response:
        """Answer one request."""
        adapter = URLS.bind_to_environ(request.environ)
        try:
            endpoint, values = adapter.match()
        except HTTPException as problem:
            return problem.get_response(request.environ)  # type: ignore[return-value]
        if request.path.startswith(API):
            return _Exchange(self, request).run(endpoint, values.get("id", ""))
        return endpoint(self.store, request, **values)


class _Exchange:
    """One request to the API on its way through checks, faults, books and log."""

    def __init__(self, ledgerly: Ledgerly, request: Request) -> None:
        self.store, self.tokens, self.request = ledgerly.store, ledgerly.tokens, request
        self.path = request.path.removeprefix(API)
        self.key = request.headers.get("Idempotency-Key", "")
        self.organisation = request.headers.get("xero-tenant-id", "")
        self.fault = Fault("")
        self.headers: dict[str, str] = {}

    def run(self, endpoint: Endpoint, id: str) -> Response:
        self.fault = take(self.store, self.request.method, self.path) or self.fault
        try:
            self._strike_before()
            self._let_in()
            status, text = self._read(endpoint, id) if self.request.method == "GET" else self._write(endpoint, id)
        except Halt as halt:
            if halt.wait:
                self.headers |= {"Retry-After": str(round(halt.wait)), "X-Rate-Limit-Problem": "minute"}
            status, text = halt.status, dumps(halt.body)
            self._log(halt.status, halt.outcome)
        return self._strike_after(status, text)

    # --- who may in

    def _let_in(self) -> None:
        scheme, _, token = self.request.headers.get("Authorization", "").partition(" ")
        if self.fault.kind == "rotated_token":
            rotate(self.store, token)
        with self.store.read() as tx:
            if scheme.lower() != "bearer" or token not in self.tokens or is_rotated(tx, token):
                raise Halt(401, "TokenExpired: the bearer token is not valid here.", "refused")
            if organisations.get(tx, self.organisation) is None:
                raise Halt(403, "AuthenticationUnsuccessful: this connection does not lead to that organisation.", "refused")

    # --- doing it

    def _call(self, tx: Any, id: str, body: dict[str, Any]) -> Call:
        try:
            unit_places = 4 if self.request.args.get("unitdp") == "4" else 2
            books = Books.open(
                tx, self.organisation, unit_places=unit_places, penny=self.fault.kind == "penny", locked=self.fault.kind == "period_locked"
            )
            return Call(books, self.request.args, self.request.headers, body, id, partial=self.fault.kind == "partial_batch")
        except ValueError as error:
            raise Halt(400, str(error), "refused") from None

    def _answer(self, endpoint: Endpoint, call: Call) -> Answer:
        try:
            return endpoint(call)
        except Missing:
            raise Halt(404, "The resource you're looking for cannot be found", "not found") from None
        except Refused as refused:
            raise Halt(400, str(refused), f"refused: {refused.words}"[:300], body=refused.body) from None
        except (BadQuery, ValueError, TypeError, AttributeError) as error:
            body = {"ErrorNumber": 16, "Type": "QueryParseException", "Message": str(error)}
            raise Halt(400, str(error), f"refused: {error}"[:300], body=body) from None

    def _read(self, endpoint: Endpoint, id: str) -> tuple[int, str]:
        with self.store.read() as tx:
            answer = self._answer(endpoint, self._call(tx, id, {}))
        self._log(answer.status, "read")
        return answer.status, dumps(answer.body)

    def _write(self, endpoint: Endpoint, id: str) -> tuple[int, str]:
        body, fingerprint = self._body()
        with self.store.write() as tx:
            if self.fault.kind == "forget_keys":
                tx.execute("DELETE FROM keys")
            elif self.fault.kind == "key_expired":
                tx.execute("DELETE FROM keys WHERE key = ?", (self.key,))
            if self.key and (replayed := self._replay(tx, fingerprint)):
                self._log(replayed[0], "replayed", tx=tx)
                return replayed
            answer = self._answer(endpoint, self._call(tx, id, body))
            text = dumps(answer.body)
            if self.key and answer.effects:
                row = {
                    "organisation": self.organisation,
                    "key": self.key,
                    "fingerprint": fingerprint,
                    "status": answer.status,
                    "body": text,
                }
                insert(tx, "keys", **row)
            outcome = "done" if answer.effects else f"refused: {_words(answer.body)}"[:300]
            self._log(answer.status, outcome, tx=tx, effects=answer.effects, about=", ".join(answer.about))
        return answer.status, text

    def _body(self) -> tuple[dict[str, Any], str]:
        raw = self.request.get_data()
        try:
            body = loads(raw)
        except ValueError:
            raise Halt(400, "The request body is not JSON.", "refused: the body is not JSON") from None
        if not isinstance(body, dict):
            raise Halt(400, "The request body must be a JSON object.", "refused: the body is not an object")
        if len(self.key) > 128:
            raise Halt(400, "Idempotency-Key must have at most 128 characters.", "refused: key too long")
        seed = f"{self.request.method} {self.request.full_path}\n".encode() + raw
        return body, hashlib.sha256(seed).hexdigest()

    def _replay(self, tx: Any, fingerprint: str) -> tuple[int, str] | None:
        row = tx.execute("SELECT * FROM keys WHERE organisation = ? AND key = ?", (self.organisation, self.key)).fetchone()
        if row is None:
            return None
        if row["fingerprint"] != fingerprint:
            words = "The idempotency key has been used with a different request."
            body = {"ErrorNumber": 10, "Type": "IdempotencyException", "Message": words}
            raise Halt(400, words, f"refused: {words}", body=body)
        return row["status"], row["body"]

    # --- faults

    def _strike_before(self) -> None:
        kind, seconds = self.fault.kind, self.fault.seconds
        if kind == "slow":
            time.sleep(seconds)
        elif kind in ("drop_before", "hang"):
            self.request.get_data()
            time.sleep(seconds if kind == "hang" else 0)
            self._log(0, "dropped before commit")
            raise Dropped
        elif kind == "500_before":
            raise Halt(500, "An unexpected error occurred.", "failed before commit")
        elif kind == "429":
            raise Halt(429, "You've exceeded the per minute rate limit.", "throttled", wait=seconds)
        elif kind == "maintenance":
            raise Halt(503, "The organisation is offline for maintenance.", "in maintenance", wait=seconds)
        elif kind == "unauthorised":
            raise Halt(401, "TokenExpired: the bearer token is not valid here.", "refused")

    def _strike_after(self, status: int, text: str) -> Response:
        kind = self.fault.kind
        if kind == "drop_after_commit":
            raise Dropped
        if kind == "500_after_commit":
            status, text = 500, dumps({"Title": "Error", "Status": 500, "Detail": "An unexpected error occurred."})
        elif kind == "short_answer":
            text = dumps({name: value[::2] if isinstance(value, list) else value for name, value in loads(text.encode()).items()})
        elif kind == "malformed_json":
            text = "<html>" + text[: len(text) // 2]
        elif kind == "huge_body":
            text = text[:-1] + ', "Padding": "' + "x" * 20_000_000 + '"}'
        response = Response(text, status, mimetype="application/json", headers=self.headers)
        if kind:
            response.headers["X-Ledgerly-Fault"] = kind
        if kind == "truncate_body":
            response.headers["Content-Length"] = str(len(response.get_data()))
            response.set_data(text[: len(text) // 2])
            response.headers["Content-Length"] = str(len(text.encode()))
        return response

    # --- the log

    def _log(self, status: int, outcome: str, *, tx: Any = None, effects: int = 0, about: str = "") -> None:
        row = {
            "at": now(),
            "organisation": self.organisation,
            "method": self.request.method,
            "path": self.path,
            "query": self.request.query_string.decode(errors="replace"),
            "key": self.key,
            "about": about,
            "fault": self.fault.kind,
            "status": status,
            "outcome": outcome,
            "effects": effects,
        }
        if tx is not None:
            insert(tx, "requests", **row)
            return
        with self.store.write() as own:
            insert(own, "requests", **row)


def _words(body: dict[str, Any]) -> str:
    """The validation messages inside an answer whose elements all failed."""
    items = next((value for value in body.values() if isinstance(value, list)), [])
    return " ".join(error["Message"] for item in items for error in json.loads(dumps(item)).get("ValidationErrors", []))
