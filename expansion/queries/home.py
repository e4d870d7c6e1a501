"""What waits for one person, what is late and what went wrong: the blocks of Home. Each function has a fixed number of queries."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import Case, Count, Exists, IntegerField, OuterRef, Q, QuerySet, Subquery, Value, When

from billing import clock
from billing.models import Contract, Posting
from dealops.accounts.models import User
from dealops.outbox.models import OVER
from dealops.outbox.models import State as Delivery
from expansion.domain.health import band
from expansion.domain.workflow import State
from expansion.models import OPEN_HANDOFF, Change, Deal, Handoff, Question
from expansion.queries.lights import Lights, lights_of
from expansion.queries.standing import authorities_of, decidable
from expansion.scope import visible

ROWS = 8
# For how long a change that came back stays on the maker's list.
REMEMBERED = timedelta(days=14)
STUCK = (Delivery.PARKED, Delivery.UNKNOWN)


@dataclass(frozen=True, slots=True)
class Block:
    """The first rows of something and how many there are in all."""

    rows: tuple[Any, ...]
    total: int

    @property
    def rest(self) -> int:
        return self.total - len(self.rows)


@dataclass(frozen=True, slots=True)
class MyChange:
    """A change of mine, where it stands, and what I can do about it (`step`)."""

    change: Change
    lights: Lights
    step: str
    needs_me: bool
    question: str = ""
    asked_by: str = ""


@dataclass(frozen=True, slots=True)
class LookAt:
    """A deal somebody should look at, and why, the most pressing reason first."""

    deal: Deal
    reasons: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class ToDecide:
    """A change that waits for a decision, and its next invoice before and after (net)."""

    change: Change
    before: Decimal | None
    after: Decimal | None
    next_date: str
    is_late: bool


STEPS = {
    State.DRAFT: ("Finish and submit", True),
    State.REJECTED: ("Read why, then change it", True),
    State.SUPERSEDED: ("Look at the new amounts", True),
    State.SUBMITTED: ("Waiting for Finance", False),
    State.APPROVED: ("Being applied", False),
    State.SCHEDULED: ("Starts on its day", False),
    State.APPLIED: ("Accounting is told", False),
}


def my_changes(user: User, *, now: datetime) -> Block:
    """Changes this person made that are not finished: what waits for an answer first, then drafts and returned ones. Four queries."""
    unfinished = Posting.objects.filter(contract=OuterRef("deal__contract"), reference=OuterRef("number")).exclude(message__state__in=OVER)
    returned = Q(state__in=[State.REJECTED, State.SUPERSEDED], submitted_at__gte=now - REMEMBERED)
    moving = Q(state__in=[State.DRAFT, State.SUBMITTED, State.APPROVED, State.SCHEDULED])
    posting = Q(state=State.APPLIED, applied_at__gte=now - REMEMBERED) & Exists(unfinished)
    mine = visible(user, Change.objects.filter(maker_person=user.person)).filter(moving | returned | posting)
    # Decided or taken back, nobody waits for the answer any more.
    asked = Question.objects.filter(change=OuterRef("pk"), change__state=State.SUBMITTED, answered_at__isnull=True)
    first = Case(
        When(question__isnull=False, then=Value(0)),
        When(state__in=[State.REJECTED, State.SUPERSEDED, State.DRAFT], then=Value(1)),
        default=Value(2),
        output_field=IntegerField(),
    )
    mine = mine.annotate(question=Subquery(asked.values("text")[:1]), asked_by=Subquery(asked.values("by__name")[:1]))
    rows = list(mine.select_related("deal__customer").order_by(first, "-pk")[:ROWS])
    lights = lights_of(rows)
    shown = []
    for change in rows:
        step, needs_me = ("Answer", True) if change.question else STEPS[State(change.state)]
        shown.append(MyChange(change, lights[change.pk], step, needs_me, change.question or "", change.asked_by or ""))
    return Block(tuple(shown), mine.count())


def counts_of_changes(user: User) -> dict[str, int]:
    """How many of this person's changes are in each state that is not closed. One query."""
    open_states = [State.DRAFT, State.SUBMITTED, State.APPROVED, State.SCHEDULED]
    mine = visible(user, Change.objects.filter(maker_person=user.person, state__in=open_states))
    return dict(mine.values_list("state").annotate(Count("pk")).order_by())


def deals_to_look_at(user: User, *, today: date) -> Block:
    """Open deals of this person with poor health, or with a next step that is overdue or missing. Two queries."""
    mine = visible(user, Deal.objects.filter(Q(owner=user) | Q(success_manager=user), is_open=True))
    found = mine.filter(Q(health__lt=60) | Q(next_step_on__lt=today) | Q(next_step=""))
    pressing = Case(
        When(health__lt=40, then=Value(0)),
        When(next_step_on__lt=today, then=Value(1)),
        When(health__lt=60, then=Value(2)),
        default=Value(3),
        output_field=IntegerField(),
    )
    rows = found.select_related("customer", "stage").order_by(pressing, "next_step_on", "pk")[:ROWS]
    return Block(tuple(LookAt(deal, tuple(_reasons(deal, today))) for deal in rows), found.count())


def _reasons(deal: Deal, today: date) -> list[tuple[str, str]]:
    """(words, tone) of each reason."""
    reasons = []
    if deal.health is not None and deal.health < 60:
        health = band(deal.health)
        reasons.append((f"{health.word}: health {deal.health}", health.tone))
    if deal.next_step_on and deal.next_step_on < today:
        late = (today - deal.next_step_on).days
        reasons.append((f"{deal.next_step or 'Next step'}: {late} {'day' if late == 1 else 'days'} overdue", "bad"))
    elif not deal.next_step:
        reasons.append(("No next step", "wait"))
    return reasons


def to_decide(user: User, *, now: datetime) -> Block:
    """What this person may approve, due first: not their own, within their limit (the rule of rules.why_not_approve). Two queries."""
    waiting = _approvable(user)
    rows = waiting.select_related("deal__customer", "maker").order_by("due_at", "pk")[:ROWS]
    return Block(tuple(_to_decide(change, now) for change in rows), waiting.count())


def _approvable(user: User) -> QuerySet[Change]:
    return visible(user, decidable(user, names=authorities_of(user, on=clock.now().date())))


def _to_decide(change: Change, now: datetime) -> ToDecide:
    before, after = (change.impact.get(name) or {} for name in ("next_before", "next_after"))
    return ToDecide(
        change=change,
        before=Decimal(before["net"]) if before.get("net") is not None else None,
        after=Decimal(after["net"]) if after.get("net") is not None else None,
        next_date=str(after.get("date") or ""),
        is_late=change.due_at is not None and change.due_at < now,
    )


def waiting_for_approval(user: User) -> int:
    """Changes of anybody that wait for Finance. One query."""
    return visible(user, Change.objects.filter(state=State.SUBMITTED)).count()


def late_approvals(user: User, *, until: datetime) -> int:
    """Of what this person may approve: due until then. One query."""
    return _approvable(user).filter(due_at__lte=until).count()


def handoffs_to(team: str, user: User) -> Block:
    """Tasks handed to a team that are not done, due first. Two queries."""
    waiting = visible(user, Handoff.objects.filter(team=team, state__in=OPEN_HANDOFF))
    rows = waiting.select_related("change__deal__customer", "acknowledged_by").order_by("due_on", "pk")[:ROWS]
    return Block(tuple(rows), waiting.count())


def stuck_postings(user: User) -> Block:
    """What accounting has not answered for, or refused: the parked ones first. Two queries."""
    stuck = visible(user, Posting.objects.filter(message__state__in=STUCK))
    rows = stuck.select_related("message", "contract__customer", "document").order_by("message__state", "message__created_at")[:ROWS]
    return Block(tuple(rows), stuck.count())


def undelivered(user: User) -> int:
    """Effects that still have to reach somebody outside, of every kind. One query."""
    return visible(user, Posting.objects.exclude(message__state__in=OVER)).count()


def has_deals() -> bool:
    """Whether anything was ever imported or synchronised, whoever may see it. One query."""
    return Deal.objects.exists()


def next_bill_run(user: User, today: date) -> date | None:
    """The day on which the next recurring invoices are due. One index look-up."""
    days: Sequence[date] = (
        visible(user, Contract.objects.filter(state=Contract.State.ACTIVE, billed_until__gte=today))
        .order_by("billed_until")
        .values_list("billed_until", flat=True)[:1]
    )
    return next(iter(days), None)
