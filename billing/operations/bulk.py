"""Many rows at once, through PostgreSQL's COPY: the way the bill run writes (performance is a property of the product)."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from django.db import connection, models

_SPECIAL = re.compile(r"[\\\t\n\r]")
_SAFE = frozenset((int, Decimal, date))  # their text never needs an escape
_ESCAPES = {"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"}


def new_ids(model: type[models.Model], count: int) -> list[int]:
    """`count` fresh primary keys of a table, in one statement."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval(pg_get_serial_sequence(%s, 'id')) FROM generate_series(1, %s)", [model._meta.db_table, count])
        return [row[0] for row in cursor.fetchall()]


def copy_in(model: type[models.Model], columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Append rows of text, numbers, dates, times, booleans, None and, for JSON columns, dicts and lists.

    Raises django.db.IntegrityError like any other write; a row that breaks a constraint fails all of them.
    """
    field = _field
    text = "".join(["\t".join([field(value) for value in row]) + "\n" for row in rows])
    names = ", ".join(f'"{column}"' for column in columns)
    statement = f'COPY "{model._meta.db_table}" ({names}) FROM STDIN'
    with connection.cursor() as cursor, connection.wrap_database_errors, cursor.copy(statement) as copy:
        copy.write(text)


def json_text(value: Any) -> str:
    """A JSON column's text, to be made once where many rows share it."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _field(value: Any) -> str:
    if value is None:
        return "\\N"
    kind = type(value)
    if kind in _SAFE:
        return str(value)
    text = value if kind is str else json_text(value) if isinstance(value, dict | list) else str(value)
    return _SPECIAL.sub(lambda found: _ESCAPES[found.group()], text) if _SPECIAL.search(text) else text
