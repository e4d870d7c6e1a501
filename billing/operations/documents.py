"""One-off documents: the invoice or credit note of an applied change, written once and never again (M03, M05)."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from billing.domain import canonical
from billing.domain.impact import Impact
from billing.models import Contract, Document, DocumentLine, PendingLine
from billing.operations import allocations, lines, snapshots
from billing.operations.allocations import Part
from billing.operations.numbering import next_number
from billing.operations.postings import queue_document
from dealops.audit.operations import record


def issue_one_off(contract: Contract, result: Impact, *, reference: str, on: date, at: datetime) -> Document | None:
    """Issue the document of `result` on the business date `on`, exactly as it was shown, and queue its posting; None when there is none.

    Lines that wait for the next invoice are kept for it. The contract is locked by the caller.
    """
    _defer(contract, result, reference, at)
    if result.document == "none":
        return None
    document = _document(contract, result, reference=reference, on=on, at=at)
    DocumentLine.objects.bulk_create(lines.rows(document, result.document_lines))
    _allocate(document, result)
    record(
        action="document.issued",
        sentence=f"{document.get_kind_display()} {document.number} over {document.total} {document.currency} was issued for {reference}.",
        subjects=[document.permalink, f"change:{reference}", contract.permalink, contract.customer.permalink],
        chain=contract.legal_entity.code,
        at=at,
        after={"number": document.number, "net": str(document.net), "tax": str(document.tax), "total": str(document.total)},
    )
    queue_document(document)
    return document


def _defer(contract: Contract, result: Impact, reference: str, at: datetime) -> None:
    """Keep the lines that wait for the next invoice, with what they reduce."""
    PendingLine.objects.bulk_create(
        PendingLine(
            contract=contract,
            reference=reference,
            line=line.canonical(),
            reduces=[
                {"line_id": part.line_id, "net": str(part.net), "tax": str(part.tax)} for part in result.allocations if part.line == place
            ],
            created_at=at,
        )
        for place, line in enumerate(result.lines)
        if line in result.deferred_lines
    )


def _document(contract: Contract, result: Impact, *, reference: str, on: date, at: datetime) -> Document:
    entity = contract.legal_entity
    service = result.document_lines
    series, sequence, number = next_number(entity, result.document, on)
    return Document.objects.create(
        number=number,
        series=series,
        sequence=sequence,
        legal_entity=entity,
        customer=contract.customer,
        contract=contract,
        kind=result.document,
        origin=Document.Origin.ONE_OFF,
        reference=reference,
        issue_date=on,
        due_date=on + timedelta(days=entity.payment_days),
        service_start=min(line.starts for line in service),
        service_end=max(line.ends for line in service),
        currency=contract.currency,
        net=result.net,
        tax=result.tax,
        total=result.total,
        seller=snapshots.seller(entity),
        buyer=snapshots.buyer(contract.customer),
        content_hash=canonical.digest(result.canonical()),
        issued_at=at,
    )


def _allocate(document: Document, result: Impact) -> None:
    """Each credit line beside the billed lines it reduces (M12); only lines of this document count."""
    places = [place for place, line in enumerate(result.lines) if line.outcome == "document"]
    position = {place: number for number, place in enumerate(places, start=1)}
    allocations.write(
        [Part(document.pk, position[part.line], part.line_id, part.net, part.tax) for part in result.allocations if part.line in position]
    )
