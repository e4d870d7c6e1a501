"""What accounting has to hear, written beside the document or the future invoice it speaks of, and what it answered."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import date, datetime

from billing.domain.money import round_money
from billing.models import Contract, Document, FutureInvoiceVersion, Posting, PostingStep, Template
from dealops.audit.operations import record
from dealops.outbox.operations import BULK, Effect, enqueue, enqueue_new, queue_of_what_is_caused

DOCUMENT_TOPIC = "accounting.document"
TEMPLATE_TOPIC = "accounting.template"
# The same two where dealops bills itself: the customer gets the document, and the next invoice stays here.
MAIL_TOPIC = "customer.document"
KEPT_TOPIC = "customer.next_invoice"


def queue_document(document: Document) -> Posting:
    """Tell accounting about an issued document, exactly once, in the order of its contract; or the customer, where dealops bills itself.

    What bulk work issues waits in the queue for that. The invoices of one legal entity in it may go in one call; a credit note goes alone,
    because it has to be used on its invoices afterwards.
    """
    entity, queue = document.legal_entity, queue_of_what_is_caused()
    together = queue == BULK and not entity.bills_itself and document.kind == Document.Kind.INVOICE
    message = enqueue(
        topic=MAIL_TOPIC if entity.bills_itself else DOCUMENT_TOPIC,
        identity=f"{entity.code}|{document.number}",
        subject=document.contract.permalink,
        payload={"document": document.number, **({"together": entity.code} if together else {})},
        queue=queue,
    )
    return Posting.objects.create(
        kind=Posting.Kind.DOCUMENT, contract=document.contract, document=document, reference=document.reference, message=message
    )


def queue_letters(documents: Sequence[Document]) -> None:
    """The recurring invoices of a bill run to their customers, where dealops bills itself; in three statements however many."""
    messages = enqueue_new(
        topic=MAIL_TOPIC,
        effects=[Effect(f"{d.legal_entity.code}|{d.number}", d.contract.permalink, {"document": d.number}) for d in documents],
        queue=BULK,
    )
    Posting.objects.bulk_create(
        Posting(kind=Posting.Kind.DOCUMENT, contract=document.contract, document=document, reference=document.reference, message=message)
        for document, message in zip(documents, messages, strict=True)
    )


def queue_template(version: FutureInvoiceVersion) -> Posting:
    """Replace the repeating template in accounting by this version: the steps and their keys exist before the first call (F41)."""
    contract = version.future_invoice.contract
    bills_itself = contract.legal_entity.bills_itself
    message = enqueue(
        topic=KEPT_TOPIC if bills_itself else TEMPLATE_TOPIC,
        identity=_identity(contract, version),
        subject=contract.permalink,
        payload={"version": version.pk},
    )
    posting = Posting.objects.create(
        kind=Posting.Kind.TEMPLATE, contract=contract, version=version, reference=version.reference or contract.number, message=message
    )
    steps = () if bills_itself else PostingStep.Name.values
    PostingStep.objects.bulk_create(PostingStep(posting=posting, name=name, position=place) for place, name in enumerate(steps, start=1))
    return posting


def queue_templates(versions: Sequence[FutureInvoiceVersion]) -> list[Posting]:
    """The same for many new versions of a bill run, in four statements however many they are; they never delay an approval (F29).

    Where dealops bills itself nobody has to hear of them.
    """
    versions = [version for version in versions if not version.future_invoice.contract.legal_entity.bills_itself]
    contracts = [version.future_invoice.contract for version in versions]
    messages = enqueue_new(
        topic=TEMPLATE_TOPIC,
        effects=[
            Effect(_identity(contract, version), contract.permalink, {"version": version.pk})
            for contract, version in zip(contracts, versions, strict=True)
        ],
        queue=BULK,
    )
    postings = Posting.objects.bulk_create(
        Posting(
            kind=Posting.Kind.TEMPLATE, contract=contract, version=version, reference=version.reference or contract.number, message=message
        )
        for contract, version, message in zip(contracts, versions, messages, strict=True)
    )
    PostingStep.objects.bulk_create(
        PostingStep(posting=posting, name=name, position=place)
        for posting in postings
        for place, name in enumerate(PostingStep.Name.values, start=1)
    )
    return postings


def _identity(contract: Contract, version: FutureInvoiceVersion) -> str:
    return f"{contract.legal_entity.code}|{contract.number}|v{version.number}"


def note_document_seen(posting: Posting, *, remote_id: str, remote_number: str, remote_url: str) -> None:
    """Accounting holds something under our number; whether it agrees is not known yet. A parked posting shows it (F45)."""
    posting.remote_id, posting.remote_number, posting.remote_url = remote_id, remote_number, remote_url
    posting.save(update_fields=["remote_id", "remote_number", "remote_url"])


def note_document_posted(posting: Posting, *, remote_id: str, remote_number: str, remote_url: str, adopted: bool, at: datetime) -> None:
    """Accounting has the document and its totals agree. Runs in the transaction that marks the message done."""
    posting.remote_id, posting.remote_number, posting.remote_url, posting.verified_at = remote_id, remote_number, remote_url, at
    posting.save(update_fields=["remote_id", "remote_number", "remote_url", "verified_at"])
    document = posting.document
    assert document is not None
    how = "was found in accounting, posted once" if adopted else "was posted to accounting"
    record(
        action="document.posted",
        sentence=f"{document.number} {how} as {remote_number or remote_id}.",
        subjects=[document.permalink, f"change:{document.reference}", document.contract.permalink, document.customer.permalink],
        chain=document.legal_entity.code,
        at=at,
        after={"remote_id": remote_id, "remote_number": remote_number, "adopted": adopted},
    )


def note_document_sent(posting: Posting, *, address: str, message_id: str, at: datetime) -> None:
    """The customer's mail server took it. Runs in the transaction that marks the message done."""
    posting.remote_id, posting.remote_number, posting.verified_at = message_id, f"e-mail to {address}"[:80], at
    posting.save(update_fields=["remote_id", "remote_number", "verified_at"])
    document = posting.document
    assert document is not None
    record(
        action="document.sent",
        sentence=f"{document.number} was sent to {address}.",
        subjects=[document.permalink, f"change:{document.reference}", document.contract.permalink, document.customer.permalink],
        chain=document.legal_entity.code,
        at=at,
        after={"message_id": message_id},
    )


def note_next_invoice_kept(posting: Posting, *, at: datetime) -> None:
    """No accounting system makes the next invoice: dealops issues it on its day."""
    contract, version = posting.contract, posting.version
    assert version is not None
    posting.verified_at = at
    posting.save(update_fields=["verified_at"])
    if version.invoice_date is None:
        words = f"No recurring invoice is left for {contract.number}."
    else:
        amount = f"{version.currency} {round_money(version.net, version.currency)}"
        words = f"dealops issues the next invoice of {contract.number} itself on {version.invoice_date:%-d %b %Y}: {amount} net."
    record(
        action="future_invoice.kept",
        sentence=words,
        subjects=[f"change:{posting.reference}", contract.permalink, contract.customer.permalink],
        chain=contract.legal_entity.code,
        at=at,
        after={"net": str(version.net), "total": str(version.total)},
    )


def note_step(step: PostingStep, *, remote_id: str = "", at: datetime) -> None:
    """One step of the replace saga is done."""
    step.remote_id, step.done_at = remote_id, at
    step.save(update_fields=["remote_id", "done_at"])


def note_began_anew(posting: Posting, *, left: str, at: datetime) -> None:
    """The steps start over under new keys: what was made is overtaken, or not what was asked for (`left`, kept to be looked at).

    The keys are renewed before the next call, never for a try whose outcome is open: what that left is looked up by its content.
    """
    for step in posting.steps.all():
        step.key, step.remote_id, step.done_at = uuid.uuid4(), "", None
        step.save(update_fields=["key", "remote_id", "done_at"])
    if not left:
        return
    posting.remote_id = left
    posting.save(update_fields=["remote_id"])
    record(
        action="future_invoice.not_taken",
        sentence=f"The new template {left} of {posting.contract.number} is not as it should be in accounting and is not used.",
        subjects=[f"change:{posting.reference}", posting.contract.permalink],
        chain=posting.contract.legal_entity.code,
        at=at,
        after={"template": left},
    )


def note_template_live(posting: Posting, version: FutureInvoiceVersion, *, remote_id: str, removed: list[str], at: datetime) -> None:
    """Exactly one template is live in accounting and it is `version`, the newest (M10)."""
    contract = posting.contract
    Template.objects.filter(contract=contract, state=Template.State.LIVE).exclude(remote_id=remote_id).update(state=Template.State.DELETED)
    if remote_id:
        Template.objects.update_or_create(
            remote_id=remote_id,
            defaults={
                "contract": contract,
                "version": version,
                "state": Template.State.LIVE,
                "net": version.net,
                "tax": version.tax,
                "total": version.total,
                "next_date": version.invoice_date,
                "verified_at": at,
            },
        )
    posting.remote_id, posting.verified_at = remote_id, at
    posting.save(update_fields=["remote_id", "verified_at"])
    record(
        action="future_invoice.confirmed",
        sentence=_template_sentence(contract, version, remote_id),
        subjects=[f"change:{posting.reference}", contract.permalink, contract.customer.permalink],
        chain=contract.legal_entity.code,
        at=at,
        after={"template": remote_id, "removed": removed, "net": str(version.net), "total": str(version.total)},
    )


def note_template_found(version: FutureInvoiceVersion, contract: Contract, *, remote_id: str, next_date: date | None, at: datetime) -> None:
    """Somebody changed the template over there, and it is exactly `version`: it is the live one from now on (M10, S0-19)."""
    Template.objects.filter(contract=contract, state=Template.State.LIVE).exclude(remote_id=remote_id).update(state=Template.State.DELETED)
    Template.objects.update_or_create(
        remote_id=remote_id,
        defaults={
            "contract": contract,
            "version": version,
            "state": Template.State.LIVE,
            "net": version.net,
            "tax": version.tax,
            "total": version.total,
            "next_date": next_date,
            "verified_at": at,
        },
    )
    record(
        action="future_invoice.confirmed",
        sentence=_template_sentence(contract, version, remote_id),
        subjects=[f"change:{version.reference}", contract.permalink, contract.customer.permalink],
        chain=contract.legal_entity.code,
        at=at,
        after={"template": remote_id, "by_hand": True, "net": str(version.net), "total": str(version.total)},
    )


def _template_sentence(contract: Contract, version: FutureInvoiceVersion, remote_id: str) -> str:
    if not remote_id or version.invoice_date is None:
        return f"No recurring invoice is left for {contract.number}; accounting has no live template any more."
    amount = f"{version.currency} {round_money(version.net, version.currency)}"
    return f"Accounting confirms the next invoice of {version.invoice_date:%-d %b %Y}: {amount} net, one live template."
