"""Our contracts and documents beside accounting's templates and documents: what is the same, what differs, what is there twice.

Pure: both sides are handed in, no call is made here, nothing is written.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal

from billing.adapters.accounting.comparison import Difference, compare_document, compare_template, text_of
from billing.adapters.accounting.port import Kind, RemoteDocument, RemoteTemplate
from billing.handlers.payloads import document_payload, template_payload
from billing.models import Contract, Document, Finding
from billing.queries.reconcile import Ours
from dealops.outbox.models import State

Kinds, Repair = Finding.Kind, Finding.Repair
# Accounting makes the invoices of a day some time on that day, by a clock of its own.
GRACE = timedelta(days=2)
# Two documents of the same customer and amount this near each other may be one and the same.
NEAR = timedelta(days=10)
OUR_NUMBER = re.compile(r"(INV|CN)-\d{4}-\d{5,}$")


@dataclass(frozen=True, slots=True)
class Found:
    """One difference. `key` names what it is about; the same difference found again has the same key."""

    key: str
    kind: Finding.Kind
    words: str
    differences: tuple[Difference, ...] = ()
    repair: Finding.Repair = Repair.NONE
    contract: Contract | None = None
    document: Document | None = None
    remote_id: str = ""
    remote_url: str = ""
    remote_total: Decimal | None = None


@dataclass(slots=True)
class Matched:
    """All of one comparison. `waiting` are contracts (by number) with something under way: what is open about them stays as it is."""

    found: list[Found] = field(default_factory=list)
    twins: list[tuple[Document, RemoteDocument]] = field(default_factory=list)
    waiting: set[str] = field(default_factory=set)
    on_the_way: int = 0


@dataclass(frozen=True, slots=True)
class Theirs:
    """What accounting holds. `fetch` reads one document by id, for those the lists do not show any more."""

    templates: Sequence[RemoteTemplate]
    documents: Sequence[RemoteDocument]
    fetch: Callable[[Kind, str], RemoteDocument | None]


def match(ours: Ours, theirs: Theirs, *, on: date) -> Matched:
    """Compare everything; `on` is the business date of the legal entity."""
    result = Matched()
    result.waiting = {number for number, contract in ours.contracts.items() if contract.permalink in ours.busy}
    _templates(ours, theirs, result)
    claimed = _posted(ours, theirs, result)
    claimed |= _recurring(ours, theirs, result, on)
    _unclaimed(ours, theirs, result, claimed)
    return result


# --- templates ---------------------------------------------------------------------------------------------------------


def _templates(ours: Ours, theirs: Theirs, result: Matched) -> None:
    live: dict[str, list[RemoteTemplate]] = defaultdict(list)
    for template in theirs.templates:
        live[template.reference].append(template)
    for number, contract in ours.contracts.items():
        if number in result.waiting:
            result.on_the_way += 1
            continue
        found = _template_of(ours, contract, live.get(number, []))
        if found is not None:
            result.found.append(_held_back(ours, found))
    _twin_templates(ours, theirs, result)


def _template_of(ours: Ours, contract: Contract, live: list[RemoteTemplate]) -> Found | None:
    future = getattr(contract, "future_invoice", None)
    version = future.current if future else None
    wanted = 1 if version is not None and version.invoice_date and contract.state == Contract.State.ACTIVE else 0
    first = live[0] if live else None
    about = {"contract": contract, "repair": Repair.APPLY, "remote_id": first.id if first else "", "remote_url": first.url if first else ""}
    if len(live) != wanted:
        names = ", ".join(template.label or template.id for template in live)
        words = (
            f"{contract.number} has {len(live)} live templates in accounting ({names}) instead of {wanted}."
            if live
            else f"{contract.number} has no live template in accounting; its next invoice would not be made."
        )
        difference = Difference("live templates", str(wanted), str(len(live)))
        return Found(f"template|{contract.number}", Kinds.TEMPLATE_COUNT, words, (difference,), **about)
    if not wanted or version is None or first is None:
        return None
    dates = {v.invoice_date for v in ours.versions.get(contract.pk, ())} | {_following(contract, version.period_end)}
    differences = compare_template(template_payload(version, contract), first, dates=dates)
    if not differences:
        return None
    words = f"The template {first.label or first.id} of {contract.number} is not as expected: {_listed(differences)}."
    return Found(f"template|{contract.number}", Kinds.TEMPLATE, words, differences, remote_total=first.total, **about)


def _following(contract: Contract, period_end: date | None) -> date | None:
    """Accounting may have made the next invoice some hours before the bill run here; None when that was the last one."""
    return period_end if period_end is not None and period_end < contract.end else None


def _twin_templates(ours: Ours, theirs: Theirs, result: Matched) -> None:
    """A live template that is nobody's of ours but bills one of our customers the same: perhaps made by hand (F40)."""
    wanted = {}
    for contract in ours.contracts.values():
        future = getattr(contract, "future_invoice", None)
        if future and future.current and future.current.invoice_date:
            wanted[contract.customer.name, contract.currency, text_of(future.current.total)] = contract
    for template in theirs.templates:
        contract = wanted.get((template.contact_name, template.currency, text_of(template.total)))
        if contract is None or template.reference in ours.contracts:
            continue
        label = template.label or template.id
        result.found.append(
            Found(
                f"duplicate|{template.id}",
                Kinds.DUPLICATE,
                f"Possible duplicate: template {label} ({template.reference or 'no reference'}) bills {template.contact_name} the same "
                f"amount as {contract.number}. If it is the same, delete it in accounting; if it is the right one, give it the reference "
                f"{contract.number} there and delete the other.",
                contract=contract,
                remote_id=template.id,
                remote_url=template.url,
                remote_total=template.total,
            )
        )


# --- documents we posted -----------------------------------------------------------------------------------------------


def _posted(ours: Ours, theirs: Theirs, result: Matched) -> set[str]:
    """Compares every posted document with the one under its id or number; answers the ids that are accounted for."""
    by_id = {document.id: document for document in theirs.documents}
    by_number = {(d.kind, d.number): d for d in theirs.documents if d.number and d.status != "voided"}
    claimed: set[str] = set()
    for document in ours.posted:
        posting = document.posting
        remote = by_id.get(posting.remote_id) or by_number.get((document.kind, document.number))
        is_settled = posting.message.state == State.SETTLED
        if remote is None and posting.remote_id and not is_settled:
            remote = theirs.fetch(document.kind, posting.remote_id)
        if remote is not None and remote.status != "deleted":
            claimed.add(remote.id)
        if is_settled:  # a person has answered for it: it is neither missing nor compared
            continue
        if posting.message.state not in (State.DONE, State.PARKED):
            result.on_the_way += 1
            continue
        if remote is None or remote.status == "deleted":
            result.found.append(_missing(document, posting.message.last_words if posting.message.state == State.PARKED else ""))
            continue
        result.twins.append((document, remote))
        differences = compare_document(document_payload(document, with_allocations=False), remote)
        if differences:
            result.found.append(_differs(document, remote, differences))
    return claimed


def _missing(document: Document, parked: str) -> Found:
    words = f"{document.number} is not in accounting."
    if parked:
        words = f"{document.number} is not in accounting; its posting is parked: {parked}"
    difference = Difference("document", f"{document.number}, {text_of(document.total)} {document.currency}", "")
    return Found(
        f"document|{document.number}",
        Kinds.MISSING,
        words,
        (difference,),
        Repair.NONE if parked else Repair.POST,
        contract=document.contract,
        document=document,
    )


def _differs(document: Document, remote: RemoteDocument, differences: tuple[Difference, ...]) -> Found:
    words = (
        f"{document.number} is not the same in accounting: {_listed(differences)}. Issued documents are not altered; set it right there."
    )
    return Found(
        f"document|{document.number}",
        Kinds.DOCUMENT,
        words,
        differences,
        contract=document.contract,
        document=document,
        remote_id=remote.id,
        remote_url=remote.url,
        remote_total=remote.total,
    )


# --- invoices that accounting makes from its templates -----------------------------------------------------------------


def _recurring(ours: Ours, theirs: Theirs, result: Matched, on: date) -> set[str]:
    """Matches what accounting's templates made with our recurring invoices by contract and date (F41, F42)."""
    made: dict[tuple[str, date], list[RemoteDocument]] = defaultdict(list)
    for remote in theirs.documents:
        if remote.template_id and remote.issue_date and remote.reference in ours.contracts and remote.status != "draft":
            made[remote.reference, remote.issue_date].append(remote)
    posted = {(d.contract.number, d.issue_date) for d in ours.posted if d.origin == Document.Origin.RECURRING}
    for key, document in ours.recurring.items():
        if not made.get(key):
            _not_made(ours, theirs, document, result, on)
    claimed: set[str] = set()
    for key, remotes in made.items():
        claimed |= {remote.id for remote in remotes}
        standing = [remote for remote in remotes if remote.status != "voided"] or remotes
        document = ours.recurring.get(key)
        if document is None:
            _not_ours(ours, key, standing, key in posted, result)
            continue
        best = min(standing, key=lambda remote: (remote.total != document.total, remote.id))
        result.twins.append((document, best))
        _amounts(ours, document, best, result)
        for other in standing:
            if other is not best and other.status != "voided":
                result.found.append(_doubled(document, other))
    return claimed


def _amounts(ours: Ours, document: Document, remote: RemoteDocument, result: Matched) -> None:
    correction = ours.corrections.get(document.pk)
    sign = {None: 0, "invoice": 1, "credit_note": -1}[correction.kind if correction else None]
    pairs = [
        ("currency", document.currency, remote.currency),
        ("status", "issued", "issued" if remote.status in ("issued", "paid") else remote.status),
    ]
    for name in ("net", "tax", "total"):
        there = getattr(remote, name) + sign * (getattr(correction, name) if correction else Decimal(0))
        pairs.append((name, getattr(document, name), there))
    differences = tuple(Difference(n, text_of(a), text_of(b)) for n, a, b in pairs if text_of(a) != text_of(b))
    if not differences:
        return
    can_correct = correction is None and document.currency == remote.currency and remote.status in ("issued", "paid")
    can_correct = can_correct and _same_sign(document.net - remote.net, document.tax - remote.tax)
    found = Found(
        f"old_amount|{remote.id}",
        Kinds.OLD_AMOUNT,
        f"Accounting's template made {remote.label or remote.number} of {document.issue_date:%-d %b %Y} for {document.contract.number} "
        f"with other amounts than {document.number}: {_listed(differences)}.",
        differences,
        Repair.CORRECT if can_correct else Repair.NONE,
        contract=document.contract,
        document=document,
        remote_id=remote.id,
        remote_url=remote.url,
        remote_total=remote.total,
    )
    result.found.append(found)


def _same_sign(net: Decimal, tax: Decimal) -> bool:
    """One document can carry the difference: both parts up, or both down."""
    return (net >= 0 and tax >= 0) or (net <= 0 and tax <= 0)


def _not_made(ours: Ours, theirs: Theirs, document: Document, result: Matched, on: date) -> None:
    number = document.contract.number
    nexts = [t.next_date for t in theirs.templates if t.reference == number and t.next_date]
    if number in result.waiting or (document.issue_date >= on - GRACE and any(day <= document.issue_date for day in nexts)):
        result.on_the_way += 1
        return
    if any(day <= document.issue_date for day in nexts):
        words = f"Accounting has not made its invoice of {document.issue_date:%-d %b %Y} for {number} yet ({document.number} here)."
        result.found.append(Found(f"recurring|{document.number}", Kinds.MISSING, words, contract=document.contract, document=document))
        return
    found = _missing(document, "")
    result.found.append(found)


def _not_ours(ours: Ours, key: tuple[str, date], remotes: list[RemoteDocument], is_posted: bool, result: Matched) -> None:
    """Made by a template, and no recurring invoice here that it could be the twin of."""
    number, day = key
    contract = ours.contracts[number]
    version = contract.future_invoice.current if getattr(contract, "future_invoice", None) else None
    if version is not None and version.invoice_date == day and not is_posted:
        result.on_the_way += 1  # the bill run here comes later that day
        return
    if day < ours.told_from.get(contract.pk, date.max):
        return
    for remote in remotes:
        if remote.status == "voided":
            continue
        what = "is posted already under our own number" if is_posted else "is not billed here"
        result.found.append(
            Found(
                f"unexpected|{remote.id}",
                Kinds.DUPLICATE if is_posted else Kinds.UNEXPECTED,
                f"Accounting's template made {remote.label or remote.number} of {day:%-d %b %Y} for {number}, but that period {what}.",
                contract=contract,
                remote_id=remote.id,
                remote_url=remote.url,
                remote_total=remote.total,
            )
        )


def _doubled(document: Document, remote: RemoteDocument) -> Found:
    return Found(
        f"duplicate|{remote.id}",
        Kinds.DUPLICATE,
        f"Accounting has {remote.label or remote.number} a second time for {document.contract.number} of "
        f"{document.issue_date:%-d %b %Y} ({document.number} here). Void the one that should not be there.",
        contract=document.contract,
        document=document,
        remote_id=remote.id,
        remote_url=remote.url,
        remote_total=remote.total,
    )


# --- what is there and nobody here knows -------------------------------------------------------------------------------


def _unclaimed(ours: Ours, theirs: Theirs, result: Matched, claimed: set[str]) -> None:
    """Documents under a number of ours that we do not know (after a restore, F109), and twins made by hand (F40).

    One that somebody entered by hand instead of a document that is settled otherwise is no twin: it is that document.
    """
    mine: dict[tuple[str, str, str, str], list[Document]] = defaultdict(list)
    standing = {(remote.kind, remote.number) for remote in theirs.documents if remote.status not in ("voided", "draft")}
    settled = [d for d in ours.posted if d.posting.message.state == State.SETTLED and (d.kind, d.number) not in standing]
    # Those first: what fits one of them is not the twin of another.
    for document in (*settled, *(d for d in ours.posted if d not in settled), *ours.recurring.values()):
        mine[document.kind, document.customer.name, document.currency, text_of(document.total)].append(document)
    known = {correction.number for correction in ours.corrections.values()}
    for remote in theirs.documents:
        if remote.id in claimed or remote.status in ("voided", "draft") or remote.number in known or remote.template_id:
            continue
        same = mine.get((remote.kind, remote.contact_name, remote.currency, text_of(remote.total)), [])
        near = next((d for d in same if remote.issue_date and abs(d.issue_date - remote.issue_date) <= NEAR), None)
        if near is not None and near in settled:
            settled.remove(near)  # a second one is a duplicate all the same
        elif near is not None:
            result.found.append(_by_hand(near, remote))
        elif OUR_NUMBER.search(remote.number):
            result.found.append(_unknown(remote))


def _by_hand(document: Document, remote: RemoteDocument) -> Found:
    return Found(
        f"duplicate|{remote.id}",
        Kinds.DUPLICATE,
        f"Possible duplicate: {remote.label or remote.number or remote.id} in accounting has the same customer and total as "
        f"{document.number}, {abs((document.issue_date - (remote.issue_date or document.issue_date)).days)} days apart. If it is the same "
        "one entered by hand, void it there.",
        contract=document.contract,
        document=document,
        remote_id=remote.id,
        remote_url=remote.url,
        remote_total=remote.total,
    )


def _unknown(remote: RemoteDocument) -> Found:
    return Found(
        f"unexpected|{remote.id}",
        Kinds.UNEXPECTED,
        f"Accounting holds {remote.number} ({remote.reference or 'no reference'}, {text_of(remote.total)} {remote.currency}), which is not "
        "known here. After a restore from a backup: it was issued later than the backup; enter what it bills again before numbers go on.",
        remote_id=remote.id,
        remote_url=remote.url,
        remote_total=remote.total,
    )


# --- words -------------------------------------------------------------------------------------------------------------


def _listed(differences: Iterable[Difference]) -> str:
    return "; ".join(str(difference) for difference in differences)


def _held_back(ours: Ours, found: Found) -> Found:
    """While a message of the contract is parked no repair is offered: it would wait behind that one."""
    contract = found.contract
    if contract is None or contract.permalink not in ours.parked:
        return found
    words = f"{found.words} A message of this contract is parked; decide about that one first."
    return Found(
        found.key, found.kind, words, found.differences, Repair.NONE, found.contract, found.document, found.remote_id, found.remote_url
    )
