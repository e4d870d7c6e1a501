"""Issues the recurring invoices that are due: in chunks, each chunk one transaction, each invoice once, resumable."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from django.db import transaction
from django.db.models import Prefetch

from billing.domain import canonical
from billing.domain.invoice import Invoice, PricedLine, invoice_for_period
from billing.domain.periods import Period
from billing.models import Contract, ContractLine, Document, DocumentLine, DocumentSeries, LegalEntity, PendingLine
from billing.operations import future_invoices, lines, pending, snapshots
from billing.operations.numbering import next_numbers
from billing.queries import resolve_policies, terms_of
from dealops.audit.operations import record

log = logging.getLogger(__name__)

CHUNK = 500


@dataclass(slots=True)
class Run:
    """What one run did: how many invoices were issued, and which contracts were left to a person, with the reason."""

    issued: int = 0
    contracts: int = 0
    failed: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Due:
    contract: Contract
    period: Period
    invoice: Invoice
    pending: tuple[PendingLine, ...] = ()


def bill(*, on: date, at: datetime, progress: Callable[[int], None] = lambda done: None) -> Run:
    """Issue every recurring invoice dated `on` or before that is not issued yet. Run twice, the second finds nothing.

    `progress` is told the number of contracts after each chunk.
    """
    run, last = Run(), 0
    while True:
        with transaction.atomic():
            contracts = _due_contracts(on, after=last)
            if not contracts:
                return run
            last = contracts[-1].pk
            _bill_chunk(contracts, on, at, run)
        run.contracts += len(contracts)
        progress(len(contracts))


def _due_contracts(on: date, *, after: int) -> list[Contract]:
    current = Prefetch("lines", ContractLine.objects.filter(removed_in__isnull=True).select_related("product").order_by("id"), to_attr="current_lines")
    waiting = Prefetch("pending_lines", PendingLine.objects.filter(billed_in__isnull=True).order_by("id"), to_attr="waiting_lines")
    return list(
        Contract.objects.filter(state=Contract.State.ACTIVE, billed_until__lte=on, pk__gt=after)
        .select_related("legal_entity", "customer__segment", "future_invoice__current")
        .prefetch_related(current, waiting)
        .select_for_update(of=("self",), skip_locked=True, no_key=True)
        .order_by("pk")[:CHUNK]
    )


def _bill_chunk(contracts: list[Contract], on: date, at: datetime, run: Run) -> None:
    due: list[_Due] = []
    moved: list[Contract] = []
    for contract in contracts:
        try:
            found = _due_invoices(contract, on)
        except Exception as error:
            # A broken contract costs only itself: it is parked with the reason, the others are billed.
            log.exception("Contract %s could not be billed", contract.number)
            run.failed[contract.number] = contract.parked_reason = f"It could not be billed on {on:%-d %b %Y}: {error}"
            contract.save(update_fields=["parked_reason"])
            continue
        due += [one for one in found if one.invoice.lines]
        if found:
            contract.billed_until = found[-1].period.end
            moved.append(contract)
    run.issued += len(_issue(due, at))
    Contract.objects.bulk_update(moved, ["billed_until"])
    future_invoices.move_on(moved, at=at)


def _due_invoices(contract: Contract, on: date) -> list[_Due]:
    """The invoices of one contract dated up to `on`, oldest first."""
    terms = terms_of(contract)
    basis = resolve_policies(contract).basis
    found: list[_Due] = []
    day, waiting = contract.billed_until, tuple(contract.waiting_lines)
    while (following := terms.periods_from(day, 1)) and (following[0].start if terms.in_advance else following[0].end) <= on:
        (period,) = following
        priced = [canonical.from_plain(PricedLine, row.line) for row in waiting]
        found.append(_Due(contract, period, invoice_for_period(terms, period, basis=basis, pending=priced), waiting))
        day, waiting = period.end, ()
    return found


def _issue(due: list[_Due], at: datetime) -> list[Document]:
    """Number and write the invoices, per legal entity and year in order of their dates."""
    made: list[Document] = []
    groups: dict[tuple[int, int], list[_Due]] = {}
    for one in sorted(due, key=lambda one: (one.invoice.date, one.contract.number)):
        groups.setdefault((one.contract.legal_entity_id, one.invoice.date.year), []).append(one)
    for group in groups.values():
        entity: LegalEntity = group[0].contract.legal_entity
        numbers = next_numbers(entity, Document.Kind.INVOICE, group[0].invoice.date, len(group))
        documents = [_document(one, entity, number, at) for one, number in zip(group, numbers, strict=True)]
        Document.objects.bulk_create(documents)
        DocumentLine.objects.bulk_create(
            [row for one, document in zip(group, documents, strict=True) for row in lines.rows(document, one.invoice.lines)], batch_size=1000
        )
        for one, document in zip(group, documents, strict=True):
            if one.pending:
                pending.take_up(one.pending, one.invoice, document, at=at)
        record(
            action="documents.issued",
            sentence=f"{len(documents)} recurring invoices issued: {documents[0].number} to {documents[-1].number}.",
            subjects=[f"entity:{entity.code}", *[document.permalink for document in documents], *{one.contract.permalink for one in group}],
            chain=entity.code,
            at=at,
            after={"first": documents[0].number, "last": documents[-1].number, "count": len(documents)},
        )
        made += documents
    return made


def _document(one: _Due, entity: LegalEntity, number: tuple[DocumentSeries, int, str], at: datetime) -> Document:
    series, sequence, text = number
    contract, invoice = one.contract, one.invoice
    return Document(
        number=text,
        series=series,
        sequence=sequence,
        legal_entity=entity,
        customer=contract.customer,
        contract=contract,
        kind=Document.Kind.INVOICE,
        origin=Document.Origin.RECURRING,
        reference=f"{contract.number} {one.period.start:%Y-%m-%d}",
        issue_date=invoice.date,
        due_date=invoice.date + timedelta(days=entity.payment_days),
        service_start=one.period.start,
        service_end=one.period.end,
        currency=contract.currency,
        net=invoice.net,
        tax=invoice.tax,
        total=invoice.total,
        seller=snapshots.seller(entity),
        buyer=snapshots.buyer(contract.customer),
        issued_at=at,
    )
