"""The part of Xero's accounting API that Ledgerly speaks. Each function takes a `Call` and gives an `Answer`; app.py does the rest."""

from __future__ import annotations

import sqlite3
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from email.utils import parsedate_to_datetime
from typing import Any

from werkzeug.datastructures import Headers, MultiDict

from billing.adapters.accounting.ledgerly import books as rules
from billing.adapters.accounting.ledgerly import filters, organisations, shapes, templates
from billing.adapters.accounting.ledgerly.books import IDS, Books, Element, Invalid
from billing.adapters.accounting.ledgerly.store import insert
from billing.adapters.accounting.ledgerly.wire import ms_moment

NOTHING = str(uuid.UUID(int=0))
PAGE_SIZE = 100
# What Xero advises for one call is the law here.
MOST_AT_ONCE = 50


@dataclass
class Call:
    """One request to the API, already let in."""

    books: Books
    args: MultiDict[str, str]
    headers: Headers
    body: dict[str, Any]
    id: str = ""
    partial: bool = False  # a fault: every second element is refused

    @property
    def tx(self) -> sqlite3.Connection:
        return self.books.tx

    @property
    def summarize(self) -> bool:
        """True: one bad element fails the whole request with 400. False: 200, and each element says how it went."""
        return self.args.get("summarizeErrors", "true").lower() != "false"


@dataclass
class Answer:
    """Status, the JSON body, how many things were created or changed, and what it was about (for the log)."""

    body: dict[str, Any]
    status: int = 200
    effects: int = 0
    about: list[str] = field(default_factory=list)


class Missing(Exception):
    """Nothing has that id: 404."""


class Refused(Exception):
    """A validation error that fails the whole request: 400 with Xero's Error body."""

    def __init__(self, elements: list[Element]) -> None:
        super().__init__("A validation exception occurred")
        self.body = {"ErrorNumber": 10, "Type": "ValidationException", "Message": "A validation exception occurred", "Elements": elements}
        self.words = " ".join(error["Message"] for element in elements for error in element["ValidationErrors"])


def envelope(name: str, items: list[Any], **more: Any) -> dict[str, Any]:
    """What every answer of Xero is wrapped in."""
    head = {"Id": str(uuid.uuid4()), "Status": "OK", "ProviderName": "Ledgerly", "DateTimeUTC": ms_moment(datetime.now(UTC))}
    return {**head, **more, name: items}


def errors(error: Invalid) -> list[dict[str, str]]:
    """Messages in Xero's shape."""
    return [{"Message": message} for message in error.messages]


# --- writing -----------------------------------------------------------------------------------------------------------


def _elements(call: Call, name: str) -> list[Element]:
    """The elements of a body: `{"Invoices": [...]}`, or one bare element as Xero also takes."""
    given = call.body.get(name, [call.body])
    if not isinstance(given, list) or not given or not all(isinstance(element, dict) for element in given):
        raise Refused([{"ValidationErrors": [{"Message": f"{name} must be a list with at least one element."}]}])
    if len(given) > MOST_AT_ONCE:
        words = f"{name} has {len(given)} elements; one call takes at most {MOST_AT_ONCE}."
        raise Refused([{"ValidationErrors": [{"Message": words}]}])
    return given


def _each(call: Call, name: str, id_name: str, save: Callable[[Element], str], shape: Callable[[str], dict[str, Any]]) -> Answer:
    """Save each element in a savepoint of its own and answer with all of them."""
    answer = Answer(envelope(name, []))
    failed: list[Element] = []
    for place, element in enumerate(_elements(call, name), start=1):
        call.tx.execute("SAVEPOINT element")
        try:
            if call.partial and place % 2 == 0:
                raise Invalid("An error occurred in Xero. Please try again.")
            shaped = shape(save(element))
        except Invalid as error:
            call.tx.execute("ROLLBACK TO element")
            failed.append({**element, "ValidationErrors": errors(error)})
            shaped = {**element, id_name: NOTHING, "HasErrors": True, "StatusAttributeString": "ERROR", "ValidationErrors": errors(error)}
        else:
            answer.effects += 1
            answer.about.append(
                str(shaped.get("InvoiceNumber") or shaped.get("CreditNoteNumber") or shaped.get("Reference") or shaped.get("Name"))
            )
            shaped["StatusAttributeString"] = "OK"
        call.tx.execute("RELEASE element")
        answer.body[name].append(shaped)
    if failed and call.summarize:
        raise Refused(failed)
    return answer


def _document_name(kind: str) -> str:
    return "Invoices" if kind == "invoice" else "CreditNotes"


def save_documents(call: Call, kind: str, *, may_update: bool) -> Answer:
    """PUT creates; POST updates what it can find by id or number and creates the rest."""

    def save(element: Element) -> str:
        if call.id:
            element = {**element, IDS[kind]: call.id}
        if may_update and rules.meant(call.books, kind, element):
            return rules.update_document(call.books, kind, element)
        if element.get(IDS[kind]):
            raise Invalid("The document ID was not found." if may_update else "A new document cannot have an ID.")
        return rules.create_document(call.books, kind, element)

    return _each(call, _document_name(kind), IDS[kind], save, lambda id: _shape(call, kind, id))


def _shape(call: Call, kind: str, id: str) -> dict[str, Any]:
    row = call.books.one("documents", id)
    assert row is not None  # saved a moment ago in this transaction
    return shapes.documents(call.tx, [row], with_lines=True)[0]


def save_allocations(call: Call) -> Answer:
    """PUT /CreditNotes/{id}/Allocations."""
    note = call.books.one("documents", call.id)
    if note is None or note["kind"] != "credit_note":
        raise Missing

    def shape(id: str) -> dict[str, Any]:
        row = call.tx.execute(f"{shapes.ALLOCATIONS} a.id = ?", (id,)).fetchone()
        return shapes.allocation(row)

    answer = _each(call, "Allocations", "AllocationID", lambda element: rules.allocate(call.books, note, element), shape)
    answer.about = [note["number"]]
    return answer


def save_templates(call: Call, *, may_delete: bool) -> Answer:
    """PUT creates, POST creates or deletes."""

    def save(element: Element) -> str:
        if may_delete:
            return templates.create_or_delete(call.books, element, call.id or None)
        if element.get("RepeatingInvoiceID") or element.get("ID"):
            raise Invalid("A repeating invoice cannot be updated through the API. Delete it and create another one.")
        return templates.create(call.books, element)

    def shape(id: str) -> dict[str, Any]:
        return shapes.templates(call.tx, [call.books.one("templates", id)])[0]  # type: ignore[list-item]

    return _each(call, "RepeatingInvoices", "RepeatingInvoiceID", save, shape)


def save_contacts(call: Call, *, may_update: bool) -> Answer:
    """PUT creates, POST updates or creates."""

    def save(element: Element) -> str:
        if call.id:
            element = {**element, "ContactID": call.id}
        return rules.save_contact(call.books, element, may_update=may_update)

    def shape(id: str) -> dict[str, Any]:
        return shapes.contact(call.books.one("contacts", id))  # type: ignore[arg-type]

    return _each(call, "Contacts", "ContactID", save, shape)


def save_tax_rate(call: Call) -> Answer:
    """PUT and POST /TaxRates: one tax type of our own with its rate."""
    for element in _elements(call, "TaxRates"):
        components = element.get("TaxComponents") or []
        rate = sum((Decimal(part.get("Rate", 0)) for part in components), Decimal(0))
        values = (call.books.organisation, str(element.get("TaxType") or element.get("Name")), str(element.get("Name")), str(rate))
        call.tx.execute("INSERT OR REPLACE INTO tax_rates (organisation, type, name, rate) VALUES (?, ?, ?, ?)", values)
    answer = list_tax_rates(call)
    answer.effects = 1
    return answer


def save_account(call: Call) -> Answer:
    """PUT /Accounts: one account, bare, as Xero takes it."""
    code, name = str(call.body.get("Code") or ""), str(call.body.get("Name") or "")
    if not code or not name or code in organisations.accounts(call.tx, call.books.organisation):
        raise Refused([{"ValidationErrors": [{"Message": "Please enter a unique Code and a Name."}]}])
    insert(call.tx, "accounts", organisation=call.books.organisation, code=code, name=name, type=str(call.body.get("Type") or "REVENUE"))
    answer = list_accounts(call)
    answer.effects = 1
    return answer


# --- reading -----------------------------------------------------------------------------------------------------------


@dataclass
class _Query:
    """A SELECT that grows condition by condition."""

    table: str
    conditions: list[str]
    values: list[Any]
    order: str = "seq"

    def add(self, condition: str, *values: Any) -> None:
        self.conditions.append(f"({condition})")
        self.values += values

    def any_of(self, column: str, listed: str | None) -> None:
        """A comma-separated list of a query parameter."""
        if listed:
            wanted = [item.strip() for item in listed.split(",")]
            self.add(f"{column} IN ({', '.join('?' * len(wanted))})", *wanted)

    def count(self, tx: sqlite3.Connection) -> int:
        query = f"SELECT count(*) FROM {self.table} WHERE {' AND '.join(self.conditions)}"  # noqa: S608 - values are parameters
        return tx.execute(query, self.values).fetchone()[0]

    def rows(self, tx: sqlite3.Connection, limit: int = -1, offset: int = 0) -> list[sqlite3.Row]:
        query = f"SELECT * FROM {self.table} WHERE {' AND '.join(self.conditions)} ORDER BY {self.order} LIMIT ? OFFSET ?"  # noqa: S608
        return tx.execute(query, [*self.values, limit, offset]).fetchall()


def _query(call: Call, table: str, fields: dict[str, str]) -> _Query:
    query = _Query(table, ["organisation = ?"], [call.books.organisation])
    if expression := call.args.get("where"):
        condition, values = filters.where(expression, fields)
        query.add(condition, *values)
    if expression := call.args.get("order"):
        query.order = filters.order(expression, fields)
    if since := call.headers.get("If-Modified-Since"):
        query.add("updated_at > ?", _moment(since))
    return query


def _moment(text: str) -> str:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = parsedate_to_datetime(text)
    return moment.replace(tzinfo=moment.tzinfo or UTC).astimezone(UTC).isoformat(timespec="milliseconds")


def _page(call: Call, query: _Query) -> tuple[list[sqlite3.Row], dict[str, Any]]:
    """All rows, or the page asked for together with Xero's pagination block."""
    if "page" not in call.args:
        return query.rows(call.tx), {}
    page, size = max(int(call.args["page"]), 1), min(max(int(call.args.get("pageSize", PAGE_SIZE)), 1), 1000)
    total = query.count(call.tx)
    block = {"page": page, "pageSize": size, "pageCount": -(-total // size), "itemCount": total}
    return query.rows(call.tx, size, (page - 1) * size), {"pagination": block}


def list_documents(call: Call, kind: str) -> Answer:
    """GET /Invoices and /CreditNotes. Lines come only with paging or for one id, as in Xero."""
    query = _query(call, "documents", filters.FIELDS)
    query.add("kind = ?", kind)
    for column, name in (("id", "IDs"), ("number", "InvoiceNumbers"), ("contact_id", "ContactIDs"), ("status", "Statuses")):
        query.any_of(column, call.args.get(name))
    if term := call.args.get("searchTerm"):
        query.add("number LIKE ? OR reference LIKE ?", f"%{term}%", f"%{term}%")
    rows, more = _page(call, query)
    with_lines = "page" in call.args and call.args.get("summaryOnly", "false").lower() != "true"
    return Answer(envelope(_document_name(kind), shapes.documents(call.tx, rows, with_lines=with_lines), **more))


def get_document(call: Call, kind: str) -> Answer:
    """GET /Invoices/{id}; the number does as well."""
    row = call.books.one("documents", call.id) or rules.by_number(call.books, kind, call.id)
    if row is None or row["kind"] != kind:
        raise Missing
    return Answer(envelope(_document_name(kind), shapes.documents(call.tx, [row], with_lines=True)))


def list_templates(call: Call) -> Answer:
    """GET /RepeatingInvoices: all of them, deleted ones too; Xero has no paging here."""
    rows = _query(call, "templates", filters.TEMPLATE_FIELDS).rows(call.tx)
    return Answer(envelope("RepeatingInvoices", shapes.templates(call.tx, rows)))


def get_template(call: Call) -> Answer:
    """GET /RepeatingInvoices/{id}."""
    row = call.books.one("templates", call.id)
    if row is None:
        raise Missing
    return Answer(envelope("RepeatingInvoices", shapes.templates(call.tx, [row])))


def list_contacts(call: Call) -> Answer:
    """GET /Contacts."""
    query = _query(call, "contacts", filters.CONTACT_FIELDS)
    query.any_of("id", call.args.get("IDs"))
    if term := call.args.get("searchTerm"):
        query.add("name LIKE ? OR number LIKE ? OR email LIKE ?", *[f"%{term}%"] * 3)
    if call.args.get("includeArchived", "false").lower() != "true":
        query.add("status = 'ACTIVE'")
    rows, more = _page(call, query)
    return Answer(envelope("Contacts", [shapes.contact(row) for row in rows], **more))


def get_contact(call: Call) -> Answer:
    """GET /Contacts/{id}."""
    row = call.books.one("contacts", call.id)
    if row is None:
        raise Missing
    return Answer(envelope("Contacts", [shapes.contact(row)]))


def get_organisation(call: Call) -> Answer:
    """GET /Organisation."""
    row = organisations.get(call.tx, call.books.organisation)
    assert row is not None  # the books were opened with it
    return Answer(envelope("Organisations", [shapes.organisation(row)]))


def list_tax_rates(call: Call) -> Answer:
    """GET /TaxRates."""
    rates = organisations.tax_rates(call.tx, call.books.organisation).values()
    shaped = [
        {
            "Name": row["name"],
            "TaxType": row["type"],
            "Status": "ACTIVE",
            "CanApplyToRevenue": True,
            "DisplayTaxRate": Decimal(row["rate"]),
            "EffectiveRate": Decimal(row["rate"]),
            "TaxComponents": [{"Name": row["name"], "Rate": Decimal(row["rate"]), "IsCompound": False}],
        }
        for row in rates
    ]
    return Answer(envelope("TaxRates", shaped))


def list_accounts(call: Call) -> Answer:
    """GET /Accounts."""
    shaped = [
        {
            "AccountID": str(uuid.uuid5(uuid.UUID(call.books.organisation), row["code"])),
            "Code": row["code"],
            "Name": row["name"],
            "Type": row["type"],
            "Status": "ACTIVE",
        }
        for row in organisations.accounts(call.tx, call.books.organisation).values()
    ]
    return Answer(envelope("Accounts", shaped))
