"""The rules of the books, asserted: at the end of every story, or again after every step of one."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache, lru_cache
from typing import Any, NamedTuple

from django.db import connection
from psycopg.pq import ExecStatus

from expansion.queries.invariants import ALL, Broken, broken

WORD = re.compile(r"\w+")
# Rows written to each table in this transaction, by whatever means: SQL, COPY, triggers; what a savepoint took back counts as well.
WRITTEN = """
SELECT relname, pg_stat_get_xact_tuples_inserted(oid) + pg_stat_get_xact_tuples_updated(oid) + pg_stat_get_xact_tuples_deleted(oid)
  FROM pg_class WHERE relkind IN ('r', 'p') AND (relnamespace = 'public'::regnamespace OR oid = 'pg_trigger'::regclass)
"""


def assert_books_hold(*only):
    """Every invariant that rows can show (M01 to M30) holds; the rows that break one are named."""
    found = broken(only)
    assert not found, _said(found)


class Watch:
    """All rules of the books, asked again and again in one transaction, each only when rows that it read have changed since.

    A rule is a function of the answers to its statements, so that with the same answers it says the same; nothing has to be declared.
    Where a table that it read was written, its statements are made again as they were; only when one answers otherwise the rule is asked.
    `asked` counts how often each rule was really asked. To be made anew when the transaction, or the savepoint that frames a story, is
    taken back.
    """

    def __init__(self):
        self.asked = dict.fromkeys(ALL, 0)
        self._seen: dict[Any, tuple[dict[str, int], list[Asked]]] = {}

    def assert_books_hold(self):
        """What `assert_books_hold` asserts."""
        found = self.broken()
        assert not found, _said(found)

    def broken(self) -> list[Broken]:
        """Every row that breaks a rule. A rule that was broken is asked again the next time."""
        now, found = written(), []
        answer = cache(_answer)  # nothing is written while the rules are asked: what one has read is not fetched again for the next
        for rule in ALL:
            counts, statements = self._seen.get(rule, ({}, []))
            if statements and (
                all(now[table] == count for table, count in counts.items()) or all(answer(one.text) == one.answer for one in statements)
            ):
                self._seen[rule] = ({table: now[table] for table in counts}, statements)
                continue
            self.asked[rule] += 1
            with statements_made() as statements:
                said = rule.broken()
            found += said
            self._seen[rule] = ({}, []) if said else ({table: now[table] for table in words_of(statements) & now.keys()}, statements)
        return found


def written() -> dict[str, int]:
    """How many rows of each table this transaction has written so far."""
    with connection.cursor() as cursor:
        cursor.execute(WRITTEN)
        return dict(cursor.fetchall())


Rows = list[tuple[bytes | None, ...]]


class Asked(NamedTuple):
    """A statement with its table names readable, the same with its parameters filled in, and what the database answered over the wire."""

    sql: str
    text: bytes
    answer: Rows


@contextmanager
def statements_made() -> Iterator[list[Asked]]:
    """Every statement inside with its answer."""
    made: list[Asked] = []

    def note(execute, sql, params, many, context):
        done = execute(sql, params, many, context)
        cursor = context["cursor"].cursor
        text = connection.connection.cursor().mogrify(sql, params).encode()
        # A cursor on the server's side has not fetched anything yet, and several statements in one have several answers.
        is_plain = not hasattr(cursor, "scrollable") and ";" not in sql
        made.append(Asked(sql, text, _rows(cursor.pgresult) if is_plain else _answer(text)))
        return done

    with connection.execute_wrapper(note), fetched_at_once():
        yield made


@contextmanager
def fetched_at_once() -> Iterator[None]:
    """Long readings are no cursors on the server's side meanwhile: the same rows, in one message instead of four."""
    settings = connection.settings_dict
    before = settings.get("DISABLE_SERVER_SIDE_CURSORS")
    settings["DISABLE_SERVER_SIDE_CURSORS"] = True
    try:
        yield
    finally:
        settings["DISABLE_SERVER_SIDE_CURSORS"] = before


def words_of(statements: list[Asked]) -> frozenset[str]:
    """Every word of these statements, and so the name of every table that they read."""
    return frozenset().union(*(_words(one.sql) for one in statements))


def _answer(text: bytes) -> Rows:
    """What the last statement of `text` answers now."""
    result = connection.connection.pgconn.exec_(text)
    assert result.status == ExecStatus.TUPLES_OK, (result.error_message, text)
    return _rows(result)


def _rows(result: Any) -> Rows:
    columns = range(result.nfields)
    return [tuple(result.get_value(row, column) for column in columns) for row in range(result.ntuples)]


@lru_cache(maxsize=2000)
def _words(sql: str) -> frozenset[str]:
    return frozenset(WORD.findall(sql))


def _said(found: list[Broken]) -> str:
    return "\n".join(f"{row.code} {row.subject}: {row.words}" for row in found)
