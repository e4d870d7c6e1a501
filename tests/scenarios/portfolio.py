"""Many contracts beside the story's, made by the product's own operations, and what the two ledgers hold, side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

from django.db import transaction

from billing.models import Contract, Document, FutureInvoiceVersion
from billing.operations import contracts, future_invoices
from billing.operations.billing_run import bill
from billing.operations.postings import queue_document, queue_template
from billing.queries.terms import terms_of
from dealops.outbox.models import Message
from expansion.demo import story
from expansion.demo.contracts import sign
from expansion.models import Change, Deal
from expansion.operations import changes
from tests.worlds import STORY_DAY, World


def sign_more(world: World, size: int, *, first: int = 3000, **facts: Any) -> list[Deal]:
    """`size` more customers with one contract each, like Brightwave's; not billed yet."""
    people = {"ada": world.ae, "carl": world.csm}
    deals = []
    for number in range(first, first + size):
        signing = replace(story.BRIGHTWAVE, **{"number": number, "customer_number": number, "customer": f"Customer {number}"} | facts)
        at = datetime.combine(signing.start, time(8), UTC)
        deals.append(sign(signing, entities={"northbeam-uk": world.entity}, products=world.products, people=people, at=at))
    return deals


def bill_months(*months: int, year: int = 2026) -> None:
    """The recurring invoices of the first of these months, here only."""
    for month in months:
        bill(on=date(year, month, 1), at=datetime(year, month, 1, 6, tzinfo=UTC))


@transaction.atomic
def tell_documents(documents: Sequence[Document]) -> None:
    """Queue the posting of documents that accounting has not heard of."""
    for document in documents:
        queue_document(document)


@transaction.atomic
def tell_templates(deals: Sequence[Deal]) -> None:
    """Queue the present future invoices."""
    for deal in deals:
        queue_template(Contract.objects.get(pk=deal.contract_id).future_invoice.current)


# The reason on versions that no change made and no deal knows; `books_that_are_verified` looks for it.
FLOOR_ALONE = "Written on the billing floor alone"


def reseat(deal: Deal, seats: int, *, reference: str = "") -> FutureInvoiceVersion:
    """Other terms and the future invoice that follows from them, on the billing floor alone."""
    at = datetime.combine(STORY_DAY, time(11), UTC)
    with transaction.atomic():
        contract = contracts.lock(deal.contract_id)
        terms = terms_of(contract)
        lines = tuple(replace(line, quantity=Decimal(seats)) for line in terms.lines)
        effective = contract.future_invoice.current.invoice_date or STORY_DAY
        contracts.amend(contract, replace(terms, lines=lines), effective=effective, reference=reference, reason=FLOOR_ALONE, by=None, at=at)
        return future_invoices.reprice(contract, reference=reference, at=at)


def add_seats(world: World, deal: Deal, seats: int, *, effective: date = STORY_DAY) -> Change:
    """One whole change of a contract whose future invoice Sales and CS own: drafted, submitted, applied."""
    line = deal.contract.lines.filter(removed_in__isnull=True).first()
    intents = [{"action": "quantity", "key": str(line.key), "quantity": str(seats)}]
    change = changes.draft(deal=deal, intents=intents, effective=effective, by=world.ae, now=world.now, goal="More people")
    return changes.submit(change_id=change.pk, version=change.version, shown_hash=change.content_hash, by=world.ae, now=world.now)


# --- the two ledgers -------------------------------------------------------------------------------------------------------


def documents_here(documents: Sequence[Document] | None = None) -> list[tuple[Any, ...]]:
    """Every document accounting had to hear of, as (number, kind, reference, date, net, tax, total)."""
    rows = Document.objects.filter(posting__isnull=False) if documents is None else documents
    return sorted((d.number, d.kind, d.reference, d.issue_date.isoformat(), d.net, d.tax, d.total) for d in rows)


def documents_there(state: dict[str, Any]) -> list[tuple[Any, ...]]:
    """Every document of Ledgerly that no template made, in the same shape."""
    return sorted(
        (d["number"], d["kind"], d["reference"], d["date"], Decimal(d["net"]), Decimal(d["tax"]), Decimal(d["total"]))
        for d in state["invoices"] + state["credit_notes"]
        if not d["template_id"]
    )


def templates_here(deals: Sequence[Deal]) -> list[tuple[Any, ...]]:
    """The next invoice of each contract, as (contract, net, tax, total, next date); none where nothing is left to bill."""
    versions = [Contract.objects.get(pk=deal.contract_id).future_invoice.current for deal in deals]
    return sorted((v.future_invoice.contract.number, v.net, v.tax, v.total, v.invoice_date.isoformat()) for v in versions if v.invoice_date)


def templates_there(state: dict[str, Any], deals: Sequence[Deal]) -> list[tuple[Any, ...]]:
    """The live templates of Ledgerly for these contracts, in the same shape."""
    wanted = set(Contract.objects.filter(pk__in=[deal.contract_id for deal in deals]).values_list("number", flat=True))
    return sorted(
        (t["reference"], Decimal(t["net"]), Decimal(t["tax"]), Decimal(t["total"]), t["next_date"])
        for t in state["templates"]
        if t["status"] != "DELETED" and t["reference"] in wanted
    )


def out_of_order() -> list[str]:
    """Subjects of which a later message was done before an earlier one."""
    wrong, last = set(), {}
    for subject, done_at in Message.objects.filter(queue="post", state="done").order_by("id").values_list("subject", "done_at"):
        if subject in last and done_at < last[subject]:
            wrong.add(subject)
        last[subject] = done_at
    return sorted(wrong)


def posted_out_of_order(state: dict[str, Any]) -> list[str]:
    """Contracts of which Ledgerly got a later document before an earlier one."""
    place = {number: place for place, number in enumerate(d["number"] for d in state["invoices"])}
    wrong, last = set(), {}
    told = Document.objects.filter(posting__isnull=False, kind="invoice").order_by("posting__message_id").select_related("contract")
    for document in told:
        subject = document.contract.number
        if place[document.number] < last.get(subject, -1):
            wrong.add(subject)
        last[subject] = place[document.number]
    return sorted(wrong)
