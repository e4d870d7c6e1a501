"""Faults on request: the next N matching requests go wrong in a chosen way, so that people and tests can watch dealops cope."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from fnmatch import fnmatchcase

from billing.adapters.accounting.ledgerly.store import Store

# kind -> (title, what happens); the order is the panel's.
KINDS = {
    "drop_after_commit": ("Drop the answer", "The books are written, then the connection closes without an answer."),
    "drop_before": ("Drop the request", "The connection closes before anything is written."),
    "500_after_commit": ("500 after commit", "The books are written, the answer is an internal error."),
    "500_before": ("500 before commit", "Nothing is written, the answer is an internal error."),
    "429": ("429 Too many requests", "Nothing is written; Retry-After says how many seconds to wait."),
    "maintenance": ("503 Maintenance", "Nothing is written; Retry-After says how many seconds to wait."),
    "slow": ("Slow", "Waits that many seconds, then does its work."),
    "hang": ("No answer", "Nothing is written, and for that many seconds nothing is answered."),
    "partial_batch": ("Partial batch", "Of a request with several elements every second one is refused, the others are written."),
    "short_answer": ("Short answer", "All elements of a request are written, the answer leaves every second one out."),
    "malformed_json": ("Malformed JSON", "The books are written, the answer is not JSON."),
    "truncate_body": ("Truncated answer", "The books are written, the answer breaks off halfway."),
    "huge_body": ("Huge answer", "The books are written, the answer is padded to 20 MB."),
    "forget_keys": ("Forget idempotency keys", "Every key is forgotten before the request is looked at."),
    "key_expired": ("Idempotency key expired", "The key of this request is forgotten before it is looked at."),
    "period_locked": ("Period locked", "Every document date counts as closed."),
    "penny": ("A penny off", "Arrives at one minor unit more tax."),
    "unauthorised": ("401 Token refused", "The token is not accepted, this once."),
    "rotated_token": ("Token rotated", "The token that was shown is not accepted any more, until the faults are cleared."),
}
SECONDS = {"slow": 5.0, "hang": 60.0, "429": 3.0, "maintenance": 30.0}


class BadFault(Exception):
    """The fault asked for does not exist or makes no sense."""


@dataclass(frozen=True)
class Fault:
    """One fault that hits one request. `seconds` is the wait of `slow` and the Retry-After of 429 and maintenance."""

    kind: str
    seconds: float = 0


def switch_on(
    tx: sqlite3.Connection, *, kind: str, times: int = 1, method: str = "write", path: str = "*", seconds: float | None = None
) -> None:
    """Let the next `times` requests fail. `method` is a verb, `write` for all but GET, or `*`; `path` a pattern below /api.xro/2.0."""
    if kind not in KINDS:
        raise BadFault(f"There is no fault {kind!r}. Choose one of {', '.join(KINDS)}.")
    if not 1 <= times <= 1_000_000:
        raise BadFault("How many requests: give a number from 1 to 1000000.")
    wait = SECONDS.get(kind, 0.0) if seconds is None else seconds
    if not 0 <= wait <= 3600:
        raise BadFault("Seconds must be between 0 and 3600.")
    tx.execute(
        "INSERT INTO faults (kind, method, path, times, remaining, seconds) VALUES (?, ?, ?, ?, ?, ?)",
        (kind, method if method in ("write", "*") else method.upper(), path or "*", times, times, wait),
    )


def clear(tx: sqlite3.Connection) -> None:
    """Switch every fault off."""
    tx.execute("DELETE FROM faults")
    tx.execute("DELETE FROM settings WHERE name = 'rotated_token'")


def rotate(store: Store, token: str) -> None:
    """From now on `token` is an old one."""
    with store.write() as tx:
        tx.execute("INSERT OR REPLACE INTO settings (name, value) VALUES ('rotated_token', ?)", (token,))


def is_rotated(tx: sqlite3.Connection, token: str) -> bool:
    """Whether `token` was replaced by another one."""
    row = tx.execute("SELECT value FROM settings WHERE name = 'rotated_token'").fetchone()
    return row is not None and row["value"] == token


def live(tx: sqlite3.Connection) -> list[sqlite3.Row]:
    """The faults that still have requests to hit."""
    return tx.execute("SELECT * FROM faults WHERE remaining > 0 ORDER BY seq").fetchall()


def _matches(row: sqlite3.Row, method: str, path: str) -> bool:
    wanted = row["method"]
    return (wanted == "*" or (wanted == "write" and method != "GET") or wanted == method) and fnmatchcase(path, row["path"])


def take(store: Store, method: str, path: str) -> Fault | None:
    """The first live fault that matches this request, counted down; None when it may pass."""
    with store.read() as tx:
        if not live(tx):
            return None
    with store.write() as tx:
        for row in live(tx):
            if _matches(row, method, path):
                tx.execute("UPDATE faults SET remaining = remaining - 1 WHERE seq = ?", (row["seq"],))
                return Fault(row["kind"], row["seconds"])
    return None
