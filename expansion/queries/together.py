"""Several numbers in one statement: what a page counts for its tabs and tiles need not be one round trip each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import QuerySet


def in_one_statement(*, counts: Mapping[str, QuerySet[Any]], firsts: Mapping[str, QuerySet[Any]] | None = None) -> dict[str, Any]:
    """How many rows each queryset of `counts` has, and the one value each `values_list` of `firsts` begins with (None without a row).

    A sliced queryset counts no further than its slice. One query.
    """
    parts: list[str] = []
    values: list[Any] = []
    for rows in counts.values():
        sql, parameters = _sql(rows.order_by().values("pk") if not rows.query.is_sliced else rows.values("pk"))
        parts.append(f"(SELECT count(*) FROM ({sql}) AS rows)" if sql else "0")  # noqa: S608 - values are parameters
        values.extend(parameters)
    for rows in (firsts or {}).values():
        sql, parameters = _sql(rows[:1])
        parts.append(f"({sql})" if sql else "NULL")
        values.extend(parameters)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {', '.join(parts)}", values)
        return dict(zip((*counts, *(firsts or {})), cursor.fetchone(), strict=True))


def _sql(rows: QuerySet[Any]) -> tuple[str, tuple[Any, ...]]:
    """The statement and its parameters; nothing for a queryset that cannot have a row."""
    try:
        return rows.query.sql_with_params()
    except EmptyResultSet:
        return "", ()
