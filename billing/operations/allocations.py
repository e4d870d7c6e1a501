"""Which billed line a credit reduces, and never by more than was billed, tax included (M12, F61)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from django.db import connection

from billing.models import CreditAllocation
from billing.operations import bulk


@dataclass(frozen=True, slots=True)
class Part:
    """Line number `position` of `document` reduces the billed line `invoice_line` by `net` and `tax`."""

    document: int
    position: int
    invoice_line: int
    net: Decimal
    tax: Decimal


CREDIT_LINES = "SELECT document_id, position, id FROM billing_documentline WHERE document_id = ANY(%s) AND side = 'credit'"
TAX_LEFT = """
SELECT l.id, l.tax - coalesce(sum(a.tax), 0)
  FROM billing_documentline l LEFT JOIN billing_creditallocation a ON a.invoice_line_id = l.id
 WHERE l.id = ANY(%s)
 GROUP BY l.id
"""


def write(parts: Sequence[Part]) -> None:
    """Store the parts, in three statements. The tax of many small credits may round up to a penny more than was billed: such a penny is
    not allocated and stays with the customer as part of the credit.
    """
    parts = [part for part in parts if part.net]
    if not parts:
        return
    with connection.cursor() as cursor:
        cursor.execute(CREDIT_LINES, [sorted({part.document for part in parts})])
        line_of = {(document, position): pk for document, position, pk in cursor.fetchall()}
        cursor.execute(TAX_LEFT, [sorted({part.invoice_line for part in parts})])
        left = dict(cursor.fetchall())
    rows = []
    for part in parts:
        tax = max(min(part.tax, left[part.invoice_line]), Decimal(0))
        left[part.invoice_line] -= tax
        rows.append((line_of[part.document, part.position], part.invoice_line, part.net, tax))
    bulk.copy_in(CreditAllocation, ("credit_line_id", "invoice_line_id", "net", "tax"), rows)
