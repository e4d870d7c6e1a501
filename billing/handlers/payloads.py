"""Our rows as the accounting port's values: amounts and tax are sent as we computed them (F45)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from decimal import Decimal
from typing import Any

from billing.adapters.accounting.port import DocumentPayload, PayloadAllocation, PayloadLine, TemplatePayload
from billing.domain.money import places
from billing.models import Contract, CreditAllocation, Customer, Document, DocumentLine, FutureInvoiceVersion, LegalEntity


def document_payload(document: Document, *, with_allocations: bool = True) -> DocumentPayload:
    """An issued document as accounting shall hold it; credit notes carry positive amounts. Takes prefetched lines."""
    lines = sorted(document.lines.all(), key=lambda line: line.position)
    return DocumentPayload(
        kind=document.kind,
        number=document.number,
        reference=document.reference,
        contact_name=document.customer.name,
        contact_number=document.customer.number,
        contact_email=document.customer.email,
        currency=document.currency,
        issue_date=document.issue_date,
        due_date=document.due_date,
        lines=tuple(_document_line(line, document) for line in lines),
        net=exact(document.net, document.currency),
        tax=exact(document.tax, document.currency),
        total=exact(document.total, document.currency),
        allocations=allocations_of(document) if with_allocations else (),
    )


def _document_line(line: DocumentLine, document: Document) -> PayloadLine:
    against = "credit" if document.kind == Document.Kind.INVOICE else "charge"
    sign = Decimal(-1) if line.side == against else Decimal(1)
    net, tax = exact(line.net, document.currency) * sign, exact(line.tax, document.currency) * sign
    # One unit at the line's amount: a prorated unit price has no finite decimal form, the arithmetic stands in the description.
    return PayloadLine(
        description=f"{line.product_name}: {line.explanation}",
        quantity=Decimal(1),
        unit_amount=net,
        line_amount=net,
        tax_amount=tax,
        tax_type=line.tax_code,
        account_code=document.legal_entity.revenue_account,
    )


def allocations_of(document: Document) -> tuple[PayloadAllocation, ...]:
    """What a credit note takes off which invoice, tax included: one amount per invoice, together no more than the note itself.

    A note that also charges, a swap to a smaller plan, reduces more than its total: what it charges has paid for the rest. What reduces a
    charge of an earlier credit note has no invoice and stays on the customer's account.
    """
    if document.kind != Document.Kind.CREDIT_NOTE:
        return ()
    totals: dict[str, Decimal] = {}
    parts = CreditAllocation.objects.filter(credit_line__document=document, invoice_line__document__kind=Document.Kind.INVOICE)
    for part in parts.select_related("invoice_line__document").order_by("id"):
        number = part.invoice_line.document.number
        totals[number] = totals.get(number, Decimal(0)) + part.net + part.tax
    found, left = [], document.total
    for number, amount in totals.items():
        taken = min(amount, left)
        left -= taken
        if taken:
            found.append(PayloadAllocation(number, exact(taken, document.currency)))
    return tuple(found)


def template_payload(version: FutureInvoiceVersion, contract: Contract) -> TemplatePayload:
    """The repeating invoice of one contract as accounting shall hold it, starting at the next invoice date."""
    assert version.invoice_date is not None
    customer: Customer = contract.customer
    entity: LegalEntity = contract.legal_entity
    return TemplatePayload(
        reference=contract.number,
        contact_name=customer.name,
        contact_number=customer.number,
        contact_email=customer.email,
        currency=version.currency,
        period_months=contract.months,
        next_date=version.invoice_date,
        end_date=contract.end - timedelta(days=1),
        due_days=entity.payment_days,
        lines=tuple(_template_lines(version.lines, entity)),
        net=exact(version.net, version.currency),
        tax=exact(version.tax, version.currency),
        total=exact(version.total, version.currency),
    )


def _template_lines(lines: Iterable[dict[str, Any]], entity: LegalEntity) -> Iterable[PayloadLine]:
    for line in lines:
        # A credit that waits for this invoice is a line below zero.
        sign = Decimal(-1) if line["side"] == "credit" else Decimal(1)
        quantity, price, net = Decimal(line["quantity"]), sign * Decimal(line["unit_price"]), sign * Decimal(line["net"])
        whole = net == quantity * price
        yield PayloadLine(
            description=line["name"] if whole else f"{line['name']}: {line['explanation']}",
            quantity=quantity if whole else Decimal(1),
            unit_amount=price if whole else net,
            line_amount=net,
            tax_amount=sign * Decimal(line.get("tax") or 0),
            tax_type=line.get("tax_code", ""),
            account_code=entity.revenue_account,
        )


def exact(amount: Decimal, currency: str) -> Decimal:
    """Exactly the currency's places: the column keeps four."""
    return amount.quantize(Decimal(1).scaleb(-places(currency)))
