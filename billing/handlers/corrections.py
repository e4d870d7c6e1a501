"""Posts the difference between a recurring invoice and what accounting's template made for it, once (F42)."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal

from billing.adapters.accounting import comparison, port
from billing.clock import now
from billing.connections import accounting_for
from billing.handlers.contacts import contact_of
from billing.handlers.errors import translated
from billing.handlers.payloads import exact
from billing.models import Correction
from billing.operations.reconcile import note_corrected
from dealops.outbox.crash import crash_point
from dealops.outbox.relay import Delivery


def post(delivery: Delivery) -> Callable[[], None]:
    """Looked up by its number first when an earlier try may have arrived; a credit is used on the invoice it evens out."""
    correction = Correction.objects.select_related("document__legal_entity", "document__customer", "document__contract").get(
        message=delivery.message
    )
    payload = _payload(correction)
    with translated():
        accounting = accounting_for(correction.document.legal_entity)
        remote = accounting.find_document(kind=payload.kind, number=payload.number) if delivery.look_first else None
        if remote is None:
            contact_id = contact_of(accounting, payload, books=correction.document.legal_entity.code)
            delivery.renew()
            try:
                remote = accounting.post_document(replace(payload, contact_id=contact_id), key=delivery.key)
            except port.AlreadyThere:
                remote = accounting.find_document(kind=payload.kind, number=payload.number)
                if remote is None:
                    raise
            crash_point("correction.after_remote")
        comparison.check_totals(payload, remote)
        _use(accounting, delivery, correction, remote)
    return lambda: note_corrected(correction, remote_id=remote.id, remote_url=remote.url, label=remote.label or remote.number, at=now())


def _payload(correction: Correction) -> port.DocumentPayload:
    document = correction.document
    net, tax, total = (exact(getattr(correction, name), document.currency) for name in ("net", "tax", "total"))
    first = document.lines.order_by("position").first()
    words = f"Difference between {document.number} ({exact(document.total, document.currency)}) and what the old template made"
    line = port.PayloadLine(
        description=words,
        quantity=Decimal(1),
        unit_amount=net,
        line_amount=net,
        tax_amount=tax,
        tax_type=first.tax_code if first else "",
        account_code=document.legal_entity.revenue_account,
    )
    return port.DocumentPayload(
        kind=correction.kind,
        number=correction.number,
        reference=document.reference,
        contact_name=document.customer.name,
        contact_number=document.customer.number,
        contact_email=document.customer.email,
        currency=document.currency,
        issue_date=document.issue_date,
        due_date=document.due_date,
        lines=(line,),
        net=net,
        tax=tax,
        total=total,
    )


def _use(accounting: port.Accounting, delivery: Delivery, correction: Correction, remote: port.RemoteDocument) -> None:
    """Set a credit off against the invoice it evens out, as far as that is still open; the rest stays on the customer's account."""
    if remote.kind != "credit_note" or not remote.remaining_credit:
        return
    twin = accounting.get_document(kind="invoice", id=str(delivery.message.payload["twin"]))
    amount = min(remote.remaining_credit, twin.amount_due) if twin else None
    if twin is None or not amount or not twin.number:
        return
    delivery.renew()
    key = str(uuid.uuid5(delivery.message.key, f"allocation {twin.number}"))
    on = correction.document.issue_date
    accounting.allocate(credit_note_id=remote.id, invoice_number=twin.number, amount=amount, on=on, key=key)
