"""The rules of the books: what contacts, invoices, credit notes and allocations must satisfy, in Xero's words where they are known."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from billing.adapters.accounting.ledgerly import organisations
from billing.adapters.accounting.ledgerly.store import insert, next_id, now, update
from billing.adapters.accounting.ledgerly.wire import number, parse_date, places, rounded

Element = dict[str, Any]
ZERO = Decimal(0)
TYPES = {"invoice": "ACCREC", "credit_note": "ACCRECCREDIT"}
NUMBERS = {"invoice": "InvoiceNumber", "credit_note": "CreditNoteNumber"}
IDS = {"invoice": "InvoiceID", "credit_note": "CreditNoteID"}


class Invalid(Exception):
    """The request breaks a rule of the books; `messages` go into Xero's ValidationErrors."""

    def __init__(self, *messages: str) -> None:
        super().__init__(" ".join(messages))
        self.messages = list(messages)


@dataclass(frozen=True)
class Books:
    """One organisation's books inside one transaction. `penny` and `locked` are faults asked for by the panel."""

    tx: sqlite3.Connection
    organisation: str
    currency: str
    lock_date: date | None
    unit_places: int = 2
    penny: bool = False
    locked: bool = False

    @classmethod
    def open(cls, tx: sqlite3.Connection, organisation: str, **options: Any) -> Books:
        """The books of an organisation that exists."""
        row = organisations.get(tx, organisation)
        if row is None:
            raise Invalid(f"There is no organisation {organisation}.")
        lock_date = date.fromisoformat(row["lock_date"]) if row["lock_date"] else None
        return cls(tx, organisation, row["currency"], lock_date, **options)

    def one(self, table: str, id: str) -> sqlite3.Row | None:
        """A row of this organisation by its id."""
        query = f"SELECT * FROM {table} WHERE organisation = ? AND id = ?"  # noqa: S608 - table names are ours
        return self.tx.execute(query, (self.organisation, id)).fetchone()


def field_date(element: Element, name: str) -> date | None:
    """A date field of a request."""
    try:
        return parse_date(element.get(name))
    except ValueError:
        raise Invalid(f"{name} is not a valid date.") from None


def field_number(element: Element, name: str, default: Decimal | None = None) -> Decimal | None:
    """A number field of a request."""
    if element.get(name) is None:
        return default
    try:
        return number(element[name])
    except ValueError:
        raise Invalid(f"{name} is not a valid number.") from None


# --- contacts ----------------------------------------------------------------------------------------------------------


def find_contact(books: Books, element: Element) -> sqlite3.Row | None:
    """The contact an element means: by id, then by our number, then by name."""
    tx, org = books.tx, books.organisation
    if element.get("ContactID"):
        return books.one("contacts", str(element["ContactID"]))
    if element.get("ContactNumber"):
        return tx.execute("SELECT * FROM contacts WHERE organisation = ? AND number = ?", (org, element["ContactNumber"])).fetchone()
    if element.get("Name"):
        query = "SELECT * FROM contacts WHERE organisation = ? AND name = ? COLLATE NOCASE AND status = 'ACTIVE'"
        return tx.execute(query, (org, element["Name"])).fetchone()
    return None


def save_contact(books: Books, element: Element, *, may_update: bool) -> str:
    """Create a contact, or update the one meant. Answers with its id."""
    found = find_contact(books, element)
    if element.get("ContactID") and found is None:
        raise Invalid("The contact ID was not found.")
    if found is not None and may_update:
        _rename_check(books, element, found["id"])
        columns = {"Name": "name", "EmailAddress": "email", "ContactStatus": "status", "ContactNumber": "number"}
        changes = {column: str(element[name]) for name, column in columns.items() if name in element}
        update(books.tx, "contacts", found["id"], updated_at=now(), **changes)
        return found["id"]
    if found is not None and found["number"] and found["number"] == element.get("ContactNumber"):
        raise Invalid(f"The contact number {found['number']} is already assigned to another contact. The number must be unique.")
    name = str(element.get("Name") or "").strip()
    if not name:
        raise Invalid("The contact name must be specified.")
    _rename_check(books, element, None)
    id = next_id(books.tx, "contact")
    insert(
        books.tx,
        "contacts",
        id=id,
        organisation=books.organisation,
        number=str(element.get("ContactNumber") or ""),
        name=name,
        email=str(element.get("EmailAddress") or ""),
        status="ACTIVE",
        updated_at=now(),
    )
    return id


def _rename_check(books: Books, element: Element, id: str | None) -> None:
    if not element.get("Name"):
        return
    other = find_contact(books, {"Name": element["Name"]})
    if other is not None and other["id"] != id:
        raise Invalid(
            f"The contact name {element['Name']} is already assigned to another contact. "
            "The contact name must be unique across all active contacts."
        )


def contact_of(books: Books, element: Element) -> str:
    """The id of a document's contact; a name nobody has yet makes a new contact, as in Xero."""
    given = element.get("Contact") or {}
    if not isinstance(given, dict) or not given:
        raise Invalid("A Contact must be specified for this type of transaction.")
    found = find_contact(books, given)
    if found is None:
        if given.get("ContactID"):
            raise Invalid("The contact ID was not found.")
        return save_contact(books, given, may_update=False)
    if found["status"] != "ACTIVE":
        raise Invalid(f"The contact {found['name']} is archived; restore it before using it on new documents.")
    return found["id"]


# --- lines -------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Priced:
    """Lines as stored (amounts as strings) and their totals."""

    lines: str
    net: Decimal
    tax: Decimal
    total: Decimal


def price(books: Books, element: Element, currency: str) -> Priced:
    """Check the lines and add them up. A line amount that is not quantity x unit amount is refused, as in Xero."""
    amounts = element.get("LineAmountTypes", "Exclusive")
    if amounts not in ("Exclusive", "Inclusive", "NoTax"):
        raise Invalid("LineAmountTypes must be Exclusive, Inclusive or NoTax.")
    given = element.get("LineItems")
    if not isinstance(given, list) or not given:
        raise Invalid("One or more line items must be specified.")
    rates, accounts = organisations.tax_rates(books.tx, books.organisation), organisations.accounts(books.tx, books.organisation)
    lines = [_line(books, line, currency, amounts, rates, accounts) for line in given]
    amount = sum((Decimal(line["LineAmount"]) for line in lines), ZERO)
    tax = sum((Decimal(line["TaxAmount"]) for line in lines), ZERO)
    if books.penny:
        tax += places(currency)
    net = amount - tax if amounts == "Inclusive" else amount
    if net + tax < 0:
        raise Invalid("The document total cannot be negative.")
    return Priced(json.dumps(lines), net, tax, net + tax)


def _line(books: Books, line: Element, currency: str, amounts: str, rates: dict[str, Any], accounts: dict[str, Any]) -> dict[str, str]:
    if not str(line.get("Description") or "").strip():
        raise Invalid("Description is required on every line item.")
    quantity = field_number(line, "Quantity", Decimal(1)) or ZERO
    unit = (field_number(line, "UnitAmount", ZERO) or ZERO).quantize(Decimal(1).scaleb(-books.unit_places), ROUND_HALF_UP)
    discount = field_number(line, "DiscountRate", ZERO) or ZERO
    expected = rounded(quantity * unit * (100 - discount) / 100, currency)
    amount = field_number(line, "LineAmount", expected)
    if amount != expected:
        raise Invalid(f"The line total {amount} does not match the expected line total {expected}")
    account = str(line.get("AccountCode") or "")
    if account not in accounts:
        raise Invalid(f"Account code '{account}' is not a valid code for this document.")
    tax_type = str(line.get("TaxType") or "NONE")
    if tax_type not in rates:
        raise Invalid(f"The TaxType code '{tax_type}' does not exist or cannot be used for this type of transaction.")
    rate = Decimal(rates[tax_type]["rate"])
    share = rate / (100 + rate) if amounts == "Inclusive" else rate / 100
    computed = ZERO if amounts == "NoTax" else rounded(expected * share, currency)
    tax = field_number(line, "TaxAmount", computed)
    return {
        "Description": str(line["Description"]),
        "Quantity": format(quantity.normalize(), "f"),
        "UnitAmount": format(unit, "f"),
        "LineAmount": format(expected, "f"),
        "TaxType": tax_type,
        "TaxAmount": format(rounded(tax if tax is not None else computed, currency), "f"),
        "AccountCode": account,
    }


# --- invoices and credit notes -----------------------------------------------------------------------------------------


def check_open(books: Books, day: date) -> None:
    """Refuse a date in a closed period."""
    lock_date = books.lock_date or day
    if books.locked or (books.lock_date and day <= lock_date):
        raise Invalid(f"The document date cannot be before the period lock date, currently set at {lock_date:%d-%b-%Y}")


def _opening(books: Books, kind: str, element: Element) -> tuple[str, date, date | None]:
    """Status, date and due date a new document may start with."""
    if element.get("Type", TYPES[kind]) != TYPES[kind]:
        raise Invalid(f"Only documents of type {TYPES[kind]} are kept here.")
    status = element.get("Status") or "DRAFT"
    if status not in ("DRAFT", "SUBMITTED", "AUTHORISED"):
        raise Invalid(f"A new document cannot have the status {status}.")
    day = field_date(element, "Date")
    due = field_date(element, "DueDate")
    if day is None or (kind == "invoice" and due is None and status == "AUTHORISED"):
        raise Invalid("Date and DueDate must be specified.")
    check_open(books, day)
    return status, day, due


def create_document(books: Books, kind: str, element: Element, *, template_id: str | None = None) -> str:
    """Create an invoice or credit note and answer with its id."""
    status, day, due = _opening(books, kind, element)
    currency = str(element.get("CurrencyCode") or books.currency)
    priced = price(books, element, currency)
    contact_id = contact_of(books, element)
    id = next_id(books.tx, kind)
    doc_number = str(element.get(NUMBERS[kind]) or f"LG-{int(id[-12:]):06d}")
    if by_number(books, kind, doc_number):
        raise Invalid("Invoice # must be unique." if kind == "invoice" else "Credit note # must be unique.")
    insert(
        books.tx,
        "documents",
        id=id,
        organisation=books.organisation,
        kind=kind,
        number=doc_number,
        reference=str(element.get("Reference") or ""),
        status=status,
        contact_id=contact_id,
        template_id=template_id,
        date=day.isoformat(),
        due_date=due.isoformat() if due else None,
        currency=currency,
        amounts=element.get("LineAmountTypes", "Exclusive"),
        lines=priced.lines,
        net=str(priced.net),
        tax=str(priced.tax),
        total=str(priced.total),
        updated_at=now(),
    )
    return id


def by_number(books: Books, kind: str, doc_number: str) -> sqlite3.Row | None:
    """The document that holds a number; deleted drafts have given theirs back."""
    query = "SELECT * FROM documents WHERE organisation = ? AND kind = ? AND number = ? AND status <> 'DELETED'"
    return books.tx.execute(query, (books.organisation, kind, doc_number)).fetchone()


def meant(books: Books, kind: str, element: Element) -> sqlite3.Row | None:
    """The document an element with an id or a number means."""
    if element.get(IDS[kind]):
        row = books.one("documents", str(element[IDS[kind]]))
        return row if row is not None and row["kind"] == kind else None
    return by_number(books, kind, str(element.get(NUMBERS[kind]) or ""))


def update_document(books: Books, kind: str, element: Element) -> str:
    """Change a document that exists: its status, reference or due date; its lines while it is a draft."""
    row = meant(books, kind, element)
    if row is None:
        raise Invalid("The document ID or number was not found.")
    check_open(books, date.fromisoformat(row["date"]))
    changes: dict[str, Any] = {}
    status = element.get("Status", row["status"])
    if status != row["status"]:
        _check_move(books, row, status)
        changes["status"] = status
    if "Reference" in element:
        changes["reference"] = str(element["Reference"])
    if due := field_date(element, "DueDate"):
        changes["due_date"] = due.isoformat()
    if "LineItems" in element:
        if row["status"] not in ("DRAFT", "SUBMITTED"):
            raise Invalid("Document not of valid status for modification: an approved document's lines are final here.")
        priced = price(books, {"LineAmountTypes": row["amounts"], **element}, row["currency"])
        changes |= {"lines": priced.lines, "net": str(priced.net), "tax": str(priced.tax), "total": str(priced.total)}
    update(books.tx, "documents", row["id"], updated_at=now(), **changes)
    return row["id"]


def _check_move(books: Books, row: sqlite3.Row, status: str) -> None:
    moves = {"DRAFT": {"SUBMITTED", "AUTHORISED", "DELETED"}, "SUBMITTED": {"AUTHORISED", "DELETED"}, "AUTHORISED": {"VOIDED"}}
    if status not in moves.get(row["status"], set()):
        raise Invalid(f"Document not of valid status for modification: {row['status']} cannot become {status}.")
    if status == "VOIDED" and any(settled(books.tx, row)):
        raise Invalid("This document cannot be voided because it has payments or credits applied to it.")


# --- what is still open ------------------------------------------------------------------------------------------------


def settled(tx: sqlite3.Connection, row: sqlite3.Row) -> tuple[Decimal, Decimal]:
    """(paid, credited) of an invoice; (refunded, allocated) of a credit note."""
    side = "invoice_id" if row["kind"] == "invoice" else "note_id"
    paid = tx.execute("SELECT amount FROM payments WHERE document_id = ?", (row["id"],)).fetchall()
    used = tx.execute(f"SELECT amount FROM allocations WHERE {side} = ?", (row["id"],)).fetchall()  # noqa: S608
    return sum((Decimal(r["amount"]) for r in paid), ZERO), sum((Decimal(r["amount"]) for r in used), ZERO)


def still_open(tx: sqlite3.Connection, row: sqlite3.Row) -> Decimal:
    """Amount due of an invoice, remaining credit of a credit note."""
    return Decimal(row["total"]) - sum(settled(tx, row))


def touch(tx: sqlite3.Connection, row: sqlite3.Row) -> None:
    """After money moved: note the moment and whether nothing is left."""
    update(tx, "documents", row["id"], status="PAID" if still_open(tx, row) == 0 else "AUTHORISED", updated_at=now())


def allocate(books: Books, note: sqlite3.Row, element: Element) -> str:
    """Use credit on an invoice: never more than the invoice still owes, never more than the note has left."""
    invoice = meant(books, "invoice", element.get("Invoice") or {})
    if invoice is None:
        raise Invalid("The invoice ID or number was not found.")
    amount = field_number(element, "Amount")
    day = field_date(element, "Date")
    if amount is None or amount <= 0 or day is None:
        raise Invalid("An allocation needs a Date and an Amount greater than zero.")
    check_open(books, day)
    if invoice["contact_id"] != note["contact_id"] or invoice["currency"] != note["currency"]:
        raise Invalid("A credit note can only be allocated to an invoice of the same contact and currency.")
    for row, verb in ((note, "of remaining credit on credit note"), (invoice, "outstanding on invoice")):
        left = still_open(books.tx, row) if row["status"] == "AUTHORISED" else ZERO
        if amount > left:
            raise Invalid(f"The amount {amount} is greater than the {left} {verb} {row['number']}.")
    id = next_id(books.tx, "allocation")
    insert(
        books.tx,
        "allocations",
        id=id,
        note_id=note["id"],
        invoice_id=invoice["id"],
        amount=str(rounded(amount, note["currency"])),
        date=day.isoformat(),
    )
    touch(books.tx, note)
    touch(books.tx, invoice)
    return id


def pay(books: Books, element: Element) -> str:
    """Record a payment on an invoice, as the bank feed would."""
    invoice = meant(books, "invoice", element)
    amount, day = field_number(element, "Amount"), field_date(element, "Date")
    if invoice is None or amount is None or day is None:
        raise Invalid("A payment needs an InvoiceID or InvoiceNumber, an Amount and a Date.")
    left = still_open(books.tx, invoice) if invoice["status"] == "AUTHORISED" else ZERO
    if not 0 < amount <= left:
        raise Invalid(f"The payment of {amount} must be above zero and at most the {left} outstanding on invoice {invoice['number']}.")
    id = next_id(books.tx, "payment")
    insert(books.tx, "payments", id=id, document_id=invoice["id"], amount=str(amount), date=day.isoformat())
    touch(books.tx, invoice)
    return id
