"""What still waits for a next invoice when a contract has none any more: issued at its end, so that nobody's money is forgotten (M12)."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from billing.domain.invoice import total_up
from billing.models import Contract, Document, DocumentLine
from billing.operations import lines, pending, snapshots
from billing.operations.numbering import next_number
from billing.operations.pending import Taken
from billing.operations.postings import queue_document
from billing.queries.due import waiting_of
from dealops.audit.operations import hold, record


def settle(contract: Contract, *, on: date, at: datetime) -> Document | None:
    """Issue the waiting lines of a locked contract as one last document, a credit note when they come to less than nothing; or None."""
    waiting = waiting_of(contract.pk)
    if not waiting:
        return None
    entity = contract.legal_entity
    sum_up = total_up([one.line for one in waiting], contract.currency, on, on, on)
    kind = Document.Kind.INVOICE if sum_up.total >= 0 else Document.Kind.CREDIT_NOTE
    sign = 1 if kind == Document.Kind.INVOICE else -1
    hold(entity.code)
    series, sequence, number = next_number(entity, kind, on)
    document = Document.objects.create(
        number=number,
        series=series,
        sequence=sequence,
        legal_entity=entity,
        customer=contract.customer,
        contract=contract,
        kind=kind,
        origin=Document.Origin.ONE_OFF,
        reference=f"{contract.number} final",
        issue_date=on,
        due_date=on + timedelta(days=entity.payment_days),
        service_start=min(one.line.starts for one in waiting),
        service_end=max(one.line.ends for one in waiting),
        currency=contract.currency,
        net=sign * sum_up.net,
        tax=sign * sum_up.tax,
        total=sign * sum_up.total,
        seller=snapshots.seller(entity),
        buyer=snapshots.buyer(contract.customer),
        issued_at=at,
    )
    DocumentLine.objects.bulk_create(lines.rows(document, [one.line for one in waiting]))
    pending.allocate((Taken(one, place, tuple(one.reduces)), document.pk) for place, one in enumerate(waiting, start=1))
    pending.mark_billed((one.row, document.pk) for one in waiting if one.row is not None)
    record(
        action="document.issued",
        sentence=f"{document.get_kind_display()} {number} over {document.total} {document.currency} settles what was left open.",
        subjects=[document.permalink, contract.permalink, contract.customer.permalink],
        chain=entity.code,
        at=at,
        after={"number": number, "net": str(document.net), "tax": str(document.tax), "total": str(document.total)},
    )
    queue_document(document)
    return document
