"""The sets of books Ledgerly keeps: one per legal entity, each with its accounts, tax rates and lock date."""

from __future__ import annotations

import sqlite3
from datetime import date
from typing import Any

from billing.adapters.accounting.ledgerly.store import insert, update

DEMO_ORGANISATION = "1ed9e719-0000-4000-8000-000000000001"
# The sellers of the demo: id, name, currency, country, Xero's name of the time zone.
DEMO_ORGANISATIONS = [
    (DEMO_ORGANISATION, "Northbeam Software Ltd", "GBP", "GB", "GMTSTANDARDTIME"),
    ("1ed9e719-0000-4000-8000-000000000002", "Northbeam Inc.", "USD", "US", "EASTERNSTANDARDTIME"),
    ("1ed9e719-0000-4000-8000-000000000003", "Northbeam Europe GmbH", "EUR", "DE", "WEUROPESTANDARDTIME"),
]
DEMO_TOKEN = "demo"  # noqa: S105 - the demo's only key, on purpose

ACCOUNTS = [
    ("200", "Sales", "REVENUE"),
    ("210", "Subscriptions", "REVENUE"),
    ("260", "Other revenue", "REVENUE"),
    ("270", "Interest income", "OTHERINCOME"),
    ("610", "Accounts receivable", "CURRENT"),
    ("820", "VAT", "CURRLIAB"),
]
TAX_RATES = [
    ("OUTPUT2", "20% (VAT on income)", "20"),
    ("RROUTPUT", "5% (VAT on income)", "5"),
    ("ZERORATEDOUTPUT", "Zero rated income", "0"),
    ("EXEMPTOUTPUT", "Exempt income", "0"),
    ("ECZROUTPUTSERVICES", "Zero rated EC services", "0"),
    ("OUTPUT", "Tax on sales", None),  # the country's usual rate
    ("NONE", "No tax", "0"),
]
USUAL_RATE = {"GB": "20", "DE": "19", "JP": "10"}


def put(tx: sqlite3.Connection, *, id: str, name: str, currency: str, country: str = "GB", time_zone: str = "GMTSTANDARDTIME") -> None:
    """Open a set of books, or rename one. New books start with the usual accounts and tax rates."""
    if get(tx, id):
        update(tx, "organisations", id, name=name, currency=currency, country=country, time_zone=time_zone)
        return
    insert(tx, "organisations", id=id, name=name, currency=currency, country=country, time_zone=time_zone, lock_date=None)
    for code, account, type_ in ACCOUNTS:
        insert(tx, "accounts", organisation=id, code=code, name=account, type=type_)
    for type_, rate_name, rate in TAX_RATES:
        insert(tx, "tax_rates", organisation=id, type=type_, name=rate_name, rate=rate or USUAL_RATE.get(country, "0"))


def get(tx: sqlite3.Connection, id: str) -> sqlite3.Row | None:
    """One set of books, or None."""
    return tx.execute("SELECT * FROM organisations WHERE id = ?", (id,)).fetchone()


def all_of(tx: sqlite3.Connection) -> list[sqlite3.Row]:
    """Every set of books, the oldest first."""
    return tx.execute("SELECT * FROM organisations ORDER BY rowid").fetchall()


def lock(tx: sqlite3.Connection, id: str, day: date | None) -> None:
    """Close the books up to and including `day`; None opens them again."""
    update(tx, "organisations", id, lock_date=day.isoformat() if day else None)


def open_demo_books(tx: sqlite3.Connection) -> None:
    """The sets of books a fresh Ledgerly has: one for each seller of the demo."""
    if not all_of(tx):
        for id, name, currency, country, time_zone in DEMO_ORGANISATIONS:
            put(tx, id=id, name=name, currency=currency, country=country, time_zone=time_zone)


def tax_rates(tx: sqlite3.Connection, organisation: str) -> dict[str, Any]:
    """Tax types with their rows."""
    return {row["type"]: row for row in tx.execute("SELECT * FROM tax_rates WHERE organisation = ?", (organisation,))}


def accounts(tx: sqlite3.Connection, organisation: str) -> dict[str, Any]:
    """Account codes with their rows."""
    return {row["code"]: row for row in tx.execute("SELECT * FROM accounts WHERE organisation = ?", (organisation,))}
