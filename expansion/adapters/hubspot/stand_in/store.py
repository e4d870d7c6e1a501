"""What the stand-in keeps, in one SQLite file: records and their links, events that wait to be sent, calls, writes and faults."""

from __future__ import annotations

import json
import sqlite3
import threading
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

_TABLES = """
CREATE TABLE IF NOT EXISTS records (
    id INTEGER PRIMARY KEY, kind TEXT, body TEXT, modified INTEGER, archived INTEGER NOT NULL DEFAULT 0, merged_into INTEGER
);
CREATE TABLE IF NOT EXISTS links (child INTEGER, parent INTEGER, PRIMARY KEY (child, parent));
CREATE TABLE IF NOT EXISTS events (seq INTEGER PRIMARY KEY, body TEXT, sent INTEGER NOT NULL DEFAULT 0);
CREATE TABLE IF NOT EXISTS calls (seq INTEGER PRIMARY KEY, method TEXT, path TEXT);
CREATE TABLE IF NOT EXISTS writes (seq INTEGER PRIMARY KEY, record INTEGER, name TEXT, value TEXT);
CREATE TABLE IF NOT EXISTS faults (seq INTEGER PRIMARY KEY, kind TEXT, path TEXT, remaining INTEGER, seconds REAL, words TEXT);
"""
FIRST_ID = 9_000_001


class Store:
    """One folder. Every write is committed before the answer leaves."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._db = sqlite3.connect(folder / "hubspot.sqlite", check_same_thread=False, isolation_level=None)
        self._db.executescript(_TABLES)
        self._lock = threading.RLock()

    def close(self) -> None:
        self._db.close()

    # --- records

    def make(self, kind: str, properties: Mapping[str, str], parent: str = "") -> str:
        """A new record (deals, line_items, companies), linked to `parent` when given; answers its id."""
        with self._lock:
            last = self._read("SELECT max(id) FROM records")[0][0] or FIRST_ID - 1
            self._write("INSERT INTO records (id, kind, body, modified) VALUES (?, ?, ?, ?)", last + 1, kind, "{}", self._tick())
            self.change(str(last + 1), properties)
            if parent:
                self._write("INSERT INTO links VALUES (?, ?)", last + 1, int(parent))
            return str(last + 1)

    def change(self, record_id: str, properties: Mapping[str, str]) -> list[str]:
        """Set properties; answers the names of those that are different now."""
        with self._lock:
            body = json.loads(self._read("SELECT body FROM records WHERE id = ?", int(record_id))[0][0])
            moved = [name for name, value in properties.items() if body.get(name, "") != str(value)]
            if moved:
                body |= {name: str(properties[name]) for name in moved}
                self._write("UPDATE records SET body = ?, modified = ? WHERE id = ?", json.dumps(body), self._tick(), int(record_id))
            return moved

    def archive(self, record_id: str, archived: bool = True) -> None:
        self._write("UPDATE records SET archived = ?, modified = ? WHERE id = ?", int(archived), self._tick(), int(record_id))

    def merge(self, loser: str, into: str) -> None:
        """`loser` answers with `into` from now on."""
        self._write("UPDATE records SET merged_into = ? WHERE id = ?", int(into), int(loser))

    def unlink(self, child: str) -> None:
        self._write("DELETE FROM links WHERE child = ?", int(child))

    def link(self, child: str, parent: str) -> None:
        self._write("INSERT OR IGNORE INTO links VALUES (?, ?)", int(child), int(parent))

    def record(self, kind: str, record_id: str, *, archived: bool = False) -> dict[str, Any] | None:
        """As HubSpot writes it; None when there is none of this kind (or, without `archived`, none that lives)."""
        if not record_id.isdecimal():
            return None
        rows = self._read("SELECT id, body, modified, archived, merged_into FROM records WHERE kind = ? AND id = ?", kind, int(record_id))
        if not rows:
            return None
        number, body, modified, is_archived, merged_into = rows[0]
        if merged_into:
            return self.record(kind, str(merged_into), archived=archived)
        if bool(is_archived) != archived:
            return None
        properties = {**json.loads(body), "hs_lastmodifieddate": _iso(modified), "hs_object_id": str(number)}
        return {"id": str(number), "properties": properties, "archived": archived, "updatedAt": _iso(modified)}

    def children(self, kind: str, parent: str) -> list[str]:
        rows = self._read(
            "SELECT id FROM links JOIN records ON id = child WHERE kind = ? AND parent = ? AND NOT archived ORDER BY id", kind, int(parent)
        )
        return [str(row[0]) for row in rows]

    def parents(self, child: str) -> list[str]:
        return [str(row[0]) for row in self._read("SELECT parent FROM links WHERE child = ?", int(child))]

    def by_property(self, kind: str, name: str, value: str) -> str | None:
        """The id of the living record with this value; None when there is none."""
        rows = self._read("SELECT id, body FROM records WHERE kind = ? AND NOT archived", kind)
        return next((str(number) for number, body in rows if json.loads(body).get(name) == value), None)

    def modified_since(self, kind: str, since_ms: int) -> list[str]:
        """Ids, earliest first."""
        rows = self._read(
            "SELECT id FROM records WHERE kind = ? AND NOT archived AND merged_into IS NULL AND modified >= ? ORDER BY modified",
            kind,
            since_ms,
        )
        return [str(row[0]) for row in rows]

    def ids(self, kind: str) -> list[tuple[str, bool]]:
        """(id, is archived), newest first."""
        rows = self._read("SELECT id, archived FROM records WHERE kind = ? AND merged_into IS NULL ORDER BY id DESC", kind)
        return [(str(number), bool(archived)) for number, archived in rows]

    # --- events

    def happened(self, event: Mapping[str, Any]) -> None:
        """Keep an event to be sent; it gets its ids and its moment here."""
        with self._lock:
            seq = self._write("INSERT INTO events (body) VALUES ('')")
            whole = {"eventId": 1000 + seq % 7, "subscriptionId": 1, "portalId": 4711, "appId": 1, "occurredAt": self._tick(), **event}
            self._write("UPDATE events SET body = ? WHERE seq = ?", json.dumps(whole), seq)

    def take_events(self) -> list[dict[str, Any]]:
        """Those not sent yet, in their order; they count as sent."""
        with self._lock:
            rows = self._read("SELECT seq, body FROM events WHERE NOT sent ORDER BY seq")
            self._write("UPDATE events SET sent = 1")
            return [json.loads(body) for _, body in rows]

    # --- what was asked and written through the API

    def called(self, method: str, path: str) -> None:
        self._write("INSERT INTO calls (method, path) VALUES (?, ?)", method, path)

    def calls(self, part: str = "") -> list[str]:
        """`METHOD path` of every call whose path holds `part`, in order."""
        rows = self._read("SELECT method, path FROM calls ORDER BY seq")
        return [f"{method} {path}" for method, path in rows if part in path]

    def wrote(self, record_id: str, properties: Mapping[str, str]) -> None:
        for name, value in properties.items():
            self._write("INSERT INTO writes (record, name, value) VALUES (?, ?, ?)", int(record_id), name, str(value))

    def writes(self, record_id: str) -> list[tuple[str, str]]:
        """(property, value) of every write through the API, whether it changed anything or not."""
        return [(name, value) for name, value in self._read("SELECT name, value FROM writes WHERE record = ? ORDER BY seq", int(record_id))]

    # --- faults

    def switch_on(self, kind: str, path: str = "", times: int = 1, seconds: float = 1, words: str = "") -> None:
        """Let the next `times` calls whose path holds `path` fail; kinds are in server.FAULTS."""
        self._write("INSERT INTO faults (kind, path, remaining, seconds, words) VALUES (?, ?, ?, ?, ?)", kind, path, times, seconds, words)

    def take_fault(self, path: str) -> tuple[str, float, str] | None:
        """The first fault that hits this call, counted down."""
        with self._lock:
            rows = self._read("SELECT seq, kind, path, seconds, words FROM faults WHERE remaining > 0 ORDER BY seq")
            hit = next((row for row in rows if row[2] in path), None)
            if hit is None:
                return None
            self._write("UPDATE faults SET remaining = remaining - 1 WHERE seq = ?", hit[0])
            return hit[1], hit[3], hit[4]

    def _tick(self) -> int:
        """Milliseconds, never twice the same."""
        with self._lock:
            self._last = max(int(time.time() * 1000), getattr(self, "_last", 0) + 1)
            return self._last

    def _write(self, statement: str, *values: Any) -> int:
        with self._lock:
            return int(self._db.execute(statement, values).lastrowid or 0)

    def _read(self, statement: str, *values: Any) -> list[Any]:
        with self._lock:
            return self._db.execute(statement, values).fetchall()


def _iso(milliseconds: int) -> str:
    return datetime.fromtimestamp(milliseconds / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
