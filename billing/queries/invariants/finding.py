"""What a check of the books says: which rule is broken, by which row, in words."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection


@dataclass(frozen=True, slots=True)
class Broken:
    """One row that breaks one rule; `subject` is its permalink, e.g. document:INV-2026-00131."""

    code: str
    subject: str
    words: str


@dataclass(frozen=True, slots=True)
class Invariant:
    """A rule of the books (M01 to M30) with the function that yields (subject, words) for every row that breaks it."""

    code: str
    title: str
    find: Callable[[], Iterable[tuple[str, str]]]

    def broken(self) -> list[Broken]:
        """Every row that breaks it."""
        return [Broken(self.code, subject, words) for subject, words in self.find()]


def rows(sql: str, known: Sequence[Any] | dict[str, Any] = ()) -> list[tuple[Any, ...]]:
    """What a query answers."""
    with connection.cursor() as cursor:
        cursor.execute(sql, known or None)
        found: list[tuple[Any, ...]] = cursor.fetchall()
        return found
