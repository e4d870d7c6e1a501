"""Empties the database after a test that committed: the rows are deleted, where Django's own way makes every file of every table anew.

What stands afterwards is what `manage.py flush` leaves, at a tenth of its time: the first such test of a run is flushed, and what that
leaves is compared from then on. Where this does not do, it is flushed: a large table, a database account that may not switch triggers
off, a test that asks for more or that wrote to a table which stays.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from django.db import OperationalError, connection, transaction
from django.test import TransactionTestCase

from tests import kept

LARGE = 4_000_000  # bytes; deleting leaves dead rows behind, and of many of them the next tests would know
TIMES = 5
LARGEST = "SELECT max(pg_relation_size(oid)) FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"

_flush = TransactionTestCase._fixture_teardown
_left: dict[str, str] = {}  # by database: what a flush leaves of the tables in kept.ALWAYS


def empty(test: Any) -> None:
    """In the place of TransactionTestCase._fixture_teardown."""
    more = test.available_apps is not None or test.reset_sequences or test.serialized_rollback or len(test._databases_names()) > 1
    name = connection.settings_dict["NAME"]
    if not more and _left.get(name) and _deleted(_left[name]):
        return
    _flush(test)
    if kept.may_switch_triggers():
        _left[name] = _digest()


def _deleted(expected: str) -> bool:
    """Whether all is as after a flush now. A request of the test may still be writing; it is waited for, and may be in each other's way."""
    for attempt in range(TIMES):
        try:
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute(f"LOCK TABLE {_all()} IN EXCLUSIVE MODE")
                cursor.execute(LARGEST)
                if cursor.fetchone()[0] > LARGE or _digest() != expected:
                    return False
                cursor.execute("SET LOCAL session_replication_role = replica")
                for table in kept.filled_tables() - kept.ALWAYS:
                    cursor.execute(f'DELETE FROM "{table}"')
            return True
        except OperationalError:
            if attempt == TIMES - 1:
                raise
    return False


@cache
def _all() -> str:
    return ", ".join(f'"{name}"' for name in kept.tables(connection.settings_dict["NAME"]))


def _digest() -> str:
    asked = (f"SELECT coalesce(md5(string_agg(t::text, '|' ORDER BY t::text)), '') FROM \"{name}\" t" for name in sorted(kept.ALWAYS))
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(asked))
        return " ".join(row[0] for row in cursor.fetchall())
