"""Lists of changes, and everything the page of one change shows beside its figures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from django.db.models import Count, Q, QuerySet

from billing.models import Document, Posting, PostingStep
from dealops.accounts.models import User
from dealops.audit.models import Entry
from dealops.outbox.models import Attempt, Message
from expansion.domain import workflow
from expansion.domain.workflow import State
from expansion.models import Change, Decision, Handoff, Question
from expansion.queries.deals import ChangeRow
from expansion.queries.lights import lights_of
from expansion.scope import visible

PAGE_SIZE = 50
# Cuts a page out of the rows: the page and the cursor of the next.
Cut = Callable[[QuerySet[Change]], tuple[list[Change], str]]

# tab -> (title, states); `all` has every state.
TABS: dict[str, tuple[str, tuple[State, ...]]] = {
    "all": ("All", tuple(State)),
    "draft": ("Draft", (State.DRAFT,)),
    "awaiting": ("Awaiting approval", (State.SUBMITTED,)),
    "scheduled": ("Scheduled", (State.APPROVED, State.SCHEDULED)),
    "applied": ("Applied", (State.APPLIED,)),
    "closed": ("Not applied", (State.REJECTED, State.EXPIRED, State.SUPERSEDED, State.DISCARDED)),
}


@dataclass(frozen=True, slots=True)
class ChangeList:
    """One page of changes, newest first; `after` is the cursor of the next page, blank on the last."""

    rows: tuple[ChangeRow, ...]
    after: str
    counts: dict[str, int]


@dataclass(frozen=True, slots=True)
class Try:
    """One attempt; its times are those of the wall, whatever day the demo lives in."""

    attempt: Attempt

    @property
    def took(self) -> str:
        """`0.4 s`; blank while it runs."""
        attempt = self.attempt
        return f"{(attempt.ended_at - attempt.started_at).total_seconds():.1f} s" if attempt.ended_at else ""


@dataclass(frozen=True, slots=True)
class PostingStory:
    """One thing accounting has to hear, every try of it, and the steps of a template's replacement."""

    posting: Posting
    message: Message
    tries: tuple[Try, ...]
    steps: tuple[PostingStep, ...]


@dataclass(frozen=True, slots=True)
class ChangeFacts:
    """What happened around one change."""

    decisions: tuple[Decision, ...]
    handoffs: tuple[Handoff, ...]
    questions: tuple[Question, ...]
    asked: tuple[str, ...]
    document: Document | None
    postings: tuple[PostingStory, ...]


def change_by_number(number: str, user: User) -> Change:
    """The change with everything its page names. Raises Change.DoesNotExist, also for one that this person does not see."""
    changes = Change.objects.select_related(
        "deal__customer",
        "deal__contract__legal_entity",
        "deal__contract__customer__segment",
        "deal__owner",
        "maker",
        "reverses",
        "carries_on",
    )
    return visible(user, changes).prefetch_related("reversals", "carried_on_by").get(number=number)


def change_list(*, user: User, tab: str, mine: bool, search: str, after: str, page: Cut | None = None) -> ChangeList:
    """One page of changes with their lights, newest first unless `page` cuts it in another order. Five queries, however many there are."""
    counts = _counts(_found(user, mine, search))
    changes = matching(user=user, tab=tab, mine=mine, search=search).select_related("deal__customer", "maker")
    shown, more = page(changes) if page else _newest(changes, after)
    lights = lights_of(shown)
    return ChangeList(tuple(ChangeRow(change, lights[change.pk]) for change in shown), more, counts)


def matching(*, user: User, tab: str, mine: bool, search: str) -> QuerySet[Change]:
    """Every change of one tab that this person sees."""
    states = TABS.get(tab, TABS["all"])[1]
    return _found(user, mine, search).filter(state__in=[state.value for state in states])


def _newest(changes: QuerySet[Change], after: str) -> tuple[list[Change], str]:
    if after.isascii() and after.isdecimal() and len(after) < 19:
        changes = changes.filter(pk__lt=int(after))
    found = list(changes.order_by("-pk")[: PAGE_SIZE + 1])
    return found[:PAGE_SIZE], str(found[PAGE_SIZE - 1].pk) if len(found) > PAGE_SIZE else ""


def _found(user: User, mine: bool, search: str) -> QuerySet[Change]:
    changes = visible(user, Change.objects.all())
    if mine:
        changes = changes.filter(maker_person=user.person)
    words = search.strip()[:100]
    if words:
        changes = changes.filter(
            Q(number__icontains=words)
            | Q(deal__number__icontains=words)
            | Q(deal__customer__name__icontains=words)
            | Q(document_number__iexact=words)
        )
    return changes


def _counts(changes: QuerySet[Change]) -> dict[str, int]:
    by_state = dict(changes.values_list("state").annotate(Count("pk")).order_by())
    return {tab: sum(by_state.get(state.value, 0) for state in states) for tab, (_, states) in TABS.items()}


def facts_of(change: Change) -> ChangeFacts:
    """Decisions, hand-offs, who is asked, the document and every posting with its tries, what was asked. Eight queries."""
    return ChangeFacts(
        decisions=tuple(change.decisions.select_related("by", "acting_for").order_by("at")),
        questions=tuple(change.questions.select_related("by", "answered_by").order_by("pk")),
        handoffs=tuple(change.handoffs.select_related("acknowledged_by").order_by("pk")),
        asked=tuple(_asked(change)),
        document=_document(change),
        postings=_postings(change),
    )


def _asked(change: Change) -> Sequence[str]:
    """The names of those who were told that this version awaits their decision."""
    if change.state != workflow.State.SUBMITTED:
        return ()
    event = f"approval_needed.{change.version}"
    people = User.objects.filter(notices__change=change, notices__event=event, notices__channel="in_app")
    return list(people.order_by("name").values_list("name", flat=True))


def _document(change: Change) -> Document | None:
    if not change.document_number:
        return None
    return Document.objects.prefetch_related("lines").get(number=change.document_number)


def _postings(change: Change) -> tuple[PostingStory, ...]:
    postings = (
        Posting.objects.filter(reference=change.number)
        .select_related("message__settled_by", "document", "version")
        .prefetch_related("message__tries", "steps")
        .order_by("pk")
    )
    return tuple(
        PostingStory(
            posting=posting,
            message=posting.message,
            tries=tuple(Try(attempt) for attempt in sorted(posting.message.tries.all(), key=lambda attempt: attempt.number)),
            steps=tuple(sorted(posting.steps.all(), key=lambda step: step.position)),
        )
        for posting in postings
    )


def ending_of(change: Change) -> Entry | None:
    """The entry of the log that tells who, or what, ended the change without applying it."""
    actions = [f"change.{change.state}", *(["change.cancelled"] if change.state == State.DISCARDED else [])]
    return Entry.objects.filter(subjects__contains=[change.permalink], action__in=actions).order_by("-id").first()
