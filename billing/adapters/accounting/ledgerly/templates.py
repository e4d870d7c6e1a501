"""Repeating invoices: created and deleted, never changed; and the invoices they make when the clock moves."""

from __future__ import annotations

import calendar
import json
import sqlite3
from datetime import date, timedelta
from typing import Any

from billing.adapters.accounting.ledgerly.books import Books, Element, Invalid, contact_of, create_document, field_date, price
from billing.adapters.accounting.ledgerly.store import insert, next_id, now, set_business_date, update

DUE_TYPES = (
    "DAYSAFTERBILLDATE",
    "DAYSAFTERBILLMONTH",
    "DAYSAFTERINVOICEDATE",
    "DAYSAFTERINVOICEMONTH",
    "OFCURRENTMONTH",
    "OFFOLLOWINGMONTH",
)


def add_months(day: date, months: int, anchor: int) -> date:
    """`day`'s month plus `months`, on the anchor day or the month's last."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(anchor, calendar.monthrange(year, month + 1)[1]))


def following(day: date, *, period: int, unit: str, start: date) -> date:
    """The occurrence after `day`. The start date's day is kept: 31 Jan, 28 Feb, 31 Mar."""
    if unit == "WEEKLY":
        return day + timedelta(weeks=period)
    return add_months(day, period, start.day)


def due_date(day: date, due: int, due_type: str) -> date:
    """When an invoice of `day` is due. Types that count within a month take the day of this or of the next one."""
    if due_type in ("DAYSAFTERBILLDATE", "DAYSAFTERINVOICEDATE"):
        return day + timedelta(days=due)
    if due_type in ("DAYSAFTERBILLMONTH", "DAYSAFTERINVOICEMONTH"):
        return add_months(day, 1, 1) - timedelta(days=1) + timedelta(days=due)
    return add_months(day, 0 if due_type == "OFCURRENTMONTH" else 1, due or 31)


def _schedule(element: Element) -> dict[str, Any]:
    given = element.get("Schedule")
    if not isinstance(given, dict):
        raise Invalid("A schedule must be specified.")
    period, unit = given.get("Period"), given.get("Unit")
    due, due_type = given.get("DueDate"), given.get("DueDateType")
    if not isinstance(period, int) or period < 1 or unit not in ("WEEKLY", "MONTHLY"):
        raise Invalid("Schedule needs a Period of at least 1 and the Unit WEEKLY or MONTHLY.")
    if not isinstance(due, int) or due < 0 or due_type not in DUE_TYPES:
        raise Invalid("Schedule needs a DueDate (a number) and a DueDateType.")
    start, end = field_date(given, "StartDate"), field_date(given, "EndDate")
    if start is None:
        raise Invalid("Schedule StartDate must be specified.")
    if end is not None and end < start:
        raise Invalid("Schedule EndDate must not be before the StartDate.")
    return {
        "period": period,
        "unit": unit,
        "due": due,
        "due_type": due_type,
        "start_date": start.isoformat(),
        "next_date": start.isoformat(),
        "end_date": end.isoformat() if end else None,
    }


def create(books: Books, element: Element) -> str:
    """Create a repeating invoice in its final status and answer with its id."""
    if element.get("Type", "ACCREC") != "ACCREC":
        raise Invalid("Only repeating invoices of type ACCREC are kept here.")
    status = element.get("Status") or "DRAFT"
    if status not in ("DRAFT", "AUTHORISED"):
        raise Invalid(f"A new repeating invoice cannot have the status {status}.")
    schedule = _schedule(element)
    currency = str(element.get("CurrencyCode") or books.currency)
    priced = price(books, element, currency)
    contact_id = contact_of(books, element)
    id = next_id(books.tx, "template")
    insert(
        books.tx,
        "templates",
        id=id,
        organisation=books.organisation,
        reference=str(element.get("Reference") or ""),
        status=status,
        contact_id=contact_id,
        currency=currency,
        amounts=element.get("LineAmountTypes", "Exclusive"),
        lines=priced.lines,
        net=str(priced.net),
        tax=str(priced.tax),
        total=str(priced.total),
        updated_at=now(),
        **schedule,
    )
    return id


def create_or_delete(books: Books, element: Element, id: str | None = None) -> str:
    """What POST can do: create without an id; with one, delete and nothing else. Xero's interface has no update."""
    id = id or element.get("RepeatingInvoiceID") or element.get("ID")
    if not id:
        return create(books, element)
    row = books.one("templates", str(id))
    if row is None:
        raise Invalid("The repeating invoice ID was not found.")
    if element.get("Status") != "DELETED":
        raise Invalid("A repeating invoice cannot be updated through the API. Delete it and create another one.")
    if row["status"] == "DELETED":
        raise Invalid("The repeating invoice has been deleted already.")
    update(books.tx, "templates", row["id"], status="DELETED", updated_at=now())
    return row["id"]


def move_clock(tx: sqlite3.Connection, day: date) -> list[str]:
    """Set Ledgerly's date and make every invoice due by then, oldest first; answers with their ids.

    Once per template and date, whatever the clock does: the schedule only ever moves forward, and a unique index stands behind it.
    """
    set_business_date(tx, day)
    made: list[str] = []
    query = "SELECT * FROM templates WHERE status <> 'DELETED' AND next_date <= ? ORDER BY next_date, seq LIMIT 1"
    while row := tx.execute(query, (day.isoformat(),)).fetchone():
        made += _make_invoice(tx, row)
    return made


def _make_invoice(tx: sqlite3.Connection, row: sqlite3.Row) -> list[str]:
    books = Books.open(tx, row["organisation"], unit_places=6)
    on = date.fromisoformat(row["next_date"])
    made: list[str] = []
    contact = books.one("contacts", row["contact_id"])
    locked = books.lock_date is not None and on <= books.lock_date
    if contact is not None and contact["status"] == "ACTIVE" and not locked:
        made.append(create_document(books, "invoice", _invoice(row, on), template_id=row["id"]))
    after = following(on, period=row["period"], unit=row["unit"], start=date.fromisoformat(row["start_date"]))
    ended = row["end_date"] is not None and after.isoformat() > row["end_date"]
    update(tx, "templates", row["id"], next_date=None if ended else after.isoformat(), updated_at=now())
    return made


def _invoice(row: sqlite3.Row, on: date) -> Element:
    return {
        "Status": row["status"],
        "Contact": {"ContactID": row["contact_id"]},
        "Date": on.isoformat(),
        "DueDate": due_date(on, row["due"], row["due_type"]).isoformat(),
        "CurrencyCode": row["currency"],
        "Reference": row["reference"],
        "LineAmountTypes": row["amounts"],
        "LineItems": json.loads(row["lines"]),
    }
