"""What Xero does not have: page, fault panel, clock, state for tests. JSON in, JSON out; forms are sent back to the page."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from datetime import date
from typing import Any

from werkzeug.routing import Rule
from werkzeug.utils import redirect
from werkzeug.wrappers import Request, Response

from billing.adapters.accounting.ledgerly import books as rules
from billing.adapters.accounting.ledgerly import faults, organisations, page, state, templates
from billing.adapters.accounting.ledgerly.books import Books, Invalid
from billing.adapters.accounting.ledgerly.store import TABLES, Store, business_date, ledgerly_number, now, update
from billing.adapters.accounting.ledgerly.wire import dumps, loads, parse_date

Input = dict[str, Any]
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
}


def _json(value: Any, status: int = 200) -> Response:
    return Response(dumps(value), status, mimetype="application/json", headers=HEADERS)


def _input(request: Request) -> Input:
    """The fields of a JSON body or of a form."""
    if request.mimetype == "application/json":
        value = loads(request.get_data() or b"{}")
        if not isinstance(value, dict):
            raise Invalid("The body must be a JSON object.")
        return value
    return {name: value for name, value in request.form.items() if value != ""}


def _command(work: Callable[[Any, Input], Any], anchor: str = "panel") -> Callable[..., Response]:
    """A POST that changes Ledgerly itself. A form from another site is refused, a bad value answered with 400 and a sentence."""

    def respond(store: Store, request: Request, **values: str) -> Response:
        if request.headers.get("Sec-Fetch-Site") == "cross-site":
            return _json({"error": "Ledgerly takes orders from its own page and from programs, not from other sites."}, 403)
        is_form = request.mimetype != "application/json" and bool(request.form)
        try:
            given = _input(request) | values
            with store.write() as tx:
                result = work(tx, given)
        except (Invalid, faults.BadFault, ValueError, TypeError, KeyError) as problem:
            words = f"{problem.args[0]} is missing." if isinstance(problem, KeyError) else str(problem)
            if is_form:
                return Response(page.message(words), 400, mimetype="text/html", headers=HEADERS)
            return _json({"error": words}, 400)
        if is_form:
            back = f"?organisation={given['organisation']}" if "organisation" in given else ""
            return redirect(f"/{back}#{anchor}", 303)  # type: ignore[return-value]
        return _json(result)

    return respond


# --- commands ----------------------------------------------------------------------------------------------------------


def add_fault(tx: Any, given: Input) -> Any:
    """`{"kind": "drop_after_commit", "times": 1, "method": "write", "path": "/Invoices*", "seconds": 3}`; all but kind may be left out."""
    seconds = given.get("seconds")
    faults.switch_on(
        tx,
        kind=str(given["kind"]),
        times=int(given.get("times", 1)),
        method=str(given.get("method", "write")),
        path=str(given.get("path", "*")),
        seconds=None if seconds is None else float(seconds),
    )
    return {"faults": [dict(row) for row in faults.live(tx)]}


def clear_faults(tx: Any, given: Input) -> Any:
    """Switch all faults off."""
    faults.clear(tx)
    return {"faults": []}


def forget_keys(tx: Any, given: Input) -> Any:
    """Forget every idempotency key now, as after the other side's window (F38)."""
    return {"forgotten": tx.execute("DELETE FROM keys").rowcount}


def set_clock(tx: Any, given: Input) -> Any:
    """`{"date": "2026-07-01"}`: move the business date and make the invoices that become due. Without a date: one day on."""
    day = parse_date(given.get("date"))
    if day is None:
        day = date.fromordinal(business_date(tx).toordinal() + 1)
    made = templates.move_clock(tx, day)
    return {"date": day.isoformat(), "generated": [{"id": id, "label": ledgerly_number(id)} for id in made]}


def reset(tx: Any, given: Input) -> Any:
    """Back to the demo organisations' empty books, no faults, no keys, no log."""
    for table in TABLES:
        tx.execute(f"DELETE FROM {table}")  # noqa: S608 - table names are ours
    organisations.open_demo_books(tx)
    return {"organisations": [dict(row) for row in organisations.all_of(tx)]}


def put_organisation(tx: Any, given: Input) -> Any:
    """`{"id": UUID, "name": ..., "currency": ..., "country": "GB"}`: open a set of books or rename one."""
    id = str(uuid.UUID(str(given["id"])))
    organisations.put(tx, id=id, name=str(given["name"]), currency=str(given["currency"]), country=str(given.get("country", "GB")))
    return {"id": id}


def lock_period(tx: Any, given: Input) -> Any:
    """`{"organisation": ID, "date": "2026-05-31"}`: close the books up to that day; without a date, open them again."""
    id = str(given.get("organisation", organisations.DEMO_ORGANISATION))
    Books.open(tx, id)
    organisations.lock(tx, id, parse_date(given.get("date")))
    return {"organisation": id, "date": given.get("date")}


def seed(tx: Any, given: Input) -> Any:
    """Many things at once, in Xero's shapes, all or nothing: organisation, Contacts, Invoices, CreditNotes, RepeatingInvoices, Payments.

    A credit note may carry `Allocations: [{"Invoice": {"InvoiceNumber": ...}, "Amount": ..., "Date": ...}]`.
    """
    books = Books.open(tx, str(given.get("organisation", organisations.DEMO_ORGANISATION)), unit_places=4)
    ids: dict[str, list[str]] = {}
    ids["Contacts"] = [rules.save_contact(books, element, may_update=True) for element in given.get("Contacts", [])]
    ids["Invoices"] = [rules.create_document(books, "invoice", element) for element in given.get("Invoices", [])]
    ids["CreditNotes"] = []
    for element in given.get("CreditNotes", []):
        note = books.one("documents", rules.create_document(books, "credit_note", element))
        ids["CreditNotes"].append(note["id"])  # type: ignore[index]
        for allocation in element.get("Allocations", []):
            rules.allocate(books, note, allocation)  # type: ignore[arg-type]
    ids["RepeatingInvoices"] = [templates.create(books, element) for element in given.get("RepeatingInvoices", [])]
    ids["Payments"] = [rules.pay(books, element) for element in given.get("Payments", [])]
    return ids


def pay(tx: Any, given: Input) -> Any:
    """`{"organisation": ID, "InvoiceNumber": ..., "Amount": "1200.00", "Date": "2026-06-10"}`: a payment from the bank."""
    books = Books.open(tx, str(given.get("organisation", organisations.DEMO_ORGANISATION)))
    return {"id": rules.pay(books, given)}


def edit_by_hand(tx: Any, given: Input) -> Any:
    """What a bookkeeper can do in a ledger's own screens and the API cannot, for drift that dealops must notice (F47).

    `{"id": ID, "line": 0, "unit_amount": "60.00", "quantity": "24"}` changes a line of a template or document; `reference` changes too.
    """
    id = str(given["id"])
    table, row = "templates", tx.execute("SELECT * FROM templates WHERE id = ?", (id,)).fetchone()
    if row is None:
        table, row = "documents", tx.execute("SELECT * FROM documents WHERE id = ?", (id,)).fetchone()
    if row is None:
        raise Invalid("Nothing has that id.")
    lines = json.loads(row["lines"])
    line = lines[int(given.get("line", 0))]
    line["Quantity"] = str(given.get("quantity", line["Quantity"]))
    line["UnitAmount"] = str(given.get("unit_amount", line["UnitAmount"]))
    for computed in ("LineAmount", "TaxAmount"):
        del line[computed]
    books = Books.open(tx, row["organisation"], unit_places=4)
    priced = rules.price(books, {"LineAmountTypes": row["amounts"], "LineItems": lines}, row["currency"])
    update(
        tx,
        table,
        id,
        lines=priced.lines,
        net=str(priced.net),
        tax=str(priced.tax),
        total=str(priced.total),
        reference=str(given.get("reference", row["reference"])),
        updated_at=now(),
    )
    return {"id": id, "total": str(priced.total)}


# --- pages -------------------------------------------------------------------------------------------------------------


def show_page(store: Store, request: Request) -> Response:
    """What Ledgerly holds, for people."""
    with store.read() as tx:
        html = page.render(tx, request.args)
    return Response(html, mimetype="text/html", headers=HEADERS)


def show_style(store: Store, request: Request) -> Response:
    """The page's style sheet."""
    return Response(page.STYLE, mimetype="text/css", headers={**HEADERS, "Cache-Control": "max-age=300"})


def show_state(store: Store, request: Request) -> Response:
    """Everything, for tests and for reconciling by hand. `?organisation=` narrows it."""
    with store.read() as tx:
        return _json(state.everything(tx, request.args.get("organisation")))


def show_health(store: Store, request: Request) -> Response:
    """200 when the books can be read."""
    with store.read() as tx:
        return _json({"status": "ok", "service": "ledgerly", "date": business_date(tx).isoformat()})


def _post(path: str, work: Callable[[Any, Input], Any], anchor: str = "panel") -> Rule:
    return Rule(path, methods=["POST"], endpoint=_command(work, anchor))


RULES = [
    Rule("/", methods=["GET"], endpoint=show_page),
    Rule("/ledgerly.css", methods=["GET"], endpoint=show_style),
    Rule("/health", methods=["GET"], endpoint=show_health),
    Rule("/ledgerly/state", methods=["GET"], endpoint=show_state),
    _post("/ledgerly/faults", add_fault),
    _post("/ledgerly/faults/clear", clear_faults),
    _post("/ledgerly/forget-keys", forget_keys),
    _post("/ledgerly/clock", set_clock),
    _post("/ledgerly/reset", reset),
    _post("/ledgerly/organisations", put_organisation),
    _post("/ledgerly/period-lock", lock_period),
    _post("/ledgerly/seed", seed),
    _post("/ledgerly/payments", pay),
    _post("/ledgerly/edit", edit_by_hand, "templates"),
]
