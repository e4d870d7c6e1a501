"""What stands on a document, from its rows or from a frozen impact, before it is put into words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from billing.domain import money
from billing.models import Contract, CreditAllocation, Document, DocumentLine
from billing.operations import snapshots


@dataclass(frozen=True, slots=True)
class PrintedLine:
    """One line. `net` and `tax` are signed the way they count in this document."""

    name: str
    starts: date
    ends: date
    days: int
    period_days: int
    quantity: Decimal
    unit: str
    unit_price: Decimal
    discount: Decimal
    arithmetic: str
    tax_rate: Decimal | None
    net: Decimal
    tax: Decimal


@dataclass(frozen=True, slots=True)
class Printed:
    """One document, issued or not yet. `credits` are sentences about the invoices a credit note reduces."""

    kind: str
    number: str
    reference: str
    contract: str
    origin: str
    issue_date: date
    due_date: date | None
    service_start: date
    service_end: date
    currency: str
    seller: Mapping[str, Any]
    buyer: Mapping[str, Any]
    lines: tuple[PrintedLine, ...]
    net: Decimal
    tax: Decimal
    total: Decimal
    tax_name: str
    note: str = ""
    credits: tuple[str, ...] = ()
    is_preview: bool = False
    taxes: tuple[tuple[Decimal, Decimal, Decimal], ...] = field(default=())

    @property
    def is_credit(self) -> bool:
        return self.kind == Document.Kind.CREDIT_NOTE


def taxes_by_rate(lines: Iterable[PrintedLine], currency: str) -> tuple[tuple[Decimal, Decimal, Decimal], ...]:
    """(rate, net it was charged on, tax) for each rate, in order of appearance."""
    sums: dict[Decimal, tuple[Decimal, Decimal]] = {}
    for line in lines:
        if line.tax_rate is not None:
            net, tax = sums.get(line.tax_rate, (money.zero(currency), money.zero(currency)))
            sums[line.tax_rate] = (money.add(net, line.net), money.add(tax, line.tax))
    return tuple((rate, net, tax) for rate, (net, tax) in sums.items())


def of_document(document: Document, note: str = "") -> Printed:
    """An issued document from its own rows alone: the snapshot, never the customer of today."""
    lines = tuple(_line(row, document) for row in document.lines.order_by("position"))
    return Printed(
        kind=document.kind,
        number=document.number,
        reference=document.reference,
        contract=document.contract.number,
        origin=document.origin,
        issue_date=document.issue_date,
        due_date=None if document.kind == Document.Kind.CREDIT_NOTE else document.due_date,
        service_start=document.service_start,
        service_end=document.service_end,
        currency=document.currency,
        seller=document.seller,
        buyer=document.buyer,
        lines=lines,
        net=document.net,
        tax=document.tax,
        total=document.total,
        tax_name=str(document.seller.get("tax_name") or "Tax"),
        note=note,
        credits=tuple(_credits(document)),
        taxes=taxes_by_rate(lines, document.currency),
    )


def _line(row: DocumentLine, document: Document) -> PrintedLine:
    against = DocumentLine.Side.CREDIT if document.kind == Document.Kind.INVOICE else DocumentLine.Side.CHARGE
    turned = row.side == against
    return PrintedLine(
        name=row.product_name,
        starts=row.service_start,
        ends=row.service_end,
        days=row.days,
        period_days=row.period_days,
        quantity=row.quantity,
        unit=row.unit,
        unit_price=row.unit_price,
        discount=row.discount,
        arithmetic=row.explanation,
        tax_rate=row.tax_rate,
        net=money.negative(row.net) if turned else row.net,
        tax=money.negative(row.tax) if turned else row.tax,
    )


def _credits(document: Document) -> Iterable[str]:
    if document.kind != Document.Kind.CREDIT_NOTE:
        return
    parts = CreditAllocation.objects.filter(credit_line__document=document).select_related("credit_line", "invoice_line__document")
    for part in parts.order_by("credit_line__position", "id"):
        invoice = part.invoice_line.document
        yield f"{invoice.number} of {invoice.issue_date:%-d %b %Y}, line {part.invoice_line.position}: {part.invoice_line.product_name}"


def of_impact(contract: Contract, impact: Mapping[str, Any], *, reference: str, on: date, note: str = "") -> Printed | None:
    """What a change would issue on `on`, from its frozen impact alone; None when it issues nothing now."""
    if impact["document"] == "none":
        return None
    currency = contract.currency
    credit = impact["document"] == Document.Kind.CREDIT_NOTE
    lines = tuple(_impact_line(line, credit) for line in impact["lines"] if line["outcome"] == "document")
    net, tax, total = (abs(Decimal(impact[name])) for name in ("net", "tax", "total"))
    return Printed(
        kind=impact["document"],
        number="",
        reference=reference,
        contract=contract.number,
        origin=Document.Origin.ONE_OFF,
        issue_date=on,
        due_date=None if credit else on + timedelta(days=contract.legal_entity.payment_days),
        service_start=min(line.starts for line in lines),
        service_end=max(line.ends for line in lines),
        currency=currency,
        seller=snapshots.seller(contract.legal_entity),
        buyer=snapshots.buyer(contract.customer),
        lines=lines,
        net=net,
        tax=tax,
        total=total,
        tax_name=contract.legal_entity.tax_name,
        note=note,
        is_preview=True,
        taxes=taxes_by_rate(lines, currency),
    )


def _impact_line(line: Mapping[str, Any], credit: bool) -> PrintedLine:
    turned = (line["side"] == "credit") != credit
    net, tax = Decimal(line["net"]), Decimal(line["tax"])
    return PrintedLine(
        name=line["name"],
        starts=date.fromisoformat(line["starts"]),
        ends=date.fromisoformat(line["ends"]),
        days=line["days"],
        period_days=line["period_days"],
        quantity=Decimal(line["quantity"]),
        unit=line["unit"],
        unit_price=Decimal(line["unit_price"]),
        discount=Decimal(line["discount"]),
        arithmetic=line["explanation"],
        tax_rate=None if line["tax_rate"] is None else Decimal(line["tax_rate"]),
        net=money.negative(net) if turned else net,
        tax=money.negative(tax) if turned else tax,
    )
