"""Is money flowing? The messages of the outbox in words: what each tells whom, every try, and what it waits for (S13)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.db.models import Count, Exists, Max, Min, OuterRef, Q, QuerySet

from billing.connections import gate_name, limits_of
from billing.models import LegalEntity, Posting
from dealops.accounts.models import User
from dealops.outbox.models import Attempt, Gate, Message, State
from expansion.models import Notice
from expansion.scope import visible

# Rows of one page and the cursor of the next.
Paged = tuple[list[Message], str]

PAGE_SIZE = 50
TABS: dict[str, tuple[str, tuple[str, ...]]] = {
    "open": ("Open", (State.QUEUED, State.SENDING, State.UNKNOWN, State.PARKED)),
    "parked": ("Needs a person", (State.PARKED,)),
    "unknown": ("Unknown", (State.UNKNOWN,)),
    "done": ("Delivered", (State.DONE,)),
}
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
    last_try: datetime | None

    def is_silent(self, at: datetime) -> bool:
        """Something is due and nobody has taken anything for a while."""
        return self.oldest_waiting is not None and at - max(self.oldest_waiting, self.last_try or self.oldest_waiting) > SILENCE


@dataclass(frozen=True, slots=True)
class Row:
    """One message with what it is about. `behind` is what an earlier message of the same subject says, when this one waits for it."""

    message: Message
    what: str
    who: str
    href: str
    remote: str
    tries: tuple[Attempt, ...]
    behind: str


@dataclass(frozen=True, slots=True)
class Page:
    rows: tuple[Row, ...]
    after: str
    counts: dict[str, int]


def tiles(*, user: User, day_began: datetime, at: datetime) -> Tiles:
    """Four counts and two moments; `day_began` is the start of today. Two queries."""
    # What stands behind a parked message of its subject waits for a person, not for the worker.
    earlier = Message.objects.filter(subject=OuterRef("subject"), pk__lt=OuterRef("pk")).exclude(state=State.DONE)
    due = Q(state__in=[State.QUEUED, State.UNKNOWN], available_at__lte=at, is_behind=False)
    found = (
        visible(user, Message.objects.exclude(state=State.DONE))
        .annotate(is_behind=Exists(earlier))
        .aggregate(
            oldest=Min("available_at", filter=due),
            waiting=Count("pk", filter=Q(state__in=[State.QUEUED, State.SENDING])),
            unknown=Count("pk", filter=Q(state=State.UNKNOWN)),
            parked=Count("pk", filter=Q(state=State.PARKED)),
        )
    )
    done = Message.objects.filter(state=State.DONE, topic__startswith="accounting.", done_at__gte=day_began)
    posted = visible(user, done).count()
    last_try = Attempt.objects.aggregate(last=Max("started_at"))["last"]
    return Tiles(found["oldest"], found["waiting"], posted, found["unknown"], found["parked"], last_try)


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
    """Every message of one tab."""
    return visible(user, Message.objects.filter(state__in=TABS[tab][1]))


def page_of(*, user: User, tab: str, after: str, page: Callable[[QuerySet[Message]], Paged] | None = None) -> Page:
    """One page of messages, those that wait longest first, delivered ones newest first, unless `page` cuts it in another order.

    Seven queries however many rows.
    """
    messages = matching(user, tab)
    if page:
        rows, more = page(messages.prefetch_related("tries"))
        return Page(tuple(rows_of(rows)), more, _counts(user))
    newest_first = tab == "done"
    messages = messages.order_by("-id" if newest_first else "id")
    if after.isascii() and after.isdecimal() and len(after) < 19:
        messages = messages.filter(**{"id__lt" if newest_first else "id__gt": int(after)})
    found = list(messages.prefetch_related("tries")[: PAGE_SIZE + 1])
    shown = found[:PAGE_SIZE]
    more = str(shown[-1].pk) if len(found) > PAGE_SIZE else ""
    return Page(tuple(rows_of(shown)), more, _counts(user))


def _counts(user: User) -> dict[str, int]:
    by_state = dict(visible(user, Message.objects.exclude(state=State.DONE)).values_list("state").annotate(Count("pk")).order_by())
    return {tab: sum(by_state.get(state, 0) for state in states) for tab, (_, states) in TABS.items() if tab != "done"}


def rows_of(messages: Sequence[Message]) -> Iterable[Row]:
    """The rows of these messages, whose tries are loaded. Four queries."""
    first = _first_open({message.subject for message in messages})
    named = [*messages, *first.values()]
    postings = {posting.message_id: posting for posting in _postings(named)}
    notices = {notice.message_id: notice for notice in Notice.objects.filter(message__in=named).select_related("change")}

    def about(message: Message) -> tuple[str, str, str, str]:
        return _about(message, postings.get(message.pk), notices.get(message.pk))

    for message in messages:
        what, who, href, remote = about(message)
        earlier = first.get(message.subject)
        waits = message.state in {State.QUEUED, State.UNKNOWN} and earlier is not None and earlier.pk < message.pk
        behind = about(earlier)[0] if waits and earlier is not None else ""
        tries = tuple(sorted(message.tries.all(), key=lambda attempt: -attempt.number))
        yield Row(message, what, who, href, remote, tries, behind)


def _postings(messages: Sequence[Message]) -> QuerySet[Posting]:
    return Posting.objects.filter(message__in=messages).select_related("document", "version", "contract__customer", "message")


def _first_open(subjects: Iterable[str]) -> dict[str, Message]:
    """The message at the head of each subject: nothing behind it moves before it is done."""
    rows = Message.objects.filter(subject__in=list(subjects)).exclude(state=State.DONE).order_by("subject", "id").distinct("subject")
    return {message.subject: message for message in rows}


def _about(message: Message, posting: Posting | None, notice: Notice | None) -> tuple[str, str, str, str]:
    """(what is told, about whom, page, what accounting calls it)."""
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
        return f"{notice.get_channel_display()}: {notice.title}", notice.address, f"/changes/{notice.change.number}", ""
    if message.topic == "change.confirm":
        number = str(message.payload.get("change", ""))
        return f"Close the hand-off of {number} once accounting has it", number, f"/changes/{number}", ""
    if message.topic == "bulk.slice":
        number = message.payload.get("job", "")
        return f"The next rows of bulk job {number}", "dealops", f"/bulk/{number}", ""
    return message.topic, message.subject, "", ""
