"""What still waits for a next invoice when a contract has none any more: issued at its end, so that nobody's money is forgotten (M12)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta

from billing.domain.invoice import Invoice, total_up
from billing.models import Contract, Document, DocumentLine
from billing.operations import lines, pending, snapshots
from billing.operations.numbering import next_number
from billing.operations.pending import Taken
from billing.operations.postings import queue_document
from billing.queries.due import Waiting, waiting_of
from dealops.audit.operations import hold, record


def settle(contract: Contract, *, on: date, at: datetime) -> list[Document]:
    """Issue the waiting lines of a locked contract: one last document, a credit note when they come to less than nothing.

    Where its net and tax would have opposite signs, which accounting cannot hold (M14), charges and credits get a document each.
    """
    waiting = waiting_of(contract.pk)
    if not waiting:
        return []
    hold(contract.legal_entity.code)
    sum_up = _sum_up(contract, waiting, on)
    if min(sum_up.net, sum_up.tax) < 0 < max(sum_up.net, sum_up.tax):
        charges, credits = ([one for one in waiting if one.line.side == side] for side in ("charge", "credit"))
        return [_issue(contract, charges, "final", on, at), _issue(contract, credits, "final credit", on, at)]
    return [_issue(contract, waiting, "final", on, at)]


def _sum_up(contract: Contract, waiting: Sequence[Waiting], on: date) -> Invoice:
    return total_up([one.line for one in waiting], contract.currency, on, on, on)


def _issue(contract: Contract, waiting: Sequence[Waiting], word: str, on: date, at: datetime) -> Document:
    entity, sum_up = contract.legal_entity, _sum_up(contract, waiting, on)
    kind = Document.Kind.INVOICE if sum_up.total >= 0 else Document.Kind.CREDIT_NOTE
    document = _document(contract, waiting, sum_up, kind, f"{contract.number} {word}", on, at)
    DocumentLine.objects.bulk_create(lines.rows(document, [one.line for one in waiting]))
    pending.allocate((Taken(one, place, tuple(one.reduces)), document.pk) for place, one in enumerate(waiting, start=1))
    pending.mark_billed((one.row, document.pk) for one in waiting if one.row is not None)
    record(
        action="document.issued",
        sentence=f"{document.get_kind_display()} {document.number} over {document.total} {document.currency} settles what was left open.",
        subjects=[document.permalink, contract.permalink, contract.customer.permalink],
        chain=entity.code,
        at=at,
        after={"number": document.number, "net": str(document.net), "tax": str(document.tax), "total": str(document.total)},
    )
    queue_document(document)
    return document


def _document(
    contract: Contract, waiting: Sequence[Waiting], sum_up: Invoice, kind: str, reference: str, on: date, at: datetime
) -> Document:
    entity = contract.legal_entity
    sign = 1 if kind == Document.Kind.INVOICE else -1
    series, sequence, number = next_number(entity, kind, on)
    return Document.objects.create(
        number=number,
        series=series,
        sequence=sequence,
        legal_entity=entity,
        customer=contract.customer,
        contract=contract,
        kind=kind,
        origin=Document.Origin.ONE_OFF,
        reference=reference,
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
