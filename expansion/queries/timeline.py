"""The story of a deal or a change: every entry of the business log about it as one sentence with links, newest first."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from django.db.models import Q

from billing.domain.money import worded
from billing.models import Contract, Document
from dealops.audit.models import Entry
from dealops.audit.queries import timeline
from expansion.models import Change, Deal

PAGE_SIZE = 30

# kind -> (what the filter is called, picture, actions). An action belongs to the first kind that names it or its noun.
KINDS: dict[str, tuple[str, str, tuple[str, ...]]] = {
    "approvals": (
        "Approvals",
        "shield-check",
        (
            "change.approved",
            "change.agreed",
            "change.rejected",
            "change.asked",
            "change.answered",
            "change.reminded",
            "change.escalated",
            "handoff",
        ),
    ),
    "accounting": ("Accounting", "landmark", ("document.posted", "future_invoice", "posting", "accounting", "outbox", "reconcile")),
    "documents": ("Documents", "file-text", ("document", "documents")),
    "changes": ("Changes", "arrow-left-right", ("change", "contract")),
    "motion": (
        "Signals",
        "sparkles",
        ("signal", "signals", "play", "offer", "introduction", "intake", "goal", "milestone", "health", "onboarding", "adoption"),
    ),
    "notes": ("Notes", "message-square", ("deal.noted",)),
    "deal": ("Deal", "briefcase", ("deal",)),
}
# What no kind names falls under this one, so that nothing is left out of the filters.
OTHER = "deal"
BILL_RUN = "documents.issued"

NUMBER = re.compile(r"\b(?:CH-\d{4}-\d{4,}|DL-\d+|(?:[A-Z]{2}-)?(?:INV|CN)-\d{4}-\d{5,})\b")


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a sentence; `kind` is deal, change, document or blank for plain text."""

    text: str
    kind: str = ""


@dataclass(frozen=True, slots=True)
class Story:
    """One entry as a reader sees it."""

    at: datetime
    who: str
    is_system: bool
    via: str
    action: str
    kind: str
    picture: str
    parts: tuple[Part, ...]
    reason: str
    anchor: str


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a timeline. `older` is the cursor of the next page, blank on the last one."""

    stories: tuple[Story, ...]
    older: str


def of_deal(deal: Deal, *, kind: str = "", after: str = "") -> Page:
    """Everything about a deal, its contract and its changes. Three queries."""
    numbers = Change.objects.filter(deal=deal).values_list("number", flat=True)
    subjects = [deal.permalink, deal.contract.permalink, *(f"change:{number}" for number in numbers)]
    page = _page(subjects, kind, after)
    return Page(tuple(_own_words(page.stories, deal.contract)), page.older)


def of_change(change: Change, *, after: str = "") -> Page:
    """Everything about one change. One query."""
    return _page([change.permalink], "", after)


def of_document(document: Document) -> Page:
    """Everything about one issued document, and about the change that made it. One query."""
    made_by = [f"change:{document.reference}"] if document.origin == Document.Origin.ONE_OFF else []
    return _page([document.permalink, *made_by], "", "")


def of_contract(contract: Contract) -> Page:
    """Everything about one contract, whatever deal it belongs to. Two queries."""
    page = _page([contract.permalink], "", "")
    return Page(tuple(_own_words(page.stories, contract)), page.older)


def _own_words(stories: Sequence[Story], contract: Contract) -> Iterable[Story]:
    """A bill run speaks of all its invoices; on the page of one deal it speaks of that deal's. One query."""
    runs = [story.at for story in stories if story.action == BILL_RUN]
    issued = (
        {document.issued_at: document for document in contract.documents.filter(issued_at__in=runs, origin="recurring")} if runs else {}
    )
    for story in stories:
        document = issued.get(story.at) if story.action == BILL_RUN else None
        if document is None:
            yield story
            continue
        amount = worded(document.total, document.currency)
        words = f"{document.number} issued over {amount} for the period from {document.service_start:%-d %b %Y}."
        yield replace(story, parts=tuple(parts_of(words)))


def _page(subjects: Sequence[str], kind: str, after: str) -> Page:
    entries = timeline(*subjects)
    if kind in KINDS:
        entries = entries.filter(_named(kind))
    place = _read_cursor(after)
    if place:
        at, pk = place
        entries = entries.filter(Q(at__lt=at) | Q(at=at, pk__lt=pk))
    found = list(entries[: PAGE_SIZE + 1])
    shown = found[:PAGE_SIZE]
    older = f"{shown[-1].at.isoformat()}_{shown[-1].pk}" if len(found) > PAGE_SIZE else ""
    return Page(tuple(_story(entry) for entry in shown), older)


def _named(kind: str) -> Q:
    """The entries of one kind: what it names, less what an earlier kind has claimed; of OTHER whatever none of the others claims."""
    wanted, taken = Q(), Q(pk__in=[])
    for name, (_, _, actions) in KINDS.items():
        if name == kind and kind != OTHER:
            wanted = _any_of(actions)
            break
        if name != OTHER:
            taken |= _any_of(actions)
    return wanted & ~taken


def _any_of(actions: Iterable[str]) -> Q:
    query = Q()
    for action in actions:
        query |= Q(action=action) if "." in action else Q(action__startswith=f"{action}.")
    return query


def kind_of(action: str) -> str:
    """Which filter an action falls under."""
    for name, (_, _, actions) in KINDS.items():
        if name != OTHER and (action in actions or action.split(".", 1)[0] in actions):
            return name
    return OTHER


def _story(entry: Entry) -> Story:
    kind = kind_of(entry.action)
    return Story(
        at=entry.at,
        who=entry.actor_name,
        is_system=entry.actor_id is None,
        via=entry.via,
        action=entry.action,
        kind=kind,
        picture=KINDS[kind][1],
        parts=tuple(parts_of(entry.sentence)),
        reason=entry.reason if entry.reason and entry.reason not in entry.sentence else "",
        anchor=f"entry-{entry.pk}",
    )


def parts_of(sentence: str) -> Iterable[Part]:
    """A sentence cut at the numbers that have a page of their own."""
    done = 0
    for match in NUMBER.finditer(sentence):
        if match.start() > done:
            yield Part(sentence[done : match.start()])
        number = match.group()
        yield Part(number, "change" if number.startswith("CH-") else "deal" if number.startswith("DL-") else "document")
        done = match.end()
    if done < len(sentence):
        yield Part(sentence[done:])


def _read_cursor(cursor: str) -> tuple[datetime, int] | None:
    """A cursor that was cut or typed by hand shows the newest page."""
    at, _, pk = cursor.rpartition("_")
    try:
        moment, key = datetime.fromisoformat(at), int(pk)
    except ValueError:
        return None
    return (moment, key) if moment.tzinfo else None
