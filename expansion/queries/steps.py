"""Deals whose recurring revenue moves by itself: a line of the contract begins or ends on a day that came since it was worked out last."""

from __future__ import annotations

from datetime import date

from django.db import connection

from billing.models import LegalEntity

# A line that begins with the contract, or ends with it, is no step.
STEPS = """
SELECT d.id, edge.day
  FROM expansion_deal d
  JOIN billing_contract c ON c.id = d.contract_id
  JOIN billing_contractline l ON l.contract_id = c.id AND l.removed_in_id IS NULL AND l.is_recurring
 CROSS JOIN LATERAL (VALUES (l.starts), (l.ends)) AS edge(day)
 WHERE d.is_open AND edge.day > coalesce(d.mrr_on, c.start) AND edge.day < c."end"
   AND (%(entity)s::bigint IS NULL OR c.legal_entity_id = %(entity)s)
"""
DUE = f"SELECT DISTINCT id FROM ({STEPS} AND edge.day <= %(on)s) AS step ORDER BY id"  # noqa: S608 - a constant of this file
FIRST = f"SELECT min(day) FROM ({STEPS}) AS step"  # noqa: S608


def with_steps(*, on: date, entity: LegalEntity | None = None) -> list[int]:
    """The open deals with a step by `on` that their recurring revenue does not know yet. One query."""
    return [row[0] for row in _rows(DUE, on, entity)]


def first_step(entity: LegalEntity | None = None) -> date | None:
    """The day of the next step of any open deal. One query."""
    found: date | None = _rows(FIRST, None, entity)[0][0]
    return found


def _rows(sql: str, on: date | None, entity: LegalEntity | None) -> list[tuple[date]]:
    known = {"entity": entity.pk if entity else None} | ({"on": on} if on else {})
    with connection.cursor() as cursor:
        cursor.execute(sql, known)
        return cursor.fetchall()
