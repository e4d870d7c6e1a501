"""Our side of the comparison with accounting, one legal entity at a time, in a fixed number of queries."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.db.models import Max, Min, Prefetch, Q, QuerySet

from billing.models import (
    Contract,
    ContractLine,
    Correction,
    Document,
    Finding,
    FutureInvoiceVersion,
    LegalEntity,
    Posting,
    Reconciliation,
    Template,
)
from billing.queries.future import expected_next
from billing.rules import visible
from dealops.accounts.models import User
from dealops.outbox.models import OVER, Message, State

# How far back documents are compared when nobody says otherwise.
LOOK_BACK = timedelta(days=92)
LONGEST_LIST = 100


@dataclass(frozen=True, slots=True)
class Ours:
    """What dealops holds of one legal entity. `busy` are subjects with something under way, `parked` those that wait for a person."""

    entity: LegalEntity
    contracts: dict[str, Contract]
    versions: dict[int, tuple[FutureInvoiceVersion, ...]]
    told_from: dict[int, date]
    posted: tuple[Document, ...]
    recurring: dict[tuple[str, date], Document]
    corrections: dict[int, Correction]
    busy: frozenset[str]
    parked: dict[str, str]


def ours_of(entity: LegalEntity, *, since: date) -> Ours:
    """Active contracts and what has a live template; documents from `since` on that were posted or that a template makes."""
    live = Template.objects.filter(state=Template.State.LIVE, contract__legal_entity=entity).values("contract")
    contracts = Contract.objects.filter(Q(state=Contract.State.ACTIVE) | Q(pk__in=live), legal_entity=entity)
    contracts = contracts.select_related("customer__segment", "legal_entity", "future_invoice__current").order_by("number")
    found = {contract.number: contract for contract in contracts}
    documents = Document.objects.filter(legal_entity=entity, issue_date__gte=since)
    documents = documents.select_related("contract", "customer", "legal_entity", "posting__message").prefetch_related("lines")
    documents = documents.order_by("issue_date", "id")
    told = _told_from(entity)
    recurring = [d for d in documents if d.origin == Document.Origin.RECURRING and not hasattr(d, "posting")]
    busy, parked = _open_subjects()
    return Ours(
        entity=entity,
        contracts=found,
        versions=_versions(contract.pk for contract in found.values()),
        told_from=told,
        posted=tuple(d for d in documents if hasattr(d, "posting")),
        recurring={(d.contract.number, d.issue_date): d for d in recurring if d.issue_date >= told.get(d.contract_id, date.max)},
        corrections={c.document_id: c for c in Correction.objects.filter(document__in=[d.pk for d in recurring])},
        busy=busy,
        parked=parked,
    )


def _told_from(entity: LegalEntity) -> dict[int, date]:
    """The day of the first invoice that a template of ours was to make, by contract: older ones were never accounting's to make."""
    rows = Template.objects.filter(contract__legal_entity=entity, version__invoice_date__isnull=False).values_list("contract")
    return dict(rows.annotate(first=Min("version__invoice_date")).values_list("contract", "first"))


def _versions(contracts: Any) -> dict[int, tuple[FutureInvoiceVersion, ...]]:
    """The versions that stand for the template now live: from the one it was made for to the newest."""
    wanted = list(contracts)
    made_for = Template.objects.filter(contract__in=wanted, state=Template.State.LIVE).values_list("contract", "version__number")
    first = dict(made_for)
    found: dict[int, list[FutureInvoiceVersion]] = defaultdict(list)
    rows = FutureInvoiceVersion.objects.filter(future_invoice__contract__in=first).only("number", "invoice_date", "future_invoice")
    for version in rows.select_related("future_invoice").order_by("number"):
        contract = version.future_invoice.contract_id
        if version.number >= first[contract]:
            found[contract].append(version)
    return {contract: tuple(versions) for contract, versions in found.items()}


def _open_subjects() -> tuple[frozenset[str], dict[str, str]]:
    """Subjects of contracts with accounting messages under way, and those that are parked with the words."""
    rows = Message.objects.filter(topic__startswith="accounting.").exclude(state__in=OVER).order_by("-id")
    busy: set[str] = set()
    parked: dict[str, str] = {}
    for subject, state, words in rows.values_list("subject", "state", "last_words"):
        if state == State.PARKED:
            parked[subject] = words
        else:
            busy.add(subject)
    return frozenset(busy - set(parked)), parked


def stale_contracts(contracts: Sequence[Contract]) -> list[tuple[Contract, dict[str, Any]]]:
    """Contracts whose expected next invoice is not what a recompute from their lines gives, with that recompute (M07)."""
    current = Prefetch(
        "lines",
        queryset=ContractLine.objects.filter(removed_in__isnull=True).select_related("product").order_by("id"),
        to_attr="current_lines",
    )
    ids = [contract.pk for contract in contracts if contract.state == Contract.State.ACTIVE]
    rows = Contract.objects.filter(pk__in=ids).select_related("customer__segment", "legal_entity", "future_invoice__current")
    found = []
    for contract in rows.prefetch_related(current):
        future = getattr(contract, "future_invoice", None)
        expected = expected_next(contract)
        if future is None or future.current is None or any(getattr(future.current, k) != v for k, v in expected.items()):
            found.append((contract, expected))
    return found


# --- what was found ------------------------------------------------------------------------------------------------------


def open_findings() -> QuerySet[Finding]:
    """The open differences, oldest first."""
    found = Finding.objects.filter(closed_at__isnull=True).select_related("legal_entity", "contract__customer", "document")
    return found.order_by("found_at", "id")


def latest(user: User) -> list[Reconciliation]:
    """The newest comparison of each legal entity this person sees."""
    newest = Reconciliation.objects.values("legal_entity").annotate(newest=Max("pk")).values("newest")
    rows = visible(user, Reconciliation.objects.filter(pk__in=newest))
    return list(rows.select_related("legal_entity").order_by("legal_entity__name"))


def settled_documents(user: User | None = None) -> QuerySet[Posting]:
    """Documents that a person settled otherwise, newest first: they are not looked for in accounting. All, or those this person sees."""
    rows = Posting.objects.filter(message__state=State.SETTLED).select_related("document", "message__settled_by").order_by("-message")
    return visible(user, rows) if user else rows


def unposted(entity: LegalEntity) -> int:
    """How many of its postings are not done yet."""
    return Posting.objects.filter(contract__legal_entity=entity).exclude(message__state__in=OVER).count()
