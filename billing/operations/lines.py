"""Priced lines of the engine as rows of a document."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from decimal import Decimal

from billing.domain.invoice import PricedLine
from billing.models import Document, DocumentLine


def rows(document: Document, lines: Iterable[PricedLine]) -> list[DocumentLine]:
    """Unsaved rows, numbered from 1, each with its exact fraction and its arithmetic in words."""
    return [
        DocumentLine(
            document=document,
            position=position,
            line_key=uuid.UUID(line.key),
            product_code=line.product,
            product_name=line.name,
            family=line.family,
            unit=line.unit,
            side=line.side,
            quantity=line.quantity,
            unit_price=line.unit_price,
            discount=line.discount,
            service_start=line.starts,
            service_end=line.ends,
            days=line.days,
            period_days=line.period_days,
            exact_numerator=Decimal(line.numerator),
            exact_denominator=Decimal(line.denominator),
            net=line.net,
            tax_rate=line.tax_rate,
            tax_code=line.tax_code,
            tax=line.tax,
            explanation=line.explanation,
        )
        for position, line in enumerate(lines, start=1)
    ]
