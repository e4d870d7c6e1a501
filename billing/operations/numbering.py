"""Gapless numbers per legal entity, series and year: a counter row, locked last before the document is written (M11, F79)."""

from __future__ import annotations

from datetime import date

from billing.models import DocumentSeries, LegalEntity

PREFIXES = {"invoice": "INV", "credit_note": "CN"}


def next_number(entity: LegalEntity, kind: str, issue_date: date) -> tuple[DocumentSeries, int, str]:
    """(series, sequence, number) for one document. A rollback gives the number back."""
    return next_numbers(entity, kind, issue_date, 1)[0]


def next_numbers(entity: LegalEntity, kind: str, issue_date: date, count: int) -> list[tuple[DocumentSeries, int, str]]:
    """A block of `count` numbers, in order."""
    where = {"legal_entity": entity, "prefix": PREFIXES[kind], "year": issue_date.year}
    DocumentSeries.objects.get_or_create(**where)
    series = DocumentSeries.objects.select_for_update().get(**where)
    first = series.last + 1
    series.last += count
    series.save(update_fields=["last"])
    return [(series, n, f"{entity.number_prefix}{series.prefix}-{series.year}-{n:05d}") for n in range(first, first + count)]
