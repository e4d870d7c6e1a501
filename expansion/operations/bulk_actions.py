"""What can be done to many rows at once: who may, which rows cannot and why, and the operation that runs for each."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db.models import QuerySet

from billing.domain.refusal import Refusal
from billing.models import Document
from dealops.accounts.models import Role, User
from dealops.outbox import operations as outbox
from dealops.outbox.models import Message, State
from expansion import rules
from expansion.domain import workflow
from expansion.models import BulkJob, BulkRow, Change, Deal
from expansion.operations import changes, importing, owners, reminding
from expansion.queries import approvals

CHUNK = 500
LONGEST_REASON = 2000


@dataclass(frozen=True, slots=True)
class Candidate:
    """One chosen row: what people call it, what it amounts to, what was shown of it, and why it is left out (empty: it is not)."""

    target: int | None
    label: str
    path: str = ""
    currency: str = ""
    amount: Decimal | None = None
    shown: Mapping[str, Any] = field(default_factory=dict)
    why_not: str = ""
    words: str = ""


@dataclass(frozen=True, slots=True)
class Action:
    """`why_not` is asked of the person, `candidates` of the rows, `run` for each row that is done (it answers what it did)."""

    title: str
    lists: tuple[str, ...]
    why_not: Callable[[User], str | None]
    candidates: Callable[[QuerySet[Any], User, datetime], Iterator[Candidate]]
    run: Callable[[BulkRow, BulkJob, datetime], str]
    again: Callable[[QuerySet[BulkRow], BulkJob, User, datetime], Iterator[Candidate]]
    check: Callable[[dict[str, Any], User], dict[str, Any]] = lambda settings, by: settings
    needs: str = ""


def _chunks(found: QuerySet[Any]) -> Iterator[list[Any]]:
    chunk: list[Any] = []
    for row in found.iterator(chunk_size=CHUNK):
        chunk.append(row)
        if len(chunk) == CHUNK:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


# --- changes: approve, reject, remind ------------------------------------------------------------------------------------


def _change_candidate(change: Change, why_not: str) -> Candidate:
    return Candidate(
        target=change.pk,
        label=f"{change.number} {change.deal.customer.name}",
        path=f"/approvals/{change.number}",
        currency=change.currency,
        amount=change.amount_now,
        shown={"version": change.version, "hash": change.content_hash},
        why_not=why_not,
    )


def _to_approve(found: QuerySet[Change], by: User, now: datetime) -> Iterator[Candidate]:
    """Rows with nothing to look at, in the currency most of them are in; the others need their own review (S08)."""
    currency = _main_currency(found)
    for chunk in _chunks(found):
        for row in approvals.rows_of(chunk, by, now):
            yield _change_candidate(row.change, row.why_not or _why_reviewed(row, currency))


def _why_reviewed(row: approvals.Row, currency: str) -> str:
    if row.flags:
        return f"Needs its own review: {row.flags[0].word.lower()}."
    if row.change.currency != currency:
        return f"In {row.change.currency}; one approval of many is in one currency, here {currency}."
    return ""


def _main_currency(found: QuerySet[Change]) -> str:
    counts: dict[str, int] = {}
    for currency in found.order_by().values_list("currency", flat=True).iterator(chunk_size=5000):
        counts[currency] = counts.get(currency, 0) + 1
    return max(sorted(counts), key=lambda code: counts[code], default="")


def _to_reject(found: QuerySet[Change], by: User, now: datetime) -> Iterator[Candidate]:
    for chunk in _chunks(found):
        for change in chunk:
            yield _change_candidate(change, rules.why_not_decide(by, change) or "")


def _to_remind(found: QuerySet[Change], by: User, now: datetime) -> Iterator[Candidate]:
    for chunk in _chunks(found):
        for change in chunk:
            yield _change_candidate(change, reminding.why_not_remind(by, change) or "")


def _approve(row: BulkRow, job: BulkJob, now: datetime) -> str:
    """Bound to the version and the content that stood on the confirmation page; the whole gate runs again per row."""
    done = changes.approve(change_id=_target(row), version=row.shown["version"], shown_hash=row.shown["hash"], by=job.by, now=now)
    return f"{workflow.LABELS[workflow.State(done.state)]}. {done.document_number}".strip()


def _reject(row: BulkRow, job: BulkJob, now: datetime) -> str:
    changes.reject(change_id=_target(row), version=row.shown["version"], reason=job.settings["reason"], by=job.by, now=now)
    return "Rejected."


def _remind(row: BulkRow, job: BulkJob, now: datetime) -> str:
    return f"{reminding.remind(change_id=_target(row), by=job.by, now=now)} people reminded."


def _changes_again(candidates: Callable[..., Iterator[Candidate]]) -> Callable[..., Iterator[Candidate]]:
    def again(rows: QuerySet[BulkRow], job: BulkJob, by: User, now: datetime) -> Iterator[Candidate]:
        found = Change.objects.filter(pk__in=rows.values("target"))
        return candidates(found.select_related("deal__customer", "deal__contract__legal_entity", "maker").order_by("due_at", "pk"), by, now)

    return again


def _only(*roles: Role) -> Callable[[User], str | None]:
    names = " and ".join(role.label for role in Role if role in roles)

    def why_not(user: User) -> str | None:
        return None if user.role in roles and user.is_active else f"{names} may do this. Ask somebody there."

    return why_not


def _with_reason(settings: dict[str, Any], by: User) -> dict[str, Any]:
    reason = str(settings.get("reason", "")).strip()
    if not 5 <= len(reason) <= LONGEST_REASON:
        raise Refusal("reason_missing", "reason", "Say in a sentence why, so that the makers know what to change; one reason for all.")
    return {"reason": reason}


# --- deals: assign ---------------------------------------------------------------------------------------------------------


def _to_assign(found: QuerySet[Deal], by: User, now: datetime) -> Iterator[Candidate]:
    for chunk in _chunks(found):
        for deal in chunk:
            yield Candidate(
                target=deal.pk,
                label=f"{deal.number} {deal.customer.name}",
                path=f"/deals/{deal.number}",
                currency=deal.currency,
                amount=deal.mrr,
                shown={"version": deal.version},
                why_not=rules.why_not_change(by, deal) or "",
            )


def _assign(row: BulkRow, job: BulkJob, now: datetime) -> str:
    deal = owners.assign(deal_id=_target(row), owner_id=job.settings["owner"], version=row.shown["version"], by=job.by, now=now)
    return f"Now {deal.owner}’s."


def _known_owner(settings: dict[str, Any], by: User) -> dict[str, Any]:
    text = str(settings.get("owner", ""))
    owner = owners.possible().filter(pk=int(text)).first() if text.isascii() and text.isdecimal() and len(text) < 10 else None
    if owner is None:
        raise Refusal("owner_missing", "owner", "Choose who should own these deals.")
    return {"owner": owner.pk, "owner_name": owner.name}


def _deals_again(rows: QuerySet[BulkRow], job: BulkJob, by: User, now: datetime) -> Iterator[Candidate]:
    return _to_assign(Deal.objects.filter(pk__in=rows.values("target")).select_related("customer").order_by("number"), by, now)


# --- messages to others: let them go again -----------------------------------------------------------------------------------

RETRIED = (State.PARKED, State.UNKNOWN)


def _to_retry(found: QuerySet[Any], by: User, now: datetime) -> Iterator[Candidate]:
    """From the list of messages or from the list of documents."""
    for chunk in _chunks(found):
        for row in chunk:
            yield _posting_candidate(row) if isinstance(row, Document) else _message_candidate(row)


def _posting_candidate(document: Document) -> Candidate:
    posting = getattr(document, "posting", None)
    label, path = f"{document.number} {document.customer.name}", f"/documents/{document.number}"
    if posting is None:
        return Candidate(None, label, path, document.currency, document.total, why_not="It is not sent to accounting.")
    why_not = _why_not_retry(posting.message)
    return Candidate(posting.message_id, label, path, document.currency, document.total, why_not=why_not)


def _message_candidate(message: Message) -> Candidate:
    return Candidate(message.pk, f"{message.topic} {message.subject}", f"/sync#message-{message.pk}", why_not=_why_not_retry(message))


def _why_not_retry(message: Message) -> str:
    return "" if message.state in RETRIED else f"It is {message.get_state_display().lower()}; nothing has to be tried again."


def _retry(row: BulkRow, job: BulkJob, now: datetime) -> str:
    message = outbox.retry(message_id=_target(row), by=job.by, at=now)
    return "Looked up first, then sent." if message.attempts else "Sent to the worker."


def _messages_again(rows: QuerySet[BulkRow], job: BulkJob, by: User, now: datetime) -> Iterator[Candidate]:
    return _to_retry(Message.objects.filter(pk__in=rows.values("target")).order_by("pk"), by, now)


# --- deals out of a file -------------------------------------------------------------------------------------------------------


def import_candidates(rows: Iterable[importing.Planned]) -> Iterator[Candidate]:
    """The rows of a file as they would be written."""
    for planned in rows:
        yield Candidate(
            target=None,
            label=planned.label,
            currency=planned.currency,
            amount=planned.amount,
            shown=planned.values,
            why_not=planned.problem,
            words=planned.words,
        )


def _import(row: BulkRow, job: BulkJob, now: datetime) -> str:
    return importing.write(values=row.shown, by=job.by, now=now)


def _import_again(rows: QuerySet[BulkRow], job: BulkJob, by: User, now: datetime) -> Iterator[Candidate]:
    for row in rows.iterator(chunk_size=CHUNK):
        yield Candidate(None, row.label, row.path, row.currency, row.amount, row.shown)


def _none(found: QuerySet[Any], by: User, now: datetime) -> Iterator[Candidate]:
    return iter(())


def _target(row: BulkRow) -> int:
    assert row.target is not None
    return row.target


_DECIDES = _only(Role.FINANCE)
_SENDS = _only(Role.FINANCE, Role.REVOPS)
_MAKES = _only(Role.SALES, Role.CUSTOMER_SUCCESS, Role.REVOPS)

ACTIONS: dict[str, Action] = {
    "approve": Action("Approve", ("approvals",), _DECIDES, _to_approve, _approve, _changes_again(_to_approve)),
    "reject": Action("Reject", ("approvals",), _DECIDES, _to_reject, _reject, _changes_again(_to_reject), _with_reason, "reason"),
    "remind": Action("Remind", ("approvals", "changes"), _only(*reminding.REMINDERS), _to_remind, _remind, _changes_again(_to_remind)),
    "assign": Action("Assign", ("deals",), _MAKES, _to_assign, _assign, _deals_again, _known_owner, "owner"),
    "retry": Action("Retry", ("sync", "documents"), _SENDS, _to_retry, _retry, _messages_again),
    "import": Action("Import", (), importing.why_not_import, _none, _import, _import_again),
}


def actions_on(listing: str, user: User) -> Sequence[tuple[str, Action]]:
    """What this person may do to many rows of a list."""
    return [(kind, action) for kind, action in ACTIONS.items() if listing in action.lists and action.why_not(user) is None]
