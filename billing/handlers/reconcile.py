"""Compares dealops with accounting: reads everything over there, matches it, keeps what differs. Nothing is altered on either side."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import date, datetime

from billing.adapters.accounting import port
from billing.clock import business_date, now
from billing.connections import accounting_for
from billing.handlers.errors import said
from billing.handlers.matching import Found, Kinds, Matched, Repair, Theirs, match
from billing.models import Accounting as AccountingSystem
from billing.models import Document, Finding, LegalEntity
from billing.operations import reconcile as operations
from billing.queries import reconcile as queries
from dealops.outbox.relay import Delivery

log = logging.getLogger(__name__)

# What can be in motion while it is looked at; invoices that are there are there.
MOVING = frozenset({Kinds.TEMPLATE, Kinds.TEMPLATE_COUNT, Kinds.MISSING, Kinds.UNEXPECTED})


class NotCompared(Exception):
    """Accounting could not be read; what was open before stays open."""


def reconcile(entity: LegalEntity, *, at: datetime, since: date | None = None) -> list[Finding]:
    """Compare one legal entity as of its business date at `at`; answers what is open now.

    Documents dated before `since` (92 days back when not given) are not looked at. Raises NotCompared with accounting's words.
    """
    on = business_date(entity.time_zone, at)
    since = since or on - queries.LOOK_BACK
    run = operations.begin(entity, at=at)
    try:
        accounting = accounting_for(entity)
        accounting.organisation()
        # Ours first and again after: what moved while accounting was read is looked at next time.
        before = queries.ours_of(entity, since=since)
        theirs = _read(accounting, entity, since)
        ours = queries.ours_of(entity, since=since)
        matched = match(ours, theirs, on=on)
    except port.AccountingError as error:
        operations.fail(run, words=said(error), at=at)
        raise NotCompared(f"{entity.name} could not be compared: {said(error)}") from error
    moved = _moved(before, ours)
    found = [one for one in matched.found if one.kind not in MOVING or one.contract is None or one.contract.number not in moved]
    found += _stale(ours)
    return operations.finish(
        run,
        found=[_kept(one) for one in found],
        twins=[_read_back(document, remote) for document, remote in matched.twins],
        waiting=matched.waiting | moved,
        contracts=len(ours.contracts),
        on_the_way=matched.on_the_way,
        at=at,
    )


def _moved(before: queries.Ours, after: queries.Ours) -> set[str]:
    """Contracts that had something to post, or got another version, while accounting was being read."""
    return {
        number
        for number, contract in after.contracts.items()
        if contract.permalink in before.busy
        or number not in before.contracts
        or _version(before.contracts[number]) != _version(contract)
        or before.contracts[number].billed_until != contract.billed_until
    }


def _version(contract: object) -> int | None:
    future = getattr(contract, "future_invoice", None)
    return future.current_id if future else None


def _read(accounting: port.Accounting, entity: LegalEntity, since: date) -> Theirs:
    documents = [document for kind in ("invoice", "credit_note") for document in accounting.list_documents(kind=kind, since=since)]
    numbers = [document.number for document in documents if document.number]
    older = set(Document.objects.filter(legal_entity=entity, number__in=numbers, issue_date__lt=since).values_list("number", flat=True))

    def fetch(kind: port.Kind, id: str) -> port.RemoteDocument | None:
        return accounting.get_document(kind=kind, id=id)

    return Theirs(accounting.list_templates(), [d for d in documents if d.number not in older], fetch)


def _stale(ours: queries.Ours) -> list[Found]:
    """Where the expected next invoice is no longer what its contract's lines give (M07)."""
    found = []
    for contract, expected in queries.stale_contracts(list(ours.contracts.values())):
        words = f"The next invoice of {contract.number} is not what its lines give now: {expected['net']} {contract.currency} net."
        found.append(Found(f"future|{contract.number}", Kinds.FUTURE, words, (), Repair.REPRICE, contract=contract))
    return found


def _kept(found: Found) -> operations.Difference:
    return operations.Difference(
        key=found.key[:200],
        kind=found.kind,
        words=found.words,
        differences=[(d.field, d.ours, d.theirs) for d in found.differences],
        repair=found.repair,
        contract=found.contract,
        document=found.document,
        remote_id=found.remote_id,
        remote_url=found.remote_url,
        remote_total=found.remote_total,
    )


def _read_back(document: Document, remote: port.RemoteDocument) -> operations.Read:
    is_note = remote.kind == "credit_note"
    return operations.Read(
        document=document,
        remote_id=remote.id,
        label=remote.label or remote.number,
        url=remote.url,
        from_template=bool(remote.template_id),
        status=remote.status,
        total=remote.total,
        paid=remote.amount_paid,
        credited=remote.total - remote.remaining_credit if is_note else remote.amount_credited,
        due=remote.remaining_credit if is_note else remote.amount_due,
    )


def everything(*, at: datetime, since: date | None = None) -> tuple[list[Finding], list[str]]:
    """Every legal entity that sells and keeps books elsewhere, one after the other; (what is open, what could not be compared)."""
    found: list[Finding] = []
    problems: list[str] = []
    entities = LegalEntity.objects.exclude(accounting=AccountingSystem.IN_HOUSE)
    for entity in entities.filter(contracts__isnull=False).distinct().order_by("code"):
        try:
            found += reconcile(entity, at=at, since=since)
        except NotCompared as error:
            problems.append(str(error))
    return found, problems


def asked(delivery: Delivery) -> Callable[[], None]:
    """Somebody pressed "Compare now"."""
    _, problems = everything(at=now())
    for problem in problems:
        log.warning("%s", problem)
    return lambda: None


__all__ = ["Matched", "NotCompared", "asked", "everything", "reconcile"]
