"""Offers with each kind of answer, and the follow-ups of older expansions ticked off, so that what is late in the demo is a few."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from billing.domain.refusal import Refusal
from expansion.models import AdoptionTask, Offer, Signal
from expansion.operations import adoption, offers, pairings, qualifying
from expansion.queries.introductions import known_of, still_unknown
from expansion.queries.offers import start_of

# A thank-you or a review that is older than this was done by its person.
RECENT_DAYS = 6


@dataclass(frozen=True, slots=True)
class Told:
    """One offer of the demo: how many days ago it was shown, where, and how it was answered."""

    days: int
    location: str
    response: str = ""
    words: str = ""
    until: int | None = None
    meets_in: int | None = None


STORIES = (
    Told(2, "rep", meets_in=2),
    Told(5, "email", "wants_detail", "How would the price look if we paid by the year?"),
    Told(9, "rep", "deferred", "After the summer holidays", until=34),
    Told(6, "email", "declined", "No budget before the new year"),
    Told(1, "chat", "accepted", "Yes please, from now on"),
    Told(16, "form"),
)


def load(*, on: date, at: datetime) -> None:
    """Through the ordinary operations, on the accounts whose signals are open; Brightwave's is left for the person who tries the demo."""
    pairings.find(now=at)
    waiting = Signal.objects.filter(
        state=Signal.State.OPEN, mechanism__in=["upsell", "cross_sell"], product__isnull=False, deal__isnull=False
    )
    told = list(STORIES)
    seen: set[int] = set()
    for signal in waiting.exclude(customer__number="CU-1042").select_related("deal__owner", "product", "customer").order_by("pk"):
        if told and signal.customer_id not in seen and _tell(signal, told[0], on, at):
            seen.add(signal.customer_id)
            told.pop(0)
    offers.ignore_silent(on=on, now=at)


def _tell(signal: Signal, story: Told, on: date, at: datetime) -> bool:
    """Whether the offer could be shown; a signal whose step cannot be computed today is passed over."""
    assert signal.deal is not None and signal.product is not None
    deal, shown = signal.deal, at - timedelta(days=story.days)
    start = start_of(deal, signal=signal, given=None, on=on)
    pitch = offers.Pitch(
        why_now=start.why_now, words=start.words, value=f"Their people do the same work with {signal.product.name} in less time",
        is_good=True, is_good_because="They asked for it or already work at the limit", location=story.location,
        goal=start.goal or "Grow without more people",
    )  # fmt: skip
    try:
        if still_unknown(signal, on=on, goal=pitch.goal):
            _clarify(signal, pitch.goal, on, shown)
        offer = offers.show(
            deal_id=deal.pk, pitch=pitch, proposed=offers.Proposed(start.product, start.quantity), by=deal.owner, on=on, now=shown,
            signal=signal,
        )  # fmt: skip
    except Refusal:
        return False
    _answer(offer, story, on, at)
    return True


def _clarify(signal: Signal, goal: str, on: date, at: datetime) -> None:
    """The step before the offer: somebody asked what was not known yet."""
    assert signal.deal is not None and signal.product is not None
    found = known_of(signal, on=on)
    answers = qualifying.Answers(
        goal=goal, problem=found.problem or "Work waits for people who wait for each other", evidence=found.evidence,
        contact=found.contact, department=found.department or "Operations", product=signal.product.code,
    )  # fmt: skip
    qualifying.keep(signal_id=signal.pk, version=signal.version_number, answers=answers, by=signal.deal.owner, now=at)
    signal.refresh_from_db()


def _answer(offer: Offer, story: Told, on: date, at: datetime) -> None:
    by: Any = offer.shown_by
    if story.meets_in is not None:
        meeting = at + timedelta(days=story.meets_in, hours=3)
        offers.meet(offer_id=offer.pk, at=meeting, link="https://meet.example/northbeam", by=by, now=at - timedelta(hours=20))
    if story.response:
        until = on + timedelta(days=story.until) if story.until is not None else None
        said = at - timedelta(days=max(0, story.days - 1), hours=-2)
        offers.answer(offer_id=offer.pk, response=story.response, words=story.words, until=until, by=by, on=on, now=min(said, at))


def tick_off(*, on: date) -> None:
    """What followed older expansions was done by whoever looks after the account, on the day it was due; the last days' is still open."""
    done = {
        "thank_you": "Written by hand and posted", "activation": "Counted with them: all are assigned",
        "usage": "Counted with them: most are in use", "value": "Reviewed with them: the goal is in reach",
    }  # fmt: skip
    tasks = AdoptionTask.objects.filter(due_on__lt=on - timedelta(days=RECENT_DAYS)).exclude(state="passed")
    for task in tasks.select_related("adoption__change__deal__success_manager", "adoption__change__deal__owner").order_by("due_on", "pk"):
        deal = task.adoption.change.deal
        moment = datetime.combine(task.due_on, time(14), UTC)
        by = deal.success_manager or deal.owner
        adoption.answer(task_id=task.pk, passes=True, words=done[task.kind], by=by, on=task.due_on, now=moment)
