"""Tells the database on whose behalf a row is written, where its former rows are kept. `dealops.audit.context` is the one source of it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from functools import cache
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper

from dealops.audit import context
from dealops.audit.history import KEPT

# pghistory's triggers read this setting; it ends with the transaction, and with the statement where there is none.
_SET = "SELECT set_config('pghistory.context_metadata', '{}', true)"
_WRITES = re.compile(r"(?:\s|--[^\n]*\n)*(?:insert|update|delete|merge|with|do)\b", re.IGNORECASE)


def tell(execute: Callable[..., Any], sql: Any, given: Any, many: bool, about: dict[str, Any]) -> Any:
    """Around every statement of a connection: one that writes rows whose history is kept says through which door and for whom.

    It travels in front of the statement, in the same message: no way to forget it after a rollback, and no round trip more.
    """
    if isinstance(sql, str) and not many:
        if not _matters(sql) or getattr(about["cursor"], "name", None):
            return execute(sql, given, many, about)
        told = _SET.format(_door())
        answer = execute(f"{told.replace('%', '%%') if given is not None else told}; {sql}", given, many, about)
        while answer is not None and answer.nextset():
            pass
        return answer
    if about["connection"].in_atomic_block:
        about["cursor"].cursor.execute(_SET.format(_door()))
    return execute(sql, given, many, about)


def listen(connection: BaseDatabaseWrapper, **_: Any) -> None:
    """For Django's signal of a new connection. In front of the others: those come and go like a stack."""
    if tell not in connection.execute_wrappers:
        connection.execute_wrappers.insert(0, tell)


def _matters(sql: str) -> bool:
    return _WRITES.match(sql) is not None and any(table in sql for table in _tables())


@cache
def _tables() -> tuple[str, ...]:
    return tuple(kept.pgh_tracked_model._meta.db_table for kept in KEPT)


def _door() -> str:
    """The door as JSON inside an SQL text. ASCII, so that only the quote needs care."""
    door = context.current()
    facts = {"via": door.via, "request": door.request_id, "by": door.by}
    return json.dumps({name: value for name, value in facts.items() if value}).replace("'", "''")
