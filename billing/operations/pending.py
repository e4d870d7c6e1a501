"""Lines of earlier changes join the next invoice: what fits is billed, the rest waits on (opportunities: carry over, never drop)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from billing.domain.invoice import Invoice
from billing.models import CreditAllocation, Document, DocumentLine, PendingLine


def take_up(waiting: Sequence[PendingLine], invoice: Invoice, document: Document, *, at: datetime) -> None:
    """Mark `waiting` as billed in `document`, record what its credits reduce, keep what was carried over for the next invoice."""
    carried = list(invoice.carried_over)
    for row in waiting:
        rest = next((line for line in carried if (line.key, line.side, line.starts, line.product) == _identity(row)), None)
        later = rest.net if rest else Decimal(0)
        if rest:
            carried.remove(rest)
        now, left = _split(row.reduces, Decimal(row.line["net"]) - later)
        _reduce(document, row, now)
        if rest:
            PendingLine.objects.create(contract=row.contract, reference=row.reference, line=rest.canonical(), reduces=left, created_at=at)
        row.billed_in = document
        row.save(update_fields=["billed_in"])


def _identity(row: PendingLine) -> tuple[Any, ...]:
    return (row.line["key"], row.line["side"], date.fromisoformat(row.line["starts"]), row.line["product"])


def _split(parts: Sequence[dict[str, Any]], amount: Decimal) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The parts that `amount` covers, in order, and what is left of them."""
    now: list[dict[str, Any]] = []
    left: list[dict[str, Any]] = []
    for part in parts:
        net, tax = Decimal(part["net"]), Decimal(part["tax"])
        taken = min(net, amount)
        amount -= taken
        tax_now = tax if taken == net else (tax * taken / net).quantize(tax)
        if taken:
            now.append({"line_id": part["line_id"], "net": str(taken), "tax": str(tax_now)})
        if taken < net:
            left.append({"line_id": part["line_id"], "net": str(net - taken), "tax": str(tax - tax_now)})
    return now, left


def _reduce(document: Document, row: PendingLine, parts: Sequence[dict[str, Any]]) -> None:
    line = DocumentLine.objects.filter(document=document, line_key=row.line["key"], side="credit", service_start=row.line["starts"]).first()
    if line is None:
        return
    CreditAllocation.objects.bulk_create(
        CreditAllocation(credit_line=line, invoice_line_id=part["line_id"], net=Decimal(part["net"]), tax=Decimal(part["tax"]))
        for part in parts
    )
