"""Rows of the books in the shape of Xero's JSON."""

from __future__ import annotations

import json
import sqlite3
import uuid
from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from billing.adapters.accounting.ledgerly.books import IDS, NUMBERS, TYPES
from billing.adapters.accounting.ledgerly.wire import ms_date, ms_moment

Shape = dict[str, Any]


def _day(value: str | None) -> str | None:
    return ms_date(date.fromisoformat(value)) if value else None


def _filled(shape: Shape) -> Shape:
    """Xero leaves out what has no value."""
    return {name: value for name, value in shape.items() if value is not None}


def organisation(row: sqlite3.Row) -> Shape:
    """One set of books."""
    return _filled(
        {
            "OrganisationID": row["id"],
            "Name": row["name"],
            "LegalName": row["name"],
            "PaysTax": True,
            "Version": "UK" if row["country"] == "GB" else "GLOBAL",
            "OrganisationType": "COMPANY",
            "OrganisationEntityType": "COMPANY",
            "BaseCurrency": row["currency"],
            "CountryCode": row["country"],
            "IsDemoCompany": True,
            "OrganisationStatus": "ACTIVE",
            "Timezone": row["time_zone"],
            "PeriodLockDate": _day(row["lock_date"]),
        }
    )


def contact(row: sqlite3.Row) -> Shape:
    """A contact as listed."""
    return {
        "ContactID": row["id"],
        "ContactNumber": row["number"],
        "ContactStatus": row["status"],
        "Name": row["name"],
        "EmailAddress": row["email"],
        "IsCustomer": True,
        "IsSupplier": False,
        "UpdatedDateUTC": ms_moment(datetime.fromisoformat(row["updated_at"])),
        "HasValidationErrors": False,
    }


def lines(row: sqlite3.Row) -> list[Shape]:
    """The stored lines, amounts as numbers, each with an id that stays."""
    shaped = []
    for position, line in enumerate(json.loads(row["lines"])):
        amounts = {name: Decimal(line[name]) for name in ("Quantity", "UnitAmount", "LineAmount", "TaxAmount")}
        shaped.append({**line, **amounts, "LineItemID": str(uuid.uuid5(uuid.UUID(row["id"]), str(position)))})
    return shaped


def documents(tx: sqlite3.Connection, rows: Sequence[sqlite3.Row], *, with_lines: bool) -> list[Shape]:
    """Invoices or credit notes. Without `with_lines` they carry empty LineItems, as Xero's unpaged lists do."""
    ids = [row["id"] for row in rows]
    contacts = _by_id(tx, "contacts", {row["contact_id"] for row in rows})
    allocations = _group(tx, ids)
    paid: dict[str, Decimal] = {}
    for row in _in(tx, "SELECT document_id, amount FROM payments WHERE document_id IN", ids):
        paid[row["document_id"]] = paid.get(row["document_id"], Decimal(0)) + Decimal(row["amount"])
    return [
        _document(row, contacts[row["contact_id"]], allocations.get(row["id"], []), paid.get(row["id"], Decimal(0)), with_lines)
        for row in rows
    ]


def _document(row: sqlite3.Row, who: sqlite3.Row, allocations: list[sqlite3.Row], paid: Decimal, with_lines: bool) -> Shape:
    kind, total = row["kind"], Decimal(row["total"])
    used = sum((Decimal(a["amount"]) for a in allocations), Decimal(0))
    shape = {
        "Type": TYPES[kind],
        IDS[kind]: row["id"],
        NUMBERS[kind]: row["number"],
        "Reference": row["reference"],
        "Status": row["status"],
        "Contact": {"ContactID": who["id"], "ContactNumber": who["number"], "Name": who["name"]},
        "Date": _day(row["date"]),
        "DueDate": _day(row["due_date"]),
        "LineAmountTypes": row["amounts"],
        "LineItems": lines(row) if with_lines else [],
        "CurrencyCode": row["currency"],
        "SubTotal": Decimal(row["net"]),
        "TotalTax": Decimal(row["tax"]),
        "Total": total,
        "UpdatedDateUTC": ms_moment(datetime.fromisoformat(row["updated_at"])),
        "HasErrors": False,
    }
    open_amount = Decimal(0) if row["status"] in ("VOIDED", "DELETED") else total - used - paid
    if kind == "invoice":
        shape |= {"RepeatingInvoiceID": row["template_id"], "AmountDue": open_amount, "AmountPaid": paid, "AmountCredited": used}
    else:
        shape |= {"RemainingCredit": open_amount, "AppliedAmount": used, "Allocations": [allocation(a) for a in allocations]}
    return _filled(shape)


def allocation(row: sqlite3.Row) -> Shape:
    """One use of a credit note on an invoice."""
    return {
        "AllocationID": row["id"],
        "Amount": Decimal(row["amount"]),
        "Date": _day(row["date"]),
        "Invoice": {"InvoiceID": row["invoice_id"], "InvoiceNumber": row["invoice_number"]},
    }


def template(row: sqlite3.Row, who: sqlite3.Row) -> Shape:
    """A repeating invoice."""
    schedule = {
        "Period": row["period"],
        "Unit": row["unit"],
        "DueDate": row["due"],
        "DueDateType": row["due_type"],
        "StartDate": _day(row["start_date"]),
        "NextScheduledDate": _day(row["next_date"]),
        "EndDate": _day(row["end_date"]),
    }
    return {
        "Type": "ACCREC",
        "RepeatingInvoiceID": row["id"],
        "ID": row["id"],
        "Reference": row["reference"],
        "Status": row["status"],
        "Contact": {"ContactID": who["id"], "ContactNumber": who["number"], "Name": who["name"]},
        "Schedule": _filled(schedule),
        "LineAmountTypes": row["amounts"],
        "LineItems": lines(row),
        "CurrencyCode": row["currency"],
        "SubTotal": Decimal(row["net"]),
        "TotalTax": Decimal(row["tax"]),
        "Total": Decimal(row["total"]),
        "HasAttachments": False,
    }


def templates(tx: sqlite3.Connection, rows: Sequence[sqlite3.Row]) -> list[Shape]:
    """Several repeating invoices."""
    contacts = _by_id(tx, "contacts", {row["contact_id"] for row in rows})
    return [template(row, contacts[row["contact_id"]]) for row in rows]


# --- reading many at once ----------------------------------------------------------------------------------------------

ALLOCATIONS = "SELECT a.*, d.number AS invoice_number FROM allocations a JOIN documents d ON d.id = a.invoice_id WHERE"


def _in(tx: sqlite3.Connection, query: str, ids: Sequence[str]) -> list[sqlite3.Row]:
    """Rows for many ids, in portions SQLite takes."""
    rows: list[sqlite3.Row] = []
    for start in range(0, len(ids), 500):
        part = ids[start : start + 500]
        rows += tx.execute(f"{query} ({', '.join('?' * len(part))})", tuple(part)).fetchall()
    return rows


def _by_id(tx: sqlite3.Connection, table: str, ids: set[str]) -> dict[str, sqlite3.Row]:
    return {row["id"]: row for row in _in(tx, f"SELECT * FROM {table} WHERE id IN", sorted(ids))}  # noqa: S608


def _group(tx: sqlite3.Connection, ids: Sequence[str]) -> dict[str, list[sqlite3.Row]]:
    """Allocations by credit note and by invoice; an id is only ever one of the two."""
    grouped: dict[str, list[sqlite3.Row]] = {}
    for side in ("note_id", "invoice_id"):
        for row in _in(tx, f"{ALLOCATIONS} a.{side} IN", ids):
            grouped.setdefault(row[side], []).append(row)
    return grouped
