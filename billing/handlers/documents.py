"""Posts one issued document, exactly once."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import replace

from billing.adapters.accounting import port
from billing.clock import now
from billing.connections import accounting_for
from billing.handlers.errors import translated
from billing.handlers.payloads import document_payload
from billing.models import Posting
from billing.operations.postings import note_document_posted
from dealops.outbox.crash import crash_point
from dealops.outbox.relay import Delivery


def post(delivery: Delivery) -> Callable[[], None]:
    """Look for it first when an earlier try may have reached accounting; else send it under its stored key (F18, F33)."""
    posting = Posting.objects.select_related("document__legal_entity", "document__customer", "document__contract").get(message=delivery.message)
    document = posting.document
    assert document is not None
    payload = document_payload(document)
    with translated():
        accounting = accounting_for(document.legal_entity)
        remote = accounting.find_document(kind=payload.kind, number=payload.number) if delivery.look_first else None
        adopted = remote is not None
        if remote is None:
            remote = _send(accounting, payload, delivery)
            crash_point("post.after_remote")
        port.check_totals(payload, remote)
        for place, part in enumerate(port.missing_allocations(payload.allocations, remote)):
            key = str(uuid.uuid5(delivery.message.key, f"allocation {part.invoice_number} {place}"))
            accounting.allocate(
                credit_note_id=remote.id, invoice_number=part.invoice_number, amount=part.amount, on=document.issue_date, key=key
            )
    return lambda: note_document_posted(
        posting, remote_id=remote.id, remote_number=remote.label or remote.number, remote_url=remote.url, adopted=adopted, at=now()
    )


def _send(accounting: port.Accounting, payload: port.DocumentPayload, delivery: Delivery) -> port.RemoteDocument:
    """Create it. A twin of the same number that is already there is read and compared, never made again (F40)."""
    contact = accounting.ensure_contact(
        number=payload.contact_number,
        name=payload.contact_name,
        email=payload.contact_email,
        key=str(uuid.uuid5(delivery.message.key, "contact")),
    )
    delivery.checkpoint(lambda: None)
    try:
        return accounting.post_document(replace(payload, contact_id=contact.id), key=delivery.key)
    except port.AlreadyThere:
        remote = accounting.find_document(kind=payload.kind, number=payload.number)
        if remote is None:
            raise
        return remote
