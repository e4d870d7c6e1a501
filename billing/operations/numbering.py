"""Gapless numbers per legal entity, series and year: a counter row, taken last before the document is written (M11, F79)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from django.db import connection

from billing.models import DocumentSeries, LegalEntity

PREFIXES = {"invoice": "INV", "credit_note": "CN"}

# One statement, so that the row is locked by the first who comes, even when the year's first two come together.
TAKE = """
INSERT INTO billing_documentseries (legal_entity_id, prefix, year, last) VALUES (%(entity)s, %(prefix)s, %(year)s, %(count)s)
ON CONFLICT (legal_entity_id, prefix, year) DO UPDATE SET last = billing_documentseries.last + excluded.last
RETURNING id, last
"""


@dataclass(frozen=True, slots=True)
class Block:
    """Numbers `first` to `last` of one series, taken by the present transaction; a rollback gives them back."""

    series: int
    first: int
    last: int
    words: str

    def number(self, sequence: int) -> str:
        """How one of them is written: INV-2026-00131."""
        return f"{self.words}-{sequence:05d}"


def take(entity: LegalEntity, kind: str, year: int, count: int) -> Block:
    """The next `count` numbers of a kind of document. Nobody else gets one of this series before the transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute(TAKE, {"entity": entity.pk, "prefix": PREFIXES[kind], "year": year, "count": count})
        series, last = cursor.fetchone()
    return Block(series, last - count + 1, last, f"{entity.number_prefix}{PREFIXES[kind]}-{year}")


def next_number(entity: LegalEntity, kind: str, issue_date: date) -> tuple[DocumentSeries, int, str]:
    """(series, sequence, number) for one document, by the year of its date."""
    block = take(entity, kind, issue_date.year, 1)
    series = DocumentSeries(pk=block.series, legal_entity=entity, prefix=PREFIXES[kind], year=issue_date.year, last=block.last)
    series._state.adding = False
    return series, block.last, block.number(block.last)
