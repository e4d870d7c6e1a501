"""The stand-in's books on disk: one SQLite file, every object as its JSON."""

from __future__ import annotations

import contextlib
import sqlite3
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from billing.adapters.accounting.exact_json import dumps, loads

SCHEMA = """
CREATE TABLE IF NOT EXISTS objects (entity TEXT NOT NULL, id INTEGER NOT NULL, body TEXT NOT NULL, PRIMARY KEY (entity, id));
CREATE TABLE IF NOT EXISTS replays (id TEXT PRIMARY KEY, status INTEGER NOT NULL, body TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS settings (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS faults (
  seq INTEGER PRIMARY KEY, kind TEXT NOT NULL, entity TEXT NOT NULL, act TEXT NOT NULL, remaining INTEGER NOT NULL, seconds REAL NOT NULL);
CREATE TABLE IF NOT EXISTS requests (
  seq INTEGER PRIMARY KEY, method TEXT NOT NULL, entity TEXT NOT NULL, act TEXT NOT NULL, request_id TEXT NOT NULL,
  status INTEGER NOT NULL);
"""

Row = dict[str, Any]


class Store:
    """Objects by entity and id. One request writes at a time, all of it or nothing."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._lock = threading.RLock()
        self._db = sqlite3.connect(folder / "quickbooks.sqlite3", isolation_level=None, check_same_thread=False)
        self._db.row_factory = sqlite3.Row
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.executescript(SCHEMA)

    def close(self) -> None:
        with self._lock:
            self._db.close()

    @contextlib.contextmanager
    def write(self) -> Iterator[sqlite3.Connection]:
        """One transaction; nested use joins the outer one."""
        with self._lock:
            if self._db.in_transaction:
                yield self._db
                return
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield self._db
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")

    # --- objects

    def rows(self, entity: str) -> list[Row]:
        """All of an entity, in the order of making."""
        with self._lock:
            return [loads(row["body"]) for row in self._db.execute("SELECT body FROM objects WHERE entity = ? ORDER BY id", (entity,))]

    def get(self, entity: str, id: str) -> Row | None:
        with self._lock:
            row = self._db.execute("SELECT body FROM objects WHERE entity = ? AND id = ?", (entity, id)).fetchone()
        return loads(row["body"]) if row else None

    def put(self, entity: str, body: Row) -> Row:
        """Keep an object: a new one gets an id, a known one its next SyncToken."""
        with self.write() as tx:
            if "Id" not in body:
                last = tx.execute("SELECT coalesce(max(id), 0) FROM objects").fetchone()[0]
                body = {**body, "Id": str(last + 1), "SyncToken": "0", "domain": "QBO"}
                body["MetaData"] = {"CreateTime": _moment()}
            else:
                body = {**body, "SyncToken": str(int(body["SyncToken"]) + 1)}
            body["MetaData"] = {**body["MetaData"], "LastUpdatedTime": _moment()}
            tx.execute("INSERT OR REPLACE INTO objects (entity, id, body) VALUES (?, ?, ?)", (entity, int(body["Id"]), dumps(body)))
        return body

    def remove(self, entity: str, id: str) -> None:
        with self.write() as tx:
            tx.execute("DELETE FROM objects WHERE entity = ? AND id = ?", (entity, id))

    # --- settings

    def setting(self, name: str, otherwise: str = "") -> str:
        with self._lock:
            row = self._db.execute("SELECT value FROM settings WHERE name = ?", (name,)).fetchone()
        return row["value"] if row else otherwise

    def set(self, name: str, value: str) -> None:
        with self.write() as tx:
            tx.execute("INSERT OR REPLACE INTO settings (name, value) VALUES (?, ?)", (name, value))

    # --- replays

    def replay(self, request_id: str) -> tuple[int, str] | None:
        with self._lock:
            row = self._db.execute("SELECT status, body FROM replays WHERE id = ?", (request_id,)).fetchone()
        return (row["status"], row["body"]) if row else None

    def remember(self, request_id: str, status: int, body: str) -> None:
        with self.write() as tx:
            tx.execute("INSERT OR REPLACE INTO replays (id, status, body) VALUES (?, ?, ?)", (request_id, status, body))

    def forget(self, request_id: str | None = None) -> None:
        """One key, or all."""
        with self.write() as tx:
            tx.execute("DELETE FROM replays WHERE ? IS NULL OR id = ?", (request_id, request_id))

    # --- faults and the log

    def switch_on(self, kind: str, *, times: int, entity: str, act: str, seconds: float) -> None:
        with self.write() as tx:
            row = (kind, entity.lower(), act, times, seconds)
            tx.execute("INSERT INTO faults (kind, entity, act, remaining, seconds) VALUES (?, ?, ?, ?, ?)", row)

    def take_fault(self, entity: str, act: str) -> tuple[str, float]:
        """The first fault that this request meets, counted down."""
        with self.write() as tx:
            for row in tx.execute("SELECT * FROM faults WHERE remaining > 0 ORDER BY seq").fetchall():
                right_act = row["act"] in ("*", act) or (row["act"] == "write" and act != "read")
                if right_act and row["entity"] in ("*", entity.lower()):
                    tx.execute("UPDATE faults SET remaining = remaining - 1 WHERE seq = ?", (row["seq"],))
                    return row["kind"], row["seconds"]
        return "", 0.0

    def live_faults(self) -> list[Row]:
        with self._lock:
            return [dict(row) for row in self._db.execute("SELECT * FROM faults WHERE remaining > 0 ORDER BY seq")]

    def clear_faults(self) -> None:
        with self.write() as tx:
            tx.execute("DELETE FROM faults")

    def log(self, method: str, entity: str, act: str, request_id: str, status: int) -> None:
        with self.write() as tx:
            row = (method, entity, act, request_id, status)
            tx.execute("INSERT INTO requests (method, entity, act, request_id, status) VALUES (?, ?, ?, ?, ?)", row)

    def requests(self) -> list[Row]:
        with self._lock:
            return [dict(row) for row in self._db.execute("SELECT * FROM requests ORDER BY seq")]


def _moment() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
