"""What the comparison with accounting found is kept, and what people decide about it: repair, or leave it with a reason."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import transaction

from billing import rules
from billing.models import Contract, Correction, Document, Finding, LegalEntity, Posting, Reconciliation, Twin
from billing.operations import contracts, future_invoices
from billing.operations.postings import DOCUMENT_TOPIC, queue_document
from dealops.accounts.models import User
from dealops.audit.operations import record
from dealops.outbox.models import OVER, Message
from dealops.outbox.operations import enqueue

CORRECTION_TOPIC = "accounting.correction"
RECONCILE_TOPIC = "accounting.reconcile"
DISMISSED = "Left as it is: "


class NotAllowed(Exception):
    """This person does not decide about differences; the sentence says who does."""


class CannotRepair(Exception):
    """The difference cannot be repaired from here; the sentence says why and what to do."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One difference to be kept; `key` is the same every time it is found."""

    key: str
    kind: str
    words: str
    differences: Sequence[Sequence[str]]
    repair: str
    contract: Contract | None
    document: Document | None
    remote_id: str
    remote_url: str
    remote_total: Decimal | None


@dataclass(frozen=True, slots=True)
class Read:
    """Accounting's copy of one document."""

    document: Document
    remote_id: str
    label: str
    url: str
    from_template: bool
    status: str
    total: Decimal
    paid: Decimal
    credited: Decimal
    due: Decimal


def ask(*, by: User, at: datetime) -> Message:
    """Compare soon, in the background; asked for twice within a minute it is done once. Raises NotAllowed."""
    _allowed(by)
    with transaction.atomic():
        return enqueue(
            topic=RECONCILE_TOPIC, identity=f"{at:%Y-%m-%dT%H:%M}", subject="accounting:reconcile", payload={}, queue="bulk", at=None
        )


def begin(entity: LegalEntity, *, at: datetime) -> Reconciliation:
    """A comparison starts."""
    return Reconciliation.objects.create(legal_entity=entity, started_at=at)


def fail(run: Reconciliation, *, words: str, at: datetime) -> None:
    """It could not be finished; what is open stays open."""
    run.words, run.ended_at = words, at
    run.save(update_fields=["words", "ended_at"])


def finish(
    run: Reconciliation,
    *,
    found: Sequence[Difference],
    twins: Iterable[Read],
    waiting: Collection[str],
    contracts: int,
    on_the_way: int,
    at: datetime,
) -> list[Finding]:
    """Keep what was found, close what is gone; answers what is open now. `waiting` are contracts that were not looked at."""
    with transaction.atomic():
        opened = {one.key: one for one in Finding.objects.select_for_update().filter(legal_entity=run.legal_entity, closed_at__isnull=True)}
        left_alone = _dismissed(run.legal_entity, found)
        stays: list[Finding] = []
        for difference in {one.key: one for one in found}.values():
            row = opened.pop(difference.key, None)
            if row is not None:
                stays.append(_seen_again(row, difference, at))
            elif left_alone.get(difference.key) != _plain(difference):
                stays.append(_new(run.legal_entity, difference, at))
        for row in opened.values():
            if row.contract_id and row.contract is not None and row.contract.number in waiting:
                stays.append(row)
            else:
                _close(row, how="No longer there.", by=None, at=at)
        count = _keep_twins(twins, at)
        run.contracts, run.documents, run.on_the_way, run.differences, run.ended_at = contracts, count, on_the_way, len(stays), at
        run.save()
    return stays


def _plain(difference: Difference) -> list[list[str]]:
    return [list(row) for row in difference.differences]


def _dismissed(entity: LegalEntity, found: Sequence[Difference]) -> dict[str, list[list[str]]]:
    """What people have looked at and left, with the differences they saw; another difference is news."""
    rows = Finding.objects.filter(legal_entity=entity, key__in=[one.key for one in found], closed_how__startswith=DISMISSED)
    return {row.key: row.differences for row in rows.order_by("closed_at")}


def _columns(difference: Difference) -> dict[str, Any]:
    return {
        "kind": difference.kind,
        "words": difference.words,
        "differences": _plain(difference),
        "repair": difference.repair,
        "remote_id": difference.remote_id,
        "remote_url": difference.remote_url,
        "remote_total": difference.remote_total,
    }


def _seen_again(row: Finding, difference: Difference, at: datetime) -> Finding:
    for name, value in _columns(difference).items():
        setattr(row, name, value)
    row.seen_at = at
    row.save()
    return row


def _new(entity: LegalEntity, difference: Difference, at: datetime) -> Finding:
    row = Finding.objects.create(
        key=difference.key,
        legal_entity=entity,
        contract=difference.contract,
        document=difference.document,
        found_at=at,
        seen_at=at,
        **_columns(difference),
    )
    _tell(row, "reconcile.found", row.words, by=None, at=at)
    return row


def _close(row: Finding, *, how: str, by: User | None, at: datetime) -> None:
    row.closed_at, row.closed_by, row.closed_how = at, by, how
    row.save(update_fields=["closed_at", "closed_by", "closed_how"])


def _keep_twins(twins: Iterable[Read], at: datetime) -> int:
    rows = [
        Twin(
            document=read.document,
            remote_id=read.remote_id,
            label=read.label,
            url=read.url,
            from_template=read.from_template,
            status=read.status,
            total=read.total,
            paid=read.paid,
            credited=read.credited,
            due=read.due,
            read_at=at,
        )
        for read in twins
    ]
    Twin.objects.filter(remote_id__in=[row.remote_id for row in rows]).exclude(document__in=[row.document_id for row in rows]).delete()
    names = ["remote_id", "label", "url", "from_template", "status", "total", "paid", "credited", "due", "read_at"]
    Twin.objects.bulk_create(rows, update_conflicts=True, unique_fields=["document"], update_fields=names, batch_size=1000)
    return len(rows)


# --- decisions of people -----------------------------------------------------------------------------------------------


def dismiss(*, finding_id: int, reason: str, by: User, at: datetime) -> Finding:
    """A person has looked and leaves it: the same difference is not reported again. Raises NotAllowed, CannotRepair when it is closed."""
    _allowed(by)
    with transaction.atomic():
        row = _open(finding_id)
        _close(row, how=f"{DISMISSED}{reason}", by=by, at=at)
        _tell(row, "reconcile.dismissed", f"{by} left a difference as it is: {row.words}", by=by, at=at, reason=reason)
    return row


def close_about(document: Document, *, how: str, by: User, at: datetime) -> None:
    """A person has answered for the document: that it is not in accounting, or not as it is here, is no open difference any more."""
    for row in Finding.objects.select_for_update().filter(key=f"document|{document.number}", closed_at__isnull=True):
        _close(row, how=how, by=by, at=at)


def repair(*, finding_id: int, by: User, at: datetime) -> Finding:
    """Do what is proposed. It goes out through the outbox like everything else and stays open until the next comparison agrees."""
    _allowed(by)
    with transaction.atomic():
        row = _open(finding_id)
        if not row.repair:
            raise CannotRepair("Nothing can be done about this from here; look at it in accounting.")
        contract = contracts.lock(row.contract_id) if row.contract_id else None
        if contract is not None and Message.objects.filter(subject=contract.permalink).exclude(state__in=OVER).exists():
            raise CannotRepair(f"Something of {contract.number} is still on its way to accounting. When that is done, compare again.")
        _REPAIRS[Finding.Repair(row.repair)](row, contract, by, at)
        _tell(row, "reconcile.repaired", f"{by} had a difference repaired: {row.words}", by=by, at=at)
    return row


def _allowed(by: User) -> None:
    if words := rules.why_not_repair(by):
        raise NotAllowed(words)


def _open(finding_id: int) -> Finding:
    row = Finding.objects.select_for_update(of=("self",)).select_related("contract", "document__contract").get(pk=finding_id)
    if row.closed_at:
        raise CannotRepair(f"This difference is closed already: {row.closed_how}")
    return row


def _reprice(row: Finding, contract: Contract | None, by: User, at: datetime) -> None:
    assert contract is not None
    future_invoices.reprice(contract, reference="", at=at)


def _apply(row: Finding, contract: Contract | None, by: User, at: datetime) -> None:
    """A new version with the same content, so that the replacement has steps and keys of its own."""
    assert contract is not None
    future_invoices.reprice(contract, reference="", at=at, new_end=True)


def _post(row: Finding, contract: Contract | None, by: User, at: datetime) -> None:
    """A document that was never told is told; one that was told and is gone is told again, looked up first."""
    document = row.document
    assert document is not None
    posting = Posting.objects.filter(document=document).first()
    if posting is None:
        queue_document(document)
        return
    posting.message = enqueue(
        topic=DOCUMENT_TOPIC,
        identity=f"{document.legal_entity.code}|{document.number}|again {row.pk} {posting.message_id}",
        subject=document.contract.permalink,
        payload={"document": document.number, "look_first": True},
    )
    posting.remote_id, posting.verified_at = "", None
    posting.save(update_fields=["message", "remote_id", "verified_at"])


def _correct(row: Finding, contract: Contract | None, by: User, at: datetime) -> None:
    """The difference between our recurring invoice and the one accounting made, as a document of accounting's own; once (F42)."""
    document = row.document
    assert document is not None
    parts = {name: (Decimal(ours), Decimal(theirs)) for name, ours, theirs in row.differences if name in ("net", "tax", "total")}
    net, tax = (parts[name][0] - parts[name][1] if name in parts else Decimal(0) for name in ("net", "tax"))
    if Correction.objects.filter(document=document).exists():
        raise CannotRepair(f"The difference of {document.number} was posted already.")
    number = f"{document.number}-C"
    message = enqueue(
        topic=CORRECTION_TOPIC,
        identity=f"{document.legal_entity.code}|{number}",
        subject=document.contract.permalink,
        payload={"document": document.number, "twin": row.remote_id},
    )
    Correction.objects.create(
        document=document,
        number=number,
        kind=Document.Kind.INVOICE if net + tax > 0 else Document.Kind.CREDIT_NOTE,
        net=abs(net),
        tax=abs(tax),
        total=abs(net + tax),
        message=message,
        created_at=at,
        created_by=by,
    )


_REPAIRS = {
    Finding.Repair.REPRICE: _reprice,
    Finding.Repair.APPLY: _apply,
    Finding.Repair.POST: _post,
    Finding.Repair.CORRECT: _correct,
}


def note_corrected(correction: Correction, *, remote_id: str, remote_url: str, label: str, at: datetime) -> None:
    """Accounting has the difference. Runs in the transaction that marks the message done."""
    Correction.objects.filter(pk=correction.pk).update(remote_id=remote_id, remote_url=remote_url)
    document = correction.document
    record(
        action="document.corrected",
        sentence=f"{correction.number} evens out what accounting's template made for {document.number}, as {label or remote_id}.",
        subjects=[document.permalink, document.contract.permalink, document.customer.permalink],
        chain=document.legal_entity.code,
        at=at,
        after={"remote_id": remote_id, "total": str(correction.total), "kind": correction.kind},
    )


def _tell(row: Finding, action: str, sentence: str, *, by: User | None, at: datetime, reason: str = "") -> None:
    subjects = [f"entity:{row.legal_entity.code}"]
    subjects += [row.contract.permalink] if row.contract else []
    subjects += [row.document.permalink] if row.document else []
    record(
        action=action,
        sentence=sentence,
        subjects=subjects,
        chain=row.legal_entity.code,
        at=at,
        by=by,
        after={"finding": row.pk, "differences": row.differences, "repair": row.repair},
        reason=reason,
    )
