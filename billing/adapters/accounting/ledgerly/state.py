"""Everything Ledgerly holds as plain JSON, for tests: what there is, and how many attempts it took."""

from __future__ import annotations

import json
import sqlite3
from typing import Any

from billing.adapters.accounting.ledgerly import faults, organisations
from billing.adapters.accounting.ledgerly.books import settled
from billing.adapters.accounting.ledgerly.store import business_date, ledgerly_number


def _rows(tx: sqlite3.Connection, table: str, organisation: str | None) -> list[sqlite3.Row]:
    query = f"SELECT * FROM {table} WHERE ? IS NULL OR organisation = ? ORDER BY seq"  # noqa: S608 - table names are ours
    return tx.execute(query, (organisation, organisation)).fetchall()


def everything(tx: sqlite3.Connection, organisation: str | None = None) -> dict[str, Any]:
    """Amounts as strings, dates as ISO, every list in the order of making."""
    names = {row["id"]: row["name"] for row in tx.execute("SELECT id, name FROM contacts")}
    documents = [_document(tx, row, names) for row in _rows(tx, "documents", organisation)]
    requests = [dict(row) for row in _rows(tx, "requests", organisation)]
    writes = [row for row in requests if row["method"] != "GET"]
    return {
        "date": business_date(tx).isoformat(),
        "organisations": [dict(row) for row in organisations.all_of(tx)],
        "contacts": [dict(row) for row in _rows(tx, "contacts", organisation)],
        "invoices": [document for document in documents if document["kind"] == "invoice"],
        "credit_notes": [document for document in documents if document["kind"] == "credit_note"],
        "templates": [_template(row, names) for row in _rows(tx, "templates", organisation)],
        "keys": tx.execute("SELECT count(*) FROM keys").fetchone()[0],
        "faults": [dict(row) for row in faults.live(tx)],
        "requests": requests,
        "attempts": len(writes),
        "effects": sum(row["effects"] for row in writes),
    }


def _document(tx: sqlite3.Connection, row: sqlite3.Row, names: dict[str, str]) -> dict[str, Any]:
    allocations = tx.execute(
        "SELECT a.amount, a.date, n.number AS credit_note, i.number AS invoice FROM allocations a "
        "JOIN documents n ON n.id = a.note_id JOIN documents i ON i.id = a.invoice_id "
        "WHERE a.note_id = ? OR a.invoice_id = ? ORDER BY a.seq",
        (row["id"], row["id"]),
    ).fetchall()
    paid, used = settled(tx, row)
    more = {"label": ledgerly_number(row["id"]), "contact": names[row["contact_id"]], "lines": json.loads(row["lines"])}
    return dict(row) | more | {"paid": str(paid), "used": str(used), "allocations": [dict(allocation) for allocation in allocations]}


def _template(row: sqlite3.Row, names: dict[str, str]) -> dict[str, Any]:
    return dict(row) | {"label": ledgerly_number(row["id"]), "contact": names[row["contact_id"]], "lines": json.loads(row["lines"])}
