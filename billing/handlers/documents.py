"""Posts one issued document, exactly once."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import replace

from billing.adapters.accounting import comparison, port
from billing.clock import now
from billing.connections import accounting_for
from billing.handlers.contacts import contact_of
from billing.handlers.errors import translated
from billing.handlers.payloads import document_payload
from billing.models import Document, Posting
from billing.operations.postings import note_document_posted, note_document_seen
from dealops.outbox.crash import crash_point
from dealops.outbox.relay import Delivery


def post(delivery: Delivery) -> Callable[[], None]:
    """Look for it first when an earlier try may have reached accounting; else send it under its stored key (F18, F33).

    What accounting holds under our number is noted also when it is not what was sent, so that a parked posting can show both sides (F45).
    """
    posting = Posting.objects.select_related("document__legal_entity", "document__customer", "document__contract").get(
        message=delivery.message
    )
    document = posting.document
    assert document is not None
    payload = document_payload(document)
    with translated():
        accounting = accounting_for(document.legal_entity)
        remote, adopted = look_up(accounting, payload, delivery), True
        if remote is None:
            remote, adopted = _send(accounting, payload, delivery, document)
            crash_point("post.after_remote")
        try:
            check_ours(payload, remote)
            comparison.check_totals(payload, remote)
            crash_point("post.after_checked")
            _allocate(accounting, payload, remote, delivery, document)
        except port.Permanent:
            delivery.checkpoint(lambda: note_document_seen(posting, **names(remote)))
            raise
    return lambda: note_document_posted(posting, **names(remote), adopted=adopted, at=now())


def look_up(accounting: port.Accounting, payload: port.DocumentPayload, delivery: Delivery) -> port.RemoteDocument | None:
    """What an earlier, uncertain try may have left under our number."""
    look_first = delivery.look_first or delivery.message.payload.get("look_first")
    return accounting.find_document(kind=payload.kind, number=payload.number) if look_first else None


def names(remote: port.RemoteDocument) -> dict[str, str]:
    return {"remote_id": remote.id, "remote_number": remote.label or remote.number, "remote_url": remote.url}


def _send(
    accounting: port.Accounting, payload: port.DocumentPayload, delivery: Delivery, document: Document
) -> tuple[port.RemoteDocument, bool]:
    """Create it; (what is there now, whether it was there before). A twin of the same number is read, never made again (F40)."""
    contact_id = contact_of(accounting, payload, books=document.legal_entity.code)
    delivery.renew()
    crash_point("post.before_remote")
    try:
        return accounting.post_document(replace(payload, contact_id=contact_id), key=delivery.key), False
    except port.AlreadyThere:
        remote = accounting.find_document(kind=payload.kind, number=payload.number)
        if remote is None:
            raise
        return remote, True
    except port.Mismatch as wrong:
        if not isinstance(wrong.remote, port.RemoteDocument):
            raise
        return wrong.remote, False


def check_ours(payload: port.DocumentPayload, remote: port.RemoteDocument) -> None:
    """A document under our number is ours only with our reference, and posted only while it stands. Raises Permanent (F40, F47)."""
    if remote.reference != payload.reference:
        theirs = f"the reference {remote.reference}" if remote.reference else "no reference"
        raise port.Permanent(
            f"Accounting holds another {payload.number}: it has {theirs} instead of {payload.reference}. "
            "Finance gives that one another number there, or enters the reference if it is this document, then presses Retry on Sync.",
            way_out="",
        )
    if remote.status not in ("issued", "paid"):
        raise port.Permanent(
            f"{payload.number} is in accounting, but {remote.status} there. If it shall stand, Finance enters it there again under this "
            f"number with the reference {payload.reference}, then presses Retry on Sync. If not, Finance settles it otherwise there.",
            way_out="",
        )


def _allocate(
    accounting: port.Accounting, payload: port.DocumentPayload, remote: port.RemoteDocument, delivery: Delivery, document: Document
) -> None:
    """Use a credit note on the invoices it reduces; what an earlier try has used already is not used again."""
    for part in comparison.missing_allocations(payload.allocations, remote):
        delivery.renew()
        key = str(uuid.uuid5(delivery.message.key, f"allocation {part.invoice_number}"))
        accounting.allocate(
            credit_note_id=remote.id, invoice_number=part.invoice_number, amount=part.amount, on=document.issue_date, key=key
        )
        crash_point("post.after_allocation")
