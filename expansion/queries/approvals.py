"""What waits for Finance, in the order in which it is due, and everything one decision is made from (S08, S09)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import Avg, Count, F, Q, QuerySet

from billing import clock
from billing.clock import business_date
from billing.domain.money import worded
from billing.domain.refusal import Refusal
from billing.models import Contract, Document
from dealops.accounts.models import Role, User
from expansion import rules
from expansion.domain import flags, workflow
from expansion.domain.approval import Agreement, Limit, outstanding
from expansion.domain.invoice_diff import InvoiceDiff, first_changed
from expansion.models import OPEN_HANDOFF, Change, Decision, Handoff, Question
from expansion.queries.approval_rules import asked_for_lately
from expansion.queries.preview import content_holds, preview
from expansion.queries.standing import Authority, authorities_of, decidable
from expansion.queries.together import in_one_statement
from expansion.scope import visible

# Rows of one page and the cursor of the next.
Paged = tuple[list[Change], str]

PAGE_SIZE = 50
HISTORY = timedelta(days=90)
SUBMITTED = workflow.State.SUBMITTED.value
WAITING = (SUBMITTED, workflow.State.SCHEDULED.value)
OPEN_HANDOFFS = OPEN_HANDOFF
TABS = {"mine": "Mine", "team": "Team", "delegated": "Delegated to me", "handoffs": "Handed-off updates", "decided": "Decided"}


@dataclass(frozen=True, slots=True)
class Row:
    """One change that waits. `why_not` says why this reader cannot approve it, or is empty."""

    change: Change
    next_change: InvoiceDiff | None
    flags: tuple[flags.Flag, ...]
    why_not: str
    is_late: bool


@dataclass(frozen=True, slots=True)
class HandoffRow:
    handoff: Handoff
    next_change: InvoiceDiff | None
    is_late: bool


@dataclass(frozen=True, slots=True)
class Today:
    """What was decided today, for those who have nothing left to do."""

    decided: int
    average: timedelta | None


def names_of(user: User) -> tuple[Authority, ...]:
    """In whose names this person may decide today: asked for once for a page."""
    return authorities_of(user, on=clock.now().date())


def counts(user: User, names: Sequence[Authority]) -> dict[str, int]:
    """How many stand in each tab, except what is decided; `delegated` only for somebody who stands in for others today. One query."""
    asked: dict[str, QuerySet[Any]] = {
        "mine": _decidable(user, names),
        "team": visible(user, Change.objects.filter(state=SUBMITTED)),
        "handoffs": visible(user, Handoff.objects.filter(state__in=OPEN_HANDOFFS, team=Role.FINANCE)),
    }
    return in_one_statement(counts=asked | ({"delegated": _decidable(user, _given(names))} if _given(names) else {}))


def _decidable(user: User, names: Sequence[Authority]) -> QuerySet[Change]:
    return visible(user, decidable(user, names=names))


def _given(names: Sequence[Authority]) -> tuple[Authority, ...]:
    """Those names that are somebody else's."""
    return tuple(name for name in names if name.giver)


def waiting(*, user: User, tab: str, names: Sequence[Authority] | None = None) -> QuerySet[Change]:
    """Every change that waits: those this person may decide about (`mine`), in somebody else's name (`delegated`), or all.

    `names` is names_of(user) where it is known already.
    """
    if tab in {"mine", "delegated"}:
        names = names_of(user) if names is None else names
        return _decidable(user, names if tab == "mine" else _given(names))
    return visible(user, Change.objects.filter(state=SUBMITTED))


def queue(
    *,
    user: User,
    tab: str,
    after: str,
    now: datetime,
    names: Sequence[Authority],
    page: Callable[[QuerySet[Change]], Paged] | None = None,
) -> tuple[tuple[Row, ...], str]:
    """One page of waiting changes, the one due first on top unless `page` cuts it in another order, and the cursor of the next.

    Two queries; `names` is names_of(user).
    """
    waiting_ = waiting(user=user, tab=tab, names=names).select_related("deal__customer", "deal__contract__legal_entity", "maker")
    if page:
        rows, more = page(waiting_)
        return rows_of(rows, user, now, names), more
    waiting_ = _after(waiting_, after)
    found = list(waiting_.order_by("due_at", "pk")[: PAGE_SIZE + 1])
    shown = found[:PAGE_SIZE]
    more = f"{shown[-1].due_at:%Y-%m-%dT%H:%M:%S.%f}_{shown[-1].pk}" if len(found) > PAGE_SIZE else ""
    return rows_of(shown, user, now, names), more


def rows_of(changes: Sequence[Change], user: User, now: datetime, names: Sequence[Authority] | None = None) -> tuple[Row, ...]:
    """These changes as this reader sees them, flags included. One query, and one more where `names` is not known yet."""
    others, names = _others_waiting(changes), authorities_of(user, on=now.date()) if names is None else names
    return tuple(_row(change, user, others.get(change.pk, ()), names, now) for change in changes)


def _after(waiting: QuerySet[Change], after: str) -> QuerySet[Change]:
    moment, _, pk = after.partition("_")
    try:
        due, key = datetime.fromisoformat(f"{moment}+00:00"), int(pk)
    except ValueError:
        return waiting
    return waiting.filter(Q(due_at__gt=due) | Q(due_at=due, pk__gt=key))


def _others_waiting(changes: Sequence[Change]) -> dict[int, tuple[str, ...]]:
    """Numbers of other submitted or scheduled changes of the same deal."""
    by_deal: dict[int, list[tuple[int, str]]] = {}
    rows = Change.objects.filter(deal__in={change.deal_id for change in changes}, state__in=WAITING)
    for deal, pk, number in rows.values_list("deal_id", "pk", "number").order_by("pk"):
        by_deal.setdefault(deal, []).append((pk, number))
    return {change.pk: tuple(number for pk, number in by_deal.get(change.deal_id, []) if pk != change.pk) for change in changes}


def _row(change: Change, user: User, others: tuple[str, ...], names: Sequence[Authority], now: datetime) -> Row:
    return Row(
        change=change,
        next_change=first_changed(change.impact),
        flags=flags_of(change, user, others, names),
        why_not=rules.why_not_approve(user, change, names) or "",
        is_late=change.due_at is not None and change.due_at < now,
    )


def flags_of(change: Change, user: User, others: tuple[str, ...], names: Sequence[Authority]) -> tuple[flags.Flag, ...]:
    """The flags of one change for one reader."""
    zone = change.deal.contract.legal_entity.time_zone
    facts = flags.Facts(
        impact=change.impact,
        actions=tuple(str(edit.get("action", "")) for edit in change.edits),
        effective=change.effective,
        submitted_on=business_date(zone, change.submitted_at) if change.submitted_at else None,
        waiver_reason=change.waiver_reason,
        limit_words=_limit_words(change, user, names),
        is_own=user.person == change.maker_person,
        others_waiting=others,
        agreed=len(change.agreed) if change.state == SUBMITTED else 0,
        has_question=change.clock_stopped_at is not None,
    )
    return flags.flags(facts)


def _limit_words(change: Change, user: User, names: Sequence[Authority]) -> str:
    if change.state != SUBMITTED or rules.why_not_decide(user, change):
        return ""
    return rules.why_not_approve(user, change, names) or ""


def handoffs(user: User, now: datetime) -> tuple[HandoffRow, ...]:
    """Updates of future invoices that were handed to Finance and are not verified yet, the one due first on top. One query."""
    waiting = visible(user, Handoff.objects.filter(state__in=OPEN_HANDOFFS, team=Role.FINANCE))
    rows = waiting.select_related("change__deal__customer", "acknowledged_by").order_by("due_on", "pk")[:PAGE_SIZE]
    return tuple(HandoffRow(row, first_changed(row.change.impact), row.due_on < now.date()) for row in rows)


def decided(user: User, before: str) -> tuple[tuple[Decision, ...], str]:
    """One page of decisions, newest first. One query."""
    rows = visible(user, Decision.objects.select_related("by", "change__deal__customer", "change__maker"))
    if before.isascii() and before.isdecimal() and len(before) < 19:
        rows = rows.filter(pk__lt=int(before))
    found = list(rows.order_by("-pk")[: PAGE_SIZE + 1])
    shown = found[:PAGE_SIZE]
    return tuple(shown), str(shown[-1].pk) if len(found) > PAGE_SIZE else ""


def today(user: User, day_began: datetime) -> Today:
    """How many were decided since `day_began`, and how long they had waited on average."""
    decisions = visible(user, Decision.objects.filter(at__gte=day_began))
    found = decisions.aggregate(count=Count("pk"), average=Avg(F("at") - F("change__submitted_at")))
    return Today(found["count"], found["average"])


def next_for(user: User, skip: int) -> Change | None:
    """The next change this person may decide about, other than the one with the key `skip`."""
    return waiting(user=user, tab="mine").exclude(pk=skip).order_by("due_at", "pk").first()


@dataclass(frozen=True, slots=True)
class Moved:
    """One amount that is no longer what was shown."""

    name: str
    shown: Any
    now: Any
    is_money: bool = True


@dataclass(frozen=True, slots=True)
class Staleness:
    """Why a submitted change may not be approved as it stands, and what is different; both empty when it may."""

    words: str = ""
    moved: tuple[Moved, ...] = field(default=())


@dataclass(frozen=True, slots=True)
class Review:
    """Everything beside the frozen impact that stands on the page of one decision.

    `authority` is in whose name this reader would approve, None when they may not. `rolling` is what the maker has handed in for this
    contract in thirty days, this included; `second` says why one approval is not enough, or is empty. `content_holds` is False when
    the stored change no longer hashes to what was shown.
    """

    reasons: tuple[str, ...]
    flags: tuple[flags.Flag, ...]
    next_change: InvoiceDiff | None
    why_not_decide: str
    why_not_approve: str
    authority: Authority | None
    rolling: Decimal
    second: str
    staleness: Staleness
    content_holds: bool
    decision: Decision | None
    given: tuple[Decision, ...]
    questions: tuple[Question, ...]
    why_not_answer: str
    document: Document | None
    handoff: Handoff | None
    why_not_update: str
    editors: tuple[str, ...]
    history: tuple[Change, ...]
    history_sum: Decimal

    @property
    def open_question(self) -> Question | None:
        return next((question for question in self.questions if question.answered_at is None), None)


def change_for_review(number: str, user: User) -> Change:
    """Raises Change.DoesNotExist, also for one that this person does not see."""
    loaded = ("deal__customer", "deal__contract__legal_entity", "deal__contract__customer__segment", "maker", "reverses")
    return visible(user, Change.objects.select_related(*loaded)).get(number=number)


def review(change: Change, user: User, now: datetime) -> Review:
    """Computes the change again only to see whether what was frozen still holds; what is shown is the frozen impact."""
    contract = change.deal.contract
    names = authorities_of(user, on=business_date(contract.legal_entity.time_zone, now))
    found = rules.authority_for(user, change, names)
    authority = None if isinstance(found, str) else found
    history = tuple(_history(change, now))
    decisions = tuple(change.decisions.select_related("by", "acting_for").order_by("at"))
    given = tuple(one for one in decisions if one.change_version == change.version)
    rolling = asked_for_lately(change, now=now) if change.state == SUBMITTED else Decimal(0)
    handoff = change.handoffs.select_related("acknowledged_by", "updated_by").order_by("-pk").first()
    if handoff:
        handoff.change = change
    return Review(
        reasons=tuple(rule["name"] for rule in change.approval.get("rules", [])),
        flags=flags_of(change, user, _others_waiting([change]).get(change.pk, ()), names),
        next_change=first_changed(change.impact),
        why_not_decide=rules.why_not_decide(user, change) or "",
        why_not_approve=found if isinstance(found, str) else "",
        authority=authority,
        rolling=rolling,
        second=_second(change, given, authority, rolling) if change.state == SUBMITTED else "",
        staleness=_staleness(change, now) if change.state == SUBMITTED else Staleness(),
        content_holds=content_holds(change),
        decision=decisions[-1] if decisions else None,
        given=given,
        questions=tuple(change.questions.select_related("by", "answered_by").order_by("pk")),
        why_not_answer=rules.why_not_answer(user, change) or "",
        document=Document.objects.filter(number=change.document_number).first() if change.document_number else None,
        handoff=handoff,
        why_not_update=(rules.why_not_update(user, handoff) or "") if handoff else "",
        editors=_editors(change),
        history=history,
        history_sum=sum((abs(other.amount_now) for other in history if other.state == workflow.State.APPLIED), Decimal(0)),
    )


def _second(change: Change, given: Sequence[Decision], authority: Authority | None, rolling: Decimal) -> str:
    """Why this reader's approval would not be the last one needed; empty when it would."""
    if authority is None:
        return ""
    agreements = [Agreement(one.role, Limit(one.limit, one.limit_currency)) for one in given]
    agreements.append(Agreement(authority.role, authority.limit))
    needed = change.approval.get("approvers", {})
    if not outstanding(needed, agreements, rolling=rolling, currency=change.currency):
        return ""
    if sum(needed.values()) > 1:
        roles = ", ".join(f"{count} of {Role(role).label}" for role, count in needed.items())
        return f"More than one person has to agree: {roles}. Others decide after you."
    return (
        f"In thirty days {change.maker} has handed in {worded(rolling, change.currency)} on this contract, above your limit. "
        "A second person has to agree after you."
    )


def _editors(change: Change) -> tuple[str, ...]:
    """Who else worked on it, by name."""
    others = [person for person in change.hands if person != change.maker_person]
    if not others:
        return ()
    return tuple(User.objects.filter(person__in=others).order_by("name").values_list("name", flat=True))


def _history(change: Change, now: datetime) -> Iterable[Change]:
    earlier = Change.objects.filter(deal=change.deal_id, submitted_at__gte=now - HISTORY).exclude(pk=change.pk)
    return earlier.select_related("maker").order_by("-submitted_at")[:20]


def _staleness(change: Change, now: datetime) -> Staleness:
    """Whether an approval would be refused because the ground moved, said before anybody presses the button (F07)."""
    contract: Contract = change.deal.contract
    on: date = business_date(contract.legal_entity.time_zone, now)
    moved: list[Moved] = []
    if contract.version != change.base_version:
        moved.append(Moved("Version of the contract", change.base_version, contract.version, is_money=False))
    try:
        seen = preview(
            deal=change.deal, contract=contract, intents=change.edits, effective=change.effective, treatment=change.treatment, today=on
        )
    except Refusal as refusal:
        return Staleness(f"It can no longer be computed: {refusal.message}", tuple(moved))
    if seen.content_hash == change.content_hash and not moved:
        return Staleness()
    moved += _differences(change.impact, seen.impact.canonical())
    if contract.version != change.base_version:
        return Staleness(f"Contract {contract.number} was changed after this was submitted.", tuple(moved))
    return Staleness("The amounts are no longer what was submitted.", tuple(moved))


_COMPARED = {
    "net": "This period, net",
    "total": "This period, with tax",
    "mrr_after": "MRR afterwards",
    "value_after": "Contract value afterwards",
}


def _differences(shown: dict[str, Any], now: dict[str, Any]) -> Iterable[Moved]:
    if shown["document"] != now["document"]:
        yield Moved("Document", str(shown["document"]).replace("_", " "), str(now["document"]).replace("_", " "), is_money=False)
    for name, words in _COMPARED.items():
        if Decimal(shown[name]) != Decimal(now[name]):
            yield Moved(words, Decimal(shown[name]), Decimal(now[name]))
    old, new = first_changed(shown), first_changed(now)
    before, after = (diff.net_after if diff else Decimal(0) for diff in (old, new))
    if before != after:
        yield Moved("Next changed invoice, net", before, after)
