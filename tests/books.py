"""The rules of the books, asserted: at the end of every story, or again after every step of one."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache

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
    """All rules of the books, asked again and again in one transaction, each only when a table that it read has been written since.

    A rule is a function of the rows it reads, so that with the same rows it says the same; nothing has to be declared. `asked` counts
    how often each rule was really asked. To be made anew when the transaction, or the savepoint that frames a story, is taken back.
    """

    def __init__(self):
        self.asked = dict.fromkeys(ALL, 0)
        self._seen = {}

    def assert_books_hold(self):
        """What `assert_books_hold` asserts."""
        found = self.broken()
        assert not found, _said(found)

    def broken(self) -> list[Broken]:
        """Every row that breaks a rule. A rule that was broken is asked again the next time."""
        now, found = written(), []
        for rule in ALL:
            before = self._seen.get(rule)
            if before is None or any(now[table] != count for table, count in before.items()):
                self.asked[rule] += 1
                with words_said() as words:
                    said = rule.broken()
                found += said
                self._seen[rule] = None if said else {table: now[table] for table in words & now.keys()}
        return found


def written() -> dict[str, int]:
    """How many rows of each table this transaction has written so far."""
    with connection.cursor() as cursor:
        cursor.execute(WRITTEN)
        return dict(cursor.fetchall())


@contextmanager
def words_said() -> Iterator[set[str]]:
    """Every word of every statement inside, and so the name of every table that it reads."""
    words: set[str] = set()

    def note(execute, sql, params, many, context):
        words.update(_words(sql))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(note):
        yield words


@lru_cache(maxsize=2000)
def _words(sql: str) -> frozenset[str]:
    return frozenset(WORD.findall(sql))


def _said(found: list[Broken]) -> str:
    return "\n".join(f"{row.code} {row.subject}: {row.words}" for row in found)
