"""What the inbox of signals, Home and a hand-off show. Each function has a fixed number of queries."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db.models import Case, Count, F, Q, QuerySet, When

from dealops.accounts.models import Role, User
from expansion.domain.motion import gates
from expansion.domain.motion.fields import FIELDS
from expansion.domain.motion.lead_time import NEAR_THE_CAP
from expansion.domain.motion.words import headline
from expansion.models import GateOverride, Introduction, Offer, Signal
from expansion.queries import play_tasks
from expansion.queries.play_tasks import TaskRow
from expansion.scope import visible

PAGE_SIZE = 30
TABS = {"open": "Open", "held": "Held back", "snoozed": "Not now", "handed_off": "Handed off", "dismissed": "Dismissed"}
STALE_DAYS = 1
WITH = (
    "customer",
    "deal__owner",
    "deal__success_manager",
    "product",
    "play",
    "version",
    "contact",
    "created_by",
    "deal__contract__legal_entity",
)


@dataclass(frozen=True, slots=True)
class SignalRow:
    """A signal with what was offered to the customer before, whether its data is older than a day, and what its play asks for."""

    signal: Signal
    offers: tuple[Offer, ...]
    is_stale: bool
    tasks: tuple[TaskRow, ...] = ()

    @property
    def headline(self) -> str:
        return headline_of(self.signal)

    @property
    def health(self) -> str:
        """The sentence of the health gate: before value, how they are doing (S1-29)."""
        return next((gate["sentence"] for gate in self.signal.gates if gate["gate"] == "health"), "")

    @property
    def passed(self) -> int:
        return sum(bool(gate["passes"]) for gate in self.signal.gates)

    @property
    def conditions(self) -> list[tuple[str, str]]:
        """What each condition found: (label of the field, words)."""
        return [(FIELDS[name].label if name in FIELDS else name, words) for name, words in self.signal.inputs.items() if name in FIELDS]


@dataclass(frozen=True, slots=True)
class SignalPage:
    """One page of a tab, the count of each tab, and the cursor of the next page."""

    rows: tuple[SignalRow, ...]
    counts: dict[str, int]
    after: str


def headline_of(signal: Signal) -> str:
    """What is happening, in one short sentence."""
    return headline(customer=signal.customer.name, kind=signal.kind, because=signal.because, inputs=signal.inputs)


def one(pk: int, *, user: User, today: date) -> SignalRow:
    """One signal as the inbox shows it. Raises Signal.DoesNotExist, also for another team's."""
    return _rows([visible(user, Signal.objects.all()).select_related(*WITH).get(pk=pk)], user, today)[0]


def inbox(*, user: User, tab: str, mine: bool, search: str, after: str, today: date) -> SignalPage:
    """Signals of a tab, the newest first. Five queries."""
    found = _scope(user, mine)
    counts = dict(found.values_list("state").annotate(Count("pk")).order_by())
    if search.strip():
        words = search.strip()[:100]
        found = found.filter(Q(customer__name__icontains=words) | Q(because__icontains=words))
    shown = found.filter(state=tab).select_related(*WITH)
    if after.isdecimal():
        shown = shown.filter(pk__lt=int(after))
    rows = list(shown.order_by("-pk")[: PAGE_SIZE + 1])
    more = str(rows[PAGE_SIZE - 1].pk) if len(rows) > PAGE_SIZE else ""
    return SignalPage(tuple(_rows(rows[:PAGE_SIZE], user, today)), {name: counts.get(name, 0) for name in TABS}, more)


def _scope(user: User, mine: bool) -> QuerySet[Any]:
    found = visible(user, Signal.objects.all())
    if mine and user.role in {Role.SALES, Role.CUSTOMER_SUCCESS}:
        found = found.filter(Q(deal__success_manager=user) | Q(deal__owner=user) | Q(created_by=user))
    return found


def _rows(signals: Sequence[Signal], user: User, today: date) -> list[SignalRow]:
    offers: dict[int, list[Offer]] = {}
    for offer in Offer.objects.filter(customer__in=[s.customer_id for s in signals]).order_by("-shown_at"):
        offers.setdefault(offer.customer_id, []).append(offer)
    tasks = play_tasks.of_signals([s.pk for s in signals], user=user, today=today)
    return [SignalRow(s, tuple(offers.get(s.customer_id, ())[:3]), is_stale(s, today), tuple(tasks.get(s.pk, ()))) for s in signals]


def is_stale(signal: Signal, today: date) -> bool:
    """Whether the oldest fact behind a counted signal is older than a day; a person's note does not age."""
    return signal.family == "usage" and signal.data_as_of is not None and (today - signal.data_as_of).days > STALE_DAYS


def open_for(user: User, limit: int = 8) -> tuple[list[Signal], int]:
    """Open signals on this person's accounts for Home: whoever is about to run into a wall, then worth most first. Two queries."""
    found = _scope(user, True).filter(state=Signal.State.OPEN)
    wall = Case(When(kind__in=NEAR_THE_CAP, then=0), default=1)
    rows = list(found.select_related(*WITH).order_by(wall, F("value").desc(nulls_last=True), "-pk")[:limit])
    return rows, found.count()


def cards_for(user: User) -> tuple[tuple[SignalRow, ...], int]:
    """Open signals on this person's accounts with their sentences, for Home. Two queries."""
    rows, total = open_for(user)
    return tuple(SignalRow(signal, (), False) for signal in rows), total


def introductions_for(user: User, *, at: datetime, limit: int = 8) -> tuple[list[Introduction], int]:
    """Hand-offs this person has to answer, unaccepted first, the late ones on top. Two queries."""
    mine = Q(to=user) | Q(to__isnull=True) if user.role == Role.SALES else Q(to=user)
    found = visible(user, Introduction.objects.all()).filter(mine, state=Introduction.State.GIVEN)
    rows = list(found.select_related("customer", "deal", "sourced_by", "signal").order_by("due_at", "pk")[:limit])
    return rows, found.count()


def introductions_by(user: User, limit: int = 8) -> list[Introduction]:
    """Hand-offs this person gave, and their outcome. One query."""
    found = visible(user, Introduction.objects.all()).filter(sourced_by=user).select_related("customer", "deal", "to")
    return list(found.order_by("-pk")[:limit])


def introduction_of(deal_id: int) -> Introduction | None:
    """The newest hand-off of a deal that was given or taken. One query."""
    states = [Introduction.State.GIVEN, Introduction.State.ACCEPTED]
    return Introduction.objects.filter(deal=deal_id, state__in=states).select_related("signal", "sourced_by", "to").order_by("-pk").first()


def overrides_report(*, first: date, last: date, user: User | None = None) -> list[dict[str, Any]]:
    """How often each gate was passed by a person, by whom, in a span of days (both included). One query. `user`: at customers they see."""
    found = GateOverride.objects.filter(at__date__gte=first, at__date__lte=last)
    rows = (
        (visible(user, found) if user else found)
        .values("gate", "guardrail", "by__name")
        .annotate(count=Count("pk"))
        .order_by("guardrail", "gate", "by__name")
    )
    return [{**row, "label": gates.LABELS.get(row["gate"], row["gate"]), "by": row.pop("by__name")} for row in rows]
