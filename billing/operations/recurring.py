"""One chunk of the bill run: locked contracts in, their invoices out, in about a dozen statements whatever the number of contracts.

Locks are taken in the order contract, chain of the business log, number series; whoever approves a change takes them in the same order.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import groupby, pairwise

from django.db import connection

from billing.domain.invoice import Invoice, invoice_for_period
from billing.domain.periods import Period
from billing.models import Document, DocumentLine, FutureInvoice, FutureInvoiceVersion, LegalEntity
from billing.operations import bulk, lines, pending, snapshots
from billing.operations.numbering import take
from billing.operations.pending import Taken
from billing.operations.postings import queue_letters, queue_templates
from billing.queries.due import NOT_BILLED, DueContract, Waiting
from billing.queries.future import columns_of, upcoming
from dealops.audit.operations import hold, record

DOCUMENT_COLUMNS = (
    "id", "number", "series_id", "sequence", "legal_entity_id", "customer_id", "contract_id", "kind", "origin", "reference", "issue_date",
    "due_date", "service_start", "service_end", "currency", "net", "tax", "total", "seller", "buyer", "content_hash", "issued_at",
)  # fmt: skip
VERSION_COLUMNS = (
    "id", "future_invoice_id", "number", "contract_version", "invoice_date", "period_start", "period_end", "currency", "lines", "net",
    "tax", "total", "reference", "created_at",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Issue:
    """One invoice about to be issued."""

    contract: DueContract
    period: Period
    invoice: Invoice
    taken: tuple[Taken, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """What one contract gets: its invoices, oldest first, the invoice expected after them, and what still waits."""

    contract: DueContract
    issues: tuple[Issue, ...]
    billed_until: date
    following: Invoice | None
    still: tuple[Waiting, ...]


def plan(contract: DueContract, on: date) -> Plan | None:
    """The invoices of one contract dated up to `on`; None when none is due. Computes only. Raises Refusal and pending.Mixed."""
    terms, day, waiting = contract.terms, contract.billed_until, contract.waiting
    issues: list[Issue] = []
    while (following := terms.periods_from(day, 1)) and (following[0].start if terms.in_advance else following[0].end) <= on:
        (period,) = following
        invoice = invoice_for_period(terms, period, basis=contract.basis, pending=[one.line for one in waiting])
        if invoice.lines:
            taken, still = pending.settle(waiting, invoice, terms.currency)
            waiting = tuple(still)
            issues.append(Issue(contract, period, invoice, tuple(taken)))
        day = period.end
    if day == contract.billed_until:
        return None
    ahead = upcoming(terms, day, contract.basis, [one.line for one in waiting])
    return Plan(contract, tuple(issues), day, ahead, tuple(waiting))


def carry_out(plans: Sequence[Plan], entity: LegalEntity, *, at: datetime) -> int:
    """Write the invoices of contracts of one legal entity, locked by the caller; answers how many. All of it, or an exception."""
    issues = sorted((issue for one in plans for issue in one.issues), key=lambda issue: (issue.invoice.date, issue.contract.number))
    ids = dict(zip(map(id, issues), bulk.new_ids(Document, len(issues)), strict=True)) if issues else {}
    if issues:
        hold(entity.code)
        _number_and_write(issues, ids, entity, at)
    _write_waiting(plans, ids, at)
    _advance(plans)
    _expect(plans, at)
    if issues and entity.bills_itself:
        queue_letters(list(Document.objects.filter(pk__in=ids.values()).select_related("contract", "legal_entity").order_by("pk")))
    return len(issues)


def _number_and_write(issues: Sequence[Issue], ids: dict[int, int], entity: LegalEntity, at: datetime) -> None:
    """Numbers by year in order of date, then the rows: nothing else happens while the series is held."""
    for year, group in groupby(issues, key=lambda issue: issue.invoice.date.year):
        of_year = list(group)
        block = take(entity, Document.Kind.INVOICE, year, len(of_year))
        seller = bulk.json_text(snapshots.seller(entity))
        bulk.copy_in(
            Document,
            DOCUMENT_COLUMNS,
            (
                (ids[id(issue)], block.number(sequence), block.series, sequence, entity.pk, *_document(issue, entity, seller, at))
                for sequence, issue in enumerate(of_year, start=block.first)
            ),
        )
        bulk.copy_in(DocumentLine, lines.COLUMNS, (row for issue in of_year for row in lines.values(ids[id(issue)], issue.invoice.lines)))
        _tell(of_year, [block.number(sequence) for sequence in range(block.first, block.last + 1)], entity, at)


def _document(issue: Issue, entity: LegalEntity, seller: str, at: datetime) -> tuple[object, ...]:
    """The rest of DOCUMENT_COLUMNS, from the customer on."""
    contract, invoice, period = issue.contract, issue.invoice, issue.period
    due = invoice.date + timedelta(days=entity.payment_days)
    return (
        contract.customer, contract.pk, Document.Kind.INVOICE.value, Document.Origin.RECURRING.value,
        f"{contract.number} {period.start:%Y-%m-%d}", invoice.date, due, period.start, period.end, contract.terms.currency, invoice.net,
        invoice.tax, invoice.total, seller, snapshots.buyer(contract.buyer), "", at,
    )  # fmt: skip


def _tell(issues: Sequence[Issue], numbers: Sequence[str], entity: LegalEntity, at: datetime) -> None:
    contracts = dict.fromkeys(f"contract:{issue.contract.number}" for issue in issues)
    count = f"{len(numbers)} recurring invoices" if len(numbers) > 1 else "1 recurring invoice"
    which = f"{numbers[0]} to {numbers[-1]}" if len(numbers) > 1 else numbers[0]
    record(
        action="documents.issued",
        sentence=f"{count} issued: {which}.",
        subjects=[f"entity:{entity.code}", *(f"document:{number}" for number in numbers), *contracts],
        chain=entity.code,
        at=at,
        after={"first": numbers[0], "last": numbers[-1], "count": len(numbers)},
    )


def _write_waiting(plans: Sequence[Plan], ids: dict[int, int], at: datetime) -> None:
    """Waiting lines that were taken up are billed, and what is left of them waits as rows of their own."""
    taken = [(one, ids[id(issue)]) for plan in plans for issue in plan.issues for one in issue.taken]
    rests = [(one.waiting, document) for one, document in taken if one.waiting.row is None]
    rests += [(one, None) for plan in plans for one in plan.still if one.row is None]
    if taken:
        pending.allocate(taken)
        pending.mark_billed((one.waiting.row, document) for one, document in taken if one.waiting.row is not None)
    pending.keep(rests, at=at)


def _advance(plans: Sequence[Plan]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE billing_contract c
               SET billed_until = d.until, parked_reason = CASE WHEN c.parked_reason LIKE %s THEN '' ELSE c.parked_reason END
              FROM unnest(%s::bigint[], %s::date[]) d(id, until)
             WHERE c.id = d.id
            """,
            [f"{NOT_BILLED}%", [one.contract.pk for one in plans], [one.billed_until for one in plans]],
        )


def _expect(plans: Sequence[Plan], at: datetime) -> None:
    """The next period is expected now. Accounting's template moves on by itself, so it is told only of another content."""
    moved = [one for one in plans if one.issues or one.contract.future is None]
    if not moved:
        return
    futures = _futures(moved)
    ids = bulk.new_ids(FutureInvoiceVersion, len(moved))
    bulk.copy_in(
        FutureInvoiceVersion,
        VERSION_COLUMNS,
        ((pk, futures[one.contract.pk], one.contract.future_version + 1, *_version(one, at)) for pk, one in zip(ids, moved, strict=True)),
    )
    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE billing_futureinvoice f SET current_id = d.version
              FROM unnest(%s::bigint[], %s::bigint[]) d(id, version) WHERE f.id = d.id
            """,
            [[futures[one.contract.pk] for one in moved], ids],
        )
    changed = [pk for pk, one in zip(ids, moved, strict=True) if _is_news(one)]
    if changed:
        versions = FutureInvoiceVersion.objects.filter(pk__in=changed).order_by("pk")
        queue_templates(list(versions.select_related("future_invoice__contract__legal_entity")))


def _futures(plans: Sequence[Plan]) -> dict[int, int]:
    """The future invoice of each contract, made for those that have none yet."""
    known = {one.contract.pk: one.contract.future for one in plans if one.contract.future is not None}
    missing = [FutureInvoice(contract_id=one.contract.pk) for one in plans if one.contract.future is None]
    return known | {made.contract_id: made.pk for made in FutureInvoice.objects.bulk_create(missing)}


def _version(one: Plan, at: datetime) -> tuple[object, ...]:
    """The rest of VERSION_COLUMNS, from the contract's version on."""
    expected = columns_of(one.following, one.contract.terms.currency)
    return (one.contract.version, *(expected[name] for name in VERSION_COLUMNS[4:12]), "", at)


def _is_news(one: Plan) -> bool:
    """Whether the invoice that follows is not the one before it a period later."""
    if one.contract.future is None:
        return False
    row = [*(issue.invoice for issue in one.issues), one.following]
    return any(set(_content(before)) != set(_content(after)) for before, after in pairwise(row))


def _content(invoice: Invoice | None) -> Iterator[tuple[object, ...]]:
    for place, line in enumerate(invoice.lines if invoice else ()):
        yield (place, line.product, line.side, line.quantity, line.unit_price, line.discount, line.net, line.tax, line.tax_code)
