"""Priced lines of the engine as rows of a document."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Any

from billing.domain.invoice import PricedLine
from billing.models import Document, DocumentLine

COLUMNS = (
    "document_id", "position", "line_key", "product_code", "product_name", "family", "unit", "side", "quantity", "unit_price", "discount",
    "service_start", "service_end", "days", "period_days", "exact_numerator", "exact_denominator", "net", "tax_rate", "tax_code", "tax",
    "explanation",
)  # fmt: skip


def values(document: int, lines: Iterable[PricedLine]) -> Iterator[tuple[Any, ...]]:
    """The values of COLUMNS, line by line, numbered from 1, each with its exact fraction and its arithmetic in words."""
    for position, line in enumerate(lines, start=1):
        yield (
            document, position, line.key, line.product, line.name, line.family, line.unit, line.side, line.quantity, line.unit_price,
            line.discount, line.starts, line.ends, line.days, line.period_days, line.numerator, line.denominator, line.net, line.tax_rate,
            line.tax_code, line.tax, line.explanation,
        )  # fmt: skip


def rows(document: Document, lines: Iterable[PricedLine]) -> list[DocumentLine]:
    """The same as unsaved rows of one document."""
    found = []
    for line in values(document.pk, lines):
        row = DocumentLine(**dict(zip(COLUMNS, line, strict=True)))
        row.document = document
        row.line_key = uuid.UUID(str(row.line_key))
        row.exact_numerator, row.exact_denominator = Decimal(row.exact_numerator), Decimal(row.exact_denominator)
        found.append(row)
    return found
