"""The rules of the books, asserted: at the end of every story, or again after every step of one."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

from django.db import connection

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
        for rule in ALL:
            counts, statements = self._seen.get(rule, ({}, []))
            if statements and (all(now[table] == count for table, count in counts.items()) or all(map(_answers_the_same, statements))):
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


# A statement, its parameters, and what the database answered, as it came over the wire.
Asked = tuple[str, Any, list[tuple[bytes | None, ...]]]


@contextmanager
def statements_made() -> Iterator[list[Asked]]:
    """Every statement inside with its answer."""
    made: list[Asked] = []

    def note(execute, sql, params, many, context):
        done = execute(sql, params, many, context)
        cursor = context["cursor"].cursor
        # A cursor on the server's side has not fetched anything yet, and several statements in one have several answers.
        is_plain = not hasattr(cursor, "scrollable") and ";" not in sql
        made.append((sql, params, _rows(cursor.pgresult) if is_plain else _answer(sql, params)))
        return done

    with connection.execute_wrapper(note):
        yield made


def words_of(statements: list[Asked]) -> frozenset[str]:
    """Every word of these statements, and so the name of every table that they read."""
    return frozenset().union(*(_words(sql) for sql, _, _ in statements))


def _answers_the_same(asked: Asked) -> bool:
    sql, params, answer = asked
    return _answer(sql, params) == answer


def _answer(sql: str, params: Any) -> list[tuple[bytes | None, ...]]:
    cursor = connection.connection.execute(sql, params)
    rows = _rows(cursor.pgresult)
    while cursor.nextset():
        rows += _rows(cursor.pgresult)
    return rows


def _rows(result: Any) -> list[tuple[bytes | None, ...]]:
    columns = range(result.nfields)
    return [tuple(result.get_value(row, column) for column in columns) for row in range(result.ntuples)]


@lru_cache(maxsize=2000)
def _words(sql: str) -> frozenset[str]:
    return frozenset(WORD.findall(sql))


def _said(found: list[Broken]) -> str:
    return "\n".join(f"{row.code} {row.subject}: {row.words}" for row in found)
