"""What the stand-in keeps, in one SQLite file: messages, whispers, open forms and the faults that are switched on."""

from __future__ import annotations

import json
import sqlite3
import threading
from pathlib import Path
from typing import Any

_TABLES = """
CREATE TABLE IF NOT EXISTS messages (seq INTEGER PRIMARY KEY, channel TEXT, body TEXT, edits INTEGER NOT NULL DEFAULT 0);
CREATE TABLE IF NOT EXISTS whispers (seq INTEGER PRIMARY KEY, channel TEXT, member TEXT, text TEXT);
CREATE TABLE IF NOT EXISTS forms (trigger TEXT PRIMARY KEY, member TEXT, pressed REAL, view TEXT NOT NULL DEFAULT '');
CREATE TABLE IF NOT EXISTS faults (seq INTEGER PRIMARY KEY, kind TEXT, method TEXT, remaining INTEGER, seconds REAL);
"""


class Store:
    """One folder. Every write is committed before the answer leaves."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._db = sqlite3.connect(folder / "slack.sqlite", check_same_thread=False, isolation_level=None)
        self._db.executescript(_TABLES)
        self._lock = threading.Lock()

    def close(self) -> None:
        self._db.close()

    def post(self, channel: str, body: dict[str, Any]) -> str:
        """Keep a message; answers its time stamp, `<seconds>.<number>`."""
        seq = self._write("INSERT INTO messages (channel, body) VALUES (?, ?)", channel, json.dumps(body))
        return f"1700000000.{seq:06d}"

    def edit(self, channel: str, ts: str, body: dict[str, Any]) -> bool:
        """Replace the words of a message; False when there is none."""
        number = ts.partition(".")[2]
        if not number.isdecimal():
            return False
        statement = "UPDATE messages SET body = ?, edits = edits + 1 WHERE channel = ? AND seq = ?"
        with self._lock:
            return self._db.execute(statement, (json.dumps(body), channel, int(number))).rowcount == 1

    def messages(self, channel: str = "") -> list[dict[str, Any]]:
        """Newest first, with ts, channel and how often they were edited."""
        rows = self._read("SELECT seq, channel, body, edits FROM messages WHERE ? IN ('', channel) ORDER BY seq DESC", channel)
        return [{**json.loads(body), "ts": f"1700000000.{seq:06d}", "channel": where, "edits": edits} for seq, where, body, edits in rows]

    def whisper(self, channel: str, member: str, text: str) -> None:
        self._write("INSERT INTO whispers (channel, member, text) VALUES (?, ?, ?)", channel, member, text)

    def whispers(self) -> list[dict[str, str]]:
        """Newest first."""
        rows = self._read("SELECT channel, member, text FROM whispers ORDER BY seq DESC")
        return [{"channel": channel, "member": member, "text": text} for channel, member, text in rows]

    def pressed(self, trigger: str, member: str, at: float) -> None:
        self._write("INSERT INTO forms (trigger, member, pressed) VALUES (?, ?, ?)", trigger, member, at)

    def open_form(self, trigger: str, view: dict[str, Any], now: float) -> str:
        """Keep the form of this press; answers Slack's word for what is wrong, "" when it is open. A trigger lives three seconds."""
        with self._lock:
            row = self._db.execute("SELECT pressed, view FROM forms WHERE trigger = ?", (trigger,)).fetchone()
            if row is None:
                return "invalid_trigger_id"
            if row[1]:
                return "exchanged_trigger_id"
            if now - row[0] > 3:
                return "expired_trigger_id"
            self._db.execute("UPDATE forms SET view = ? WHERE trigger = ?", (json.dumps(view), trigger))
            return ""

    def form(self, trigger: str) -> tuple[str, dict[str, Any] | None]:
        """Who pressed, and the form they see; None while it is not open."""
        rows = self._read("SELECT member, view FROM forms WHERE trigger = ?", trigger)
        return (rows[0][0], json.loads(rows[0][1]) if rows[0][1] else None) if rows else ("", None)

    def replace_form(self, trigger: str, view: dict[str, Any]) -> None:
        self._write("UPDATE forms SET view = ? WHERE trigger = ?", json.dumps(view), trigger)

    def switch_on(self, kind: str, method: str = "*", times: int = 1, seconds: float = 1) -> None:
        """Let the next `times` calls of `method` (e.g. chat.postMessage) fail; kinds are in server.FAULTS."""
        self._write("INSERT INTO faults (kind, method, remaining, seconds) VALUES (?, ?, ?, ?)", kind, method, times, seconds)

    def take_fault(self, method: str) -> tuple[str, float] | None:
        """The first fault that hits this call, counted down."""
        with self._lock:
            row = self._db.execute(
                "SELECT seq, kind, seconds FROM faults WHERE remaining > 0 AND method IN ('*', ?) ORDER BY seq LIMIT 1", (method,)
            ).fetchone()
            if row is None:
                return None
            self._db.execute("UPDATE faults SET remaining = remaining - 1 WHERE seq = ?", (row[0],))
            return row[1], row[2]

    def _write(self, statement: str, *values: Any) -> int:
        with self._lock:
            return int(self._db.execute(statement, values).lastrowid or 0)

    def _read(self, statement: str, *values: Any) -> list[Any]:
        with self._lock:
            return self._db.execute(statement, values).fetchall()
