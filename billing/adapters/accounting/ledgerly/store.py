"""Ledgerly's books on disk: one SQLite file in WAL mode.

Every change is committed before it is answered. `synchronous=NORMAL` keeps every committed row when the process is killed; only a power
cut may lose the last ones, which a demo and test server can afford.
"""

from __future__ import annotations

import contextlib
import queue
import re
import secrets
import sqlite3
import threading
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

SCHEMA = """
CREATE TABLE IF NOT EXISTS settings (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS organisations (
  id TEXT PRIMARY KEY, name TEXT NOT NULL, currency TEXT NOT NULL, country TEXT NOT NULL, time_zone TEXT NOT NULL, lock_date TEXT);
CREATE TABLE IF NOT EXISTS accounts (
  organisation TEXT NOT NULL, code TEXT NOT NULL, name TEXT NOT NULL, type TEXT NOT NULL, PRIMARY KEY (organisation, code));
CREATE TABLE IF NOT EXISTS tax_rates (
  organisation TEXT NOT NULL, type TEXT NOT NULL, name TEXT NOT NULL, rate TEXT NOT NULL, PRIMARY KEY (organisation, type));
CREATE TABLE IF NOT EXISTS contacts (
  seq INTEGER PRIMARY KEY, id TEXT UNIQUE NOT NULL, organisation TEXT NOT NULL, number TEXT NOT NULL, name TEXT NOT NULL,
  email TEXT NOT NULL, status TEXT NOT NULL, updated_at TEXT NOT NULL);
CREATE UNIQUE INDEX IF NOT EXISTS contact_number ON contacts (organisation, number) WHERE number <> '';
CREATE INDEX IF NOT EXISTS contact_name ON contacts (organisation, name COLLATE NOCASE);
CREATE TABLE IF NOT EXISTS documents (
  seq INTEGER PRIMARY KEY, id TEXT UNIQUE NOT NULL, organisation TEXT NOT NULL, kind TEXT NOT NULL, number TEXT NOT NULL,
  reference TEXT NOT NULL, status TEXT NOT NULL, contact_id TEXT NOT NULL, template_id TEXT, date TEXT NOT NULL, due_date TEXT,
  currency TEXT NOT NULL, amounts TEXT NOT NULL, lines TEXT NOT NULL, net TEXT NOT NULL, tax TEXT NOT NULL, total TEXT NOT NULL,
  updated_at TEXT NOT NULL);
CREATE UNIQUE INDEX IF NOT EXISTS document_number ON documents (organisation, kind, number) WHERE status <> 'DELETED';
CREATE UNIQUE INDEX IF NOT EXISTS document_once_per_template_and_date ON documents (template_id, date) WHERE template_id IS NOT NULL;
CREATE INDEX IF NOT EXISTS document_reference ON documents (organisation, reference);
CREATE TABLE IF NOT EXISTS templates (
  seq INTEGER PRIMARY KEY, id TEXT UNIQUE NOT NULL, organisation TEXT NOT NULL, reference TEXT NOT NULL, status TEXT NOT NULL,
  contact_id TEXT NOT NULL, currency TEXT NOT NULL, amounts TEXT NOT NULL, lines TEXT NOT NULL, net TEXT NOT NULL, tax TEXT NOT NULL,
  total TEXT NOT NULL, period INTEGER NOT NULL, unit TEXT NOT NULL, due INTEGER NOT NULL, due_type TEXT NOT NULL,
  start_date TEXT NOT NULL, next_date TEXT, end_date TEXT, updated_at TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS template_reference ON templates (organisation, reference);
CREATE INDEX IF NOT EXISTS template_due ON templates (next_date) WHERE status <> 'DELETED';
CREATE TABLE IF NOT EXISTS allocations (
  seq INTEGER PRIMARY KEY, id TEXT UNIQUE NOT NULL, note_id TEXT NOT NULL, invoice_id TEXT NOT NULL, amount TEXT NOT NULL,
  date TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS allocation_note ON allocations (note_id);
CREATE INDEX IF NOT EXISTS allocation_invoice ON allocations (invoice_id);
CREATE TABLE IF NOT EXISTS payments (
  seq INTEGER PRIMARY KEY, id TEXT UNIQUE NOT NULL, document_id TEXT NOT NULL, amount TEXT NOT NULL, date TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS payment_document ON payments (document_id);
CREATE TABLE IF NOT EXISTS keys (
  organisation TEXT NOT NULL, key TEXT NOT NULL, fingerprint TEXT NOT NULL, status INTEGER NOT NULL, body TEXT NOT NULL,
  PRIMARY KEY (organisation, key));
CREATE TABLE IF NOT EXISTS faults (
  seq INTEGER PRIMARY KEY, kind TEXT NOT NULL, method TEXT NOT NULL, path TEXT NOT NULL, times INTEGER NOT NULL, remaining INTEGER NOT NULL,
  seconds REAL NOT NULL);
CREATE TABLE IF NOT EXISTS requests (
  seq INTEGER PRIMARY KEY, at TEXT NOT NULL, organisation TEXT NOT NULL, method TEXT NOT NULL, path TEXT NOT NULL, query TEXT NOT NULL,
  key TEXT NOT NULL, about TEXT NOT NULL, fault TEXT NOT NULL, status INTEGER NOT NULL, outcome TEXT NOT NULL, effects INTEGER NOT NULL);
"""
TABLES = re.findall(r"CREATE TABLE IF NOT EXISTS (\w+)", SCHEMA)


def now() -> str:
    """The moment, for columns that say when a row was touched. Business dates come from Ledgerly's own clock instead."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


class Store:
    """Connections to one file. Readers run side by side; writers one after the other, each in one transaction."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.path = folder / "ledgerly.sqlite3"
        self._writer = threading.RLock()
        self._idle: queue.LifoQueue[sqlite3.Connection] = queue.LifoQueue()
        with self.write() as tx:
            for statement in SCHEMA.split(";"):
                tx.execute(statement)

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self.path, timeout=15, isolation_level=None, check_same_thread=False)
        connection.row_factory = sqlite3.Row
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=NORMAL")
        return connection

    @contextlib.contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        try:
            connection = self._idle.get_nowait()
        except queue.Empty:
            connection = self._connect()
        try:
            yield connection
        finally:
            self._idle.put(connection)

    @contextlib.contextmanager
    def _transaction(self, begin: str) -> Iterator[sqlite3.Connection]:
        with self._connection() as connection:
            connection.execute(begin)
            try:
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                connection.execute("ROLLBACK")
                raise

    @contextlib.contextmanager
    def read(self) -> Iterator[sqlite3.Connection]:
        """One consistent picture of the books."""
        with self._transaction("BEGIN") as tx:
            yield tx

    @contextlib.contextmanager
    def write(self) -> Iterator[sqlite3.Connection]:
        """One change of the books: committed when the block ends, undone when it raises."""
        with self._writer, self._transaction("BEGIN IMMEDIATE") as tx:
            yield tx

    def close(self) -> None:
        """Close every idle connection."""
        with contextlib.suppress(queue.Empty):
            while True:
                self._idle.get_nowait().close()


def insert(tx: sqlite3.Connection, table: str, **values: Any) -> None:
    """Insert one row. Table and column names are ours, never a request's."""
    columns = ", ".join(values)
    tx.execute(f"INSERT INTO {table} ({columns}) VALUES ({', '.join('?' * len(values))})", tuple(values.values()))  # noqa: S608


def update(tx: sqlite3.Connection, table: str, id: str, **values: Any) -> None:
    """Change one row by its id."""
    assignments = ", ".join(f"{column} = ?" for column in values)
    tx.execute(f"UPDATE {table} SET {assignments} WHERE id = ?", (*values.values(), id))  # noqa: S608


# --- numbers, ids, the clock -------------------------------------------------------------------------------------------

KINDS = {"contact": 1, "invoice": 2, "credit_note": 3, "template": 4, "allocation": 5, "payment": 6}


def next_id(tx: sqlite3.Connection, kind: str) -> str:
    """A new id: a UUID that ends in a running number, so that people and programs can call the thing by the same short name.

    Its middle is drawn anew with every reset, so that an id remembered from earlier books never means something else.
    """
    tx.execute("INSERT OR IGNORE INTO settings (name, value) VALUES ('books', ?)", (secrets.token_hex(3),))
    books = tx.execute("SELECT value FROM settings WHERE name = 'books'").fetchone()["value"]
    name = f"last {kind}" if kind in ("contact", "allocation", "payment") else "last document"
    row = tx.execute(
        "INSERT INTO settings (name, value) VALUES (?, '1') ON CONFLICT (name) DO UPDATE SET value = value + 1 RETURNING value", (name,)
    ).fetchone()
    return f"1ed9e719-00{KINDS[kind]:02d}-4{books[:3]}-8{books[3:]}-{int(row['value']):012d}"


def ledgerly_number(id: str) -> str:
    """What people call a document or template with this id in Ledgerly: LG-000131; nothing for an id that is not Ledgerly's."""
    return f"LG-{int(id[-12:]):06d}" if id[-12:].isdecimal() else ""


def business_date(tx: sqlite3.Connection) -> date:
    """Ledgerly's today: what its clock was last set to, else the calendar's."""
    row = tx.execute("SELECT value FROM settings WHERE name = 'date'").fetchone()
    return date.fromisoformat(row["value"]) if row else datetime.now(UTC).date()


def set_business_date(tx: sqlite3.Connection, day: date) -> None:
    """Set the clock; making the invoices that become due is the schedule's work."""
    tx.execute("INSERT INTO settings VALUES ('date', ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value", (day.isoformat(),))
