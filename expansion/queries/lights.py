"""The four lights of one change or of many, from a fixed number of queries."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.utils import timezone

from billing.models import Posting
from dealops.outbox.models import OVER, State
from expansion.domain import workflow
from expansion.domain.lights import Delivery, Facts, lights
from expansion.models import OPEN_HANDOFF, Change, Decision, Handoff

# A scheduled change waits for its day and a parked posting for a person; asking every two seconds helps neither.
MOVES_BY_ITSELF = frozenset({State.QUEUED.value, State.SENDING.value, State.UNKNOWN.value})


@dataclass(frozen=True, slots=True)
class ShownLight:
    """One light with its second line: `detail` says who and when, or when the next try is due."""

    name: str
    status: str
    words: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Lights:
    """The four lights of one change. `is_moving` is true while something is expected to change by itself.

    `deliveries` is how far each posting is; a page may show more of it than the lights do.
    """

    shown: tuple[ShownLight, ...]
    is_moving: bool
    deliveries: str = ""

    def __iter__(self) -> Iterator[ShownLight]:
        return iter(self.shown)

    @property
    def mark(self) -> str:
        """Another one whenever a reader would see something else."""
        seen = "|".join(f"{light.status}:{light.words}:{light.detail}" for light in self.shown)
        return hashlib.sha256(f"{seen}|{self.deliveries}".encode()).hexdigest()[:16]


def lights_of(changes: Sequence[Change]) -> dict[int, Lights]:
    """Lights by primary key of the change; two queries however many changes there are, three when Finance updates some itself."""
    by_finance = _by_finance([change.pk for change in changes if change.finance_updates])
    postings = _postings(change.number for change in changes)
    approvals = _approvals(change.pk for change in changes if change.state not in {workflow.State.DRAFT, workflow.State.SUBMITTED})
    return {
        change.pk: _lights(change, postings.get(change.number, []), approvals.get(change.pk), by_finance.get(change.pk, ""))
        for change in changes
    }


def _by_finance(keys: list[int]) -> dict[int, str]:
    """Whether what Finance updates in accounting itself was verified: `waiting` or `done`."""
    if not keys:
        return {}
    open_ones = set(Handoff.objects.filter(change__in=keys, state__in=OPEN_HANDOFF).values_list("change_id", flat=True))
    return {key: "waiting" if key in open_ones else "done" for key in keys}


def _postings(numbers: Iterable[str]) -> dict[str, list[Posting]]:
    found: dict[str, list[Posting]] = defaultdict(list)
    for posting in Posting.objects.filter(reference__in=list(numbers)).select_related("message__settled_by").order_by("pk"):
        found[posting.reference].append(posting)
    return found


def _approvals(keys: Iterable[int]) -> dict[int, Decision]:
    rows = Decision.objects.filter(change_id__in=list(keys)).select_related("by").order_by("at")
    return {row.change_id: row for row in rows}


def _lights(change: Change, postings: Sequence[Posting], decision: Decision | None, by_finance: str = "") -> Lights:
    document = next((p for p in postings if p.kind == Posting.Kind.DOCUMENT), None)
    template = next((p for p in reversed(postings) if p.kind == Posting.Kind.TEMPLATE), None)
    facts = Facts(
        state=change.state,
        effective=f"{change.effective:%-d %b %Y}",
        waits_for="Finance",
        document_number=change.document_number,
        document_why=str(change.impact.get("why") or ""),
        document=_delivery(document),
        template=_delivery(template),
        has_document=change.impact.get("document", "none") != "none",
        by_finance=by_finance,
        bills_itself=any(posting.bills_itself for posting in postings),
    )
    details = _details(change, document, template, decision)
    shown = tuple(
        ShownLight(light.name, light.status.value, light.words, detail) for light, detail in zip(lights(facts), details, strict=True)
    )
    moving = any(posting.message.state in MOVES_BY_ITSELF for posting in (document, template) if posting)
    deliveries = "|".join(f"{posting.message.state}:{posting.message.attempts}" for posting in postings)
    return Lights(shown, moving or change.state == workflow.State.SUBMITTED, deliveries)


def _delivery(posting: Posting | None) -> Delivery | None:
    return Delivery(posting.message.state, posting.message.settled_words or posting.message.last_words) if posting else None


def _details(change: Change, document: Posting | None, template: Posting | None, decision: Decision | None) -> tuple[str, str, str, str]:
    """Who and when, for each light in order."""
    if change.state == workflow.State.SUBMITTED and change.submitted_at:
        asked = f"since {_when(change.submitted_at)}"
        return (asked, asked, asked, "")
    if change.state != workflow.State.APPLIED or not change.applied_at:
        return ("", "", "", "")
    applied = _when(change.applied_at)
    by = f"approved by {decision.by.name}, {applied}" if decision else applied
    return (by, applied, _of_posting(template), _of_posting(_slowest(document, template)))


def _slowest(*postings: Posting | None) -> Posting | None:
    """The posting the accounting light speaks of: the first not over, else one settled otherwise, else the one done last."""
    there = [posting for posting in postings if posting]
    unfinished = [posting for posting in there if posting.message.state not in OVER]
    first = unfinished or [posting for posting in there if posting.message.state == State.SETTLED]
    return min(first, key=lambda p: p.pk) if first else max(there, key=_done_at, default=None)


def _done_at(posting: Posting) -> datetime:
    return posting.message.done_at or posting.message.created_at


def _of_posting(posting: Posting | None) -> str:
    if posting is None:
        return ""
    if posting.message.state == State.DONE:
        label = posting.remote_number
        when = _when(posting.verified_at) if posting.verified_at else ""
        return ", ".join(part for part in (label, when) if part)
    if posting.message.state == State.SETTLED and posting.message.settled_at:
        return _when(posting.message.settled_at)
    if posting.message.state in {State.QUEUED, State.UNKNOWN} and posting.message.attempts:
        word = "next look" if posting.message.state == State.UNKNOWN else "next try"
        return f"{word} {_clock(posting.message.available_at)}"
    return ""


def _when(moment: datetime) -> str:
    local = timezone.localtime(moment)
    return f"{local:%-d %b, %H:%M}"


def _clock(moment: datetime) -> str:
    return f"{timezone.localtime(moment):%H:%M:%S}"
