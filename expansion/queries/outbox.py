"""Is money flowing? The messages of the outbox in words: what each tells whom, every try, and what it waits for (S13)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.db.models import Exists, OuterRef, QuerySet

from billing.connections import gate_name, limits_of
from billing.models import LegalEntity, Posting
from billing.queries import settling
from billing.queries.reconcile import LONGEST_LIST, open_findings
from dealops.accounts.models import User
from dealops.outbox.models import OVER, Attempt, Gate, Message, State
from expansion.models import Change, Deal, Notice
from expansion.queries.message_words import things_of, words_of
from expansion.queries.together import in_one_statement
from expansion.scope import visible

# Rows of one page and the cursor of the next.
Paged = tuple[list[Message], str]

PAGE_SIZE = 50
TABS: dict[str, tuple[str, tuple[str, ...]]] = {
    "open": ("Open", (State.QUEUED, State.SENDING, State.UNKNOWN, State.PARKED)),
    "parked": ("Needs a person", (State.PARKED,)),
    "unknown": ("Unknown", (State.UNKNOWN,)),
    "done": ("Delivered", (State.DONE,)),
    "settled": ("Settled otherwise", (State.SETTLED,)),
}
# What is over, newest first; what waits, in the order in which it goes.
NEWEST_FIRST = frozenset({"done", "settled"})
# So many of the messages behind one are named; the rest is counted.
NAMED = 5
# What a message is about comes along with it.
_NAMED = ("posting__document", "posting__version", "posting__contract__customer", "notice__change", "notice__signal", "settled_by")
# A worker that took nothing for this long while something is due is probably not running.
SILENCE = timedelta(minutes=1)
# From here on a day's allowance is shown as nearly used up.
TIGHT_PERCENT = 80


@dataclass(frozen=True, slots=True)
class Tiles:
    """The state of the outbox at one moment."""

    oldest_waiting: datetime | None
    waiting: int
    posted_today: int
    unknown: int
    parked: int
    settled: int
    differences: int
    last_try: datetime | None

    @property
    def differences_words(self) -> str:
        """Their number, or that there are more than a list shows."""
        return f"{LONGEST_LIST}+" if self.differences > LONGEST_LIST else str(self.differences)

    def count_of(self, tab: str) -> int | None:
        """How many messages stand in this tab; None for those delivered, which nobody counts."""
        open_ = self.waiting + self.unknown + self.parked
        return {"open": open_, "parked": self.parked, "unknown": self.unknown, "settled": self.settled}.get(tab)

    def is_silent(self, at: datetime) -> bool:
        """Something is due and nobody has taken anything for a while."""
        return self.oldest_waiting is not None and at - max(self.oldest_waiting, self.last_try or self.oldest_waiting) > SILENCE


@dataclass(frozen=True, slots=True)
class Row:
    """One message with what it is about. `behind` is what an earlier message of the same subject says, when this one waits for it.

    `is_document`: a person of Finance may settle it otherwise when it is parked. `way_out` says what else a parked one can do.
    """

    message: Message
    what: str
    who: str
    href: str
    remote: str
    tries: tuple[Attempt, ...]
    behind: str
    is_document: bool = False
    way_out: str = ""


@dataclass(frozen=True, slots=True)
class Confirmation:
    """What a person is shown before a parked message is settled otherwise: what is not sent any more, and what goes on (`behind`).

    `more` is how many go on besides those named. `is_uncertain`: a try of which nobody knows whether it arrived was the last one.
    """

    row: Row
    thing: settling.Thing
    behind: tuple[str, ...]
    more: int
    is_uncertain: bool


@dataclass(frozen=True, slots=True)
class Page:
    rows: tuple[Row, ...]
    after: str


def tiles(*, user: User, day_began: datetime, at: datetime) -> Tiles:
    """Counts and two moments; `day_began` is the start of today. One query."""
    # What stands behind a parked message of its subject waits for a person, not for the worker.
    earlier = Message.objects.filter(subject=OuterRef("subject"), pk__lt=OuterRef("pk")).exclude(state__in=OVER)
    open_ = visible(user, Message.objects.exclude(state__in=OVER))
    due = open_.filter(state__in=[State.QUEUED, State.UNKNOWN], available_at__lte=at).exclude(Exists(earlier))
    done = Message.objects.filter(state=State.DONE, topic__startswith="accounting.", done_at__gte=day_began)
    found = in_one_statement(
        counts={
            "waiting": open_.filter(state__in=[State.QUEUED, State.SENDING]),
            "unknown": open_.filter(state=State.UNKNOWN),
            "parked": open_.filter(state=State.PARKED),
            "settled": visible(user, Message.objects.filter(state=State.SETTLED)),
            "posted_today": visible(user, done),
            "differences": visible(user, open_findings())[: LONGEST_LIST + 1],
        },
        firsts={
            "oldest_waiting": due.order_by("available_at").values_list("available_at"),
            # Tries are written in the order in which they begin; the key has an index and the moment has none.
            "last_try": Attempt.objects.order_by("-pk").values_list("started_at"),
        },
    )
    return Tiles(**found)


@dataclass(frozen=True, slots=True)
class Budget:
    """How much of what accounting allows is used today. `allowed` is 0 where the other side names no limit for a day."""

    entity: str
    used: int
    allowed: int
    shut_until: datetime | None
    words: str

    @property
    def percent(self) -> int:
        return self.used * 100 // self.allowed if self.allowed else 0

    @property
    def is_tight(self) -> bool:
        """Nearly used up, or shut for a while (F34)."""
        return self.percent >= TIGHT_PERCENT or self.shut_until is not None


def budget(*, user: User, at: datetime) -> Budget | None:
    """The legal entity that is nearest to its limit at `at`; None when nobody has called accounting today. Two queries."""
    gates = {gate.name: gate for gate in Gate.objects.filter(name__startswith="accounting:")}
    found = []
    for entity in visible(user, LegalEntity.objects.order_by("name")):
        gate = gates.get(gate_name(entity))
        is_shut = bool(gate and gate.shut_until and gate.shut_until > at)
        if gate is None or not (is_shut or gate.day == at.astimezone(UTC).date()):
            continue
        limits = limits_of(entity)
        used = gate.used if gate.day == at.astimezone(UTC).date() else 0
        found.append(
            Budget(entity.name, used, limits.per_day if limits else 0, gate.shut_until if is_shut else None, gate.words if is_shut else "")
        )
    return max(found, key=lambda one: (one.is_tight, one.percent, one.used), default=None)


def matching(user: User, tab: str) -> QuerySet[Message]:
    """Every message of one tab, with its tries and what it is about. Two queries."""
    return with_things(visible(user, Message.objects.filter(state__in=TABS[tab][1])))


def with_things(messages: QuerySet[Message]) -> QuerySet[Message]:
    """The same with their tries and what each is about. Two queries."""
    return messages.select_related(*_NAMED).prefetch_related("tries")


def page_of(*, user: User, tab: str, after: str, page: Callable[[QuerySet[Message]], Paged] | None = None) -> Page:
    """One page of messages, those that wait longest first, delivered ones newest first, unless `page` cuts it in another order.

    Three queries however many rows.
    """
    messages = matching(user, tab)
    if page:
        rows, more = page(messages)
        return Page(tuple(rows_of(rows)), more)
    newest_first = tab in NEWEST_FIRST
    messages = messages.order_by("-id" if newest_first else "id")
    if after.isascii() and after.isdecimal() and len(after) < 19:
        messages = messages.filter(**{"id__lt" if newest_first else "id__gt": int(after)})
    found = list(messages[: PAGE_SIZE + 1])
    shown = found[:PAGE_SIZE]
    more = str(shown[-1].pk) if len(found) > PAGE_SIZE else ""
    return Page(tuple(rows_of(shown)), more)


def rows_of(messages: Sequence[Message]) -> Iterable[Row]:
    """The rows of messages that `matching` found. One query, and one each for those about HubSpot and about hand-offs."""
    first = _first_open({message.subject for message in messages if message.state not in OVER})
    things = things_of(messages)
    for message in messages:
        what, who, href, remote = _about(message, things)
        earlier = first.get(message.subject)
        waits = message.state in {State.QUEUED, State.UNKNOWN} and earlier is not None and earlier.pk < message.pk
        behind = _about(earlier, things)[0] if waits and earlier is not None else ""
        tries = tuple(sorted(message.tries.all(), key=lambda attempt: -attempt.number))
        way_out = settling.NOT_A_TEMPLATE if message.state == State.PARKED and message.topic == "accounting.template" else ""
        yield Row(message, what, who, href, remote, tries, behind, message.topic in settling.TOPICS, way_out)


def confirmation(message: Message) -> Confirmation:
    """Of a parked message. Raises settling.CannotSettle for one that is about no document. Five queries."""
    thing = settling.thing_of(message)
    (row,) = rows_of([message])
    behind = list(message.waiting_behind().select_related(*_NAMED)[: NAMED + 1])
    count = message.waiting_behind().count() if len(behind) > NAMED else len(behind)
    things = things_of(behind)
    words = tuple(_about(other, things)[0] for other in behind[:NAMED])
    is_uncertain = bool(row.tries) and row.tries[0].outcome in {Attempt.Outcome.UNKNOWN, Attempt.Outcome.LOST}
    return Confirmation(row, thing, words, count - len(words), is_uncertain)


def _first_open(subjects: Collection[str]) -> dict[str, Message]:
    """The message at the head of each subject: nothing behind it moves before it is done."""
    if not subjects:
        return {}
    rows = Message.objects.filter(subject__in=list(subjects)).exclude(state__in=OVER).select_related(*_NAMED)
    return {message.subject: message for message in rows.order_by("subject", "id").distinct("subject")}


def _about(message: Message, things: Mapping[str, Deal | Change]) -> tuple[str, str, str, str]:
    """(what is told, about whom, page, what accounting calls it). The message is loaded with what it is about."""
    posting: Posting | None = getattr(message, "posting", None)
    notice: Notice | None = getattr(message, "notice", None)
    if posting is not None:
        customer = posting.contract.customer.name
        remote = posting.remote_number or posting.remote_id
        if posting.document is not None:
            return (
                f"{posting.document.get_kind_display()} {posting.document.number}",
                customer,
                f"/documents/{posting.document.number}",
                remote,
            )
        assert posting.version is not None
        words = f"Repeating template of {posting.contract.number}, version {posting.version.number}"
        return words, customer, f"/future-invoices/{posting.contract.number}", remote
    if notice is not None:
        return f"{notice.get_channel_display()}: {notice.title}", notice.address, notice.path, ""
    return (*words_of(message, things), "")
