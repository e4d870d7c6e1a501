"""What is shown to customers: one at a time, with its preview, and an answer of its own. Silence for 14 days is an answer too (S16, G7)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from django.db import IntegrityError, transaction

from billing.domain.money import text
from billing.domain.refusal import Refusal
from billing.models import Customer, Product
from dealops.accounts.models import User
from dealops.audit.operations import record
from expansion import rules_motion as rules
from expansion.domain.motion import gates
from expansion.domain.motion.offers import IGNORED_AFTER, WAITING, Pitch, check_answer, check_pitch, ignored_on
from expansion.models import AWAITS_CHANGE, Change, Deal, Introduction, Offer, Signal
from expansion.operations.offer_limit import wait_for_the_week
from expansion.queries import offers as queries
from expansion.queries.facts import offers_of_the_week, snapshots
from expansion.queries.introductions import still_unknown
from expansion.queries.preview import Preview

RELATED = ("customer__legal_entity", "deal__contract__legal_entity", "deal__customer", "product", "signal")
ONE_OPEN = "Another offer is open with {name}; one at a time (G7). Note its answer first."
# An accepted offer leads to a change within this time, or the change is another matter.
LEADS_WITHIN_DAYS = 90
# A meeting lies at most a year back, where it is noted late, and three years ahead.
MEETINGS = (timedelta(days=366), timedelta(days=3 * 366))


@dataclass(frozen=True, slots=True)
class Proposed:
    """`quantity` of `product` (a code) from the day of acceptance on; how many there shall be, not how many more."""

    product: str
    quantity: str


def show(
    *, deal_id: int, pitch: Pitch, proposed: Proposed, by: User, on: date, now: datetime, signal: Signal | None = None,
    introduction: Introduction | None = None,
) -> Offer:  # fmt: skip
    """Keep what was shown to a customer, with the preview as it was then. Its mechanism comes from the lines, never from a person (K03).

    Raises NotAllowed, or Refusal naming the field: also when a gate holds it back now (S1-29), or another offer is open.
    """
    try:
        with transaction.atomic():
            return _show(deal_id, pitch, proposed, by, on, now, signal, introduction)
    except IntegrityError as error:
        if "one_open_offer" not in str(error):
            raise
        raise Refusal("one_open", "customer", ONE_OPEN.format(name="this account")) from None


def _show(
    deal_id: int, pitch: Pitch, proposed: Proposed, by: User, on: date, now: datetime, signal: Signal | None,
    introduction: Introduction | None,
) -> Offer:  # fmt: skip
    rules.demand(rules.why_not_show_offer(by))
    deal = Deal.objects.select_related("customer__legal_entity", "contract__legal_entity").get(pk=deal_id)
    customer = Customer.objects.select_for_update().get(pk=deal.customer_id)
    rules.demand(rules.why_not_see(by, customer))
    _demand_same_customer(customer, signal, introduction)
    product = Product.objects.filter(code=proposed.product, is_active=True).first()
    if product is None:
        raise Refusal("unknown_product", "product", "Choose the product that is offered.")
    edits = queries.intents_for(queries.lines_now(deal.contract, on), product, proposed.quantity)
    seen = queries.computed(deal, edits, on=on)
    mechanism = seen.impact.mechanism
    check_pitch(pitch, mechanism=mechanism)
    _demand_context(signal or (introduction.signal if introduction else None), pitch, on)
    if queries.open_of(customer.pk) is not None:
        raise Refusal("one_open", "customer", ONE_OPEN.format(name=customer.name))
    wait_for_the_week()
    _demand_gates(customer, mechanism, product.code, signal or (introduction.signal if introduction else None), on, now)
    offer = Offer.objects.create(
        customer=customer, deal=deal, signal=signal or (introduction.signal if introduction else None), introduction=introduction,
        mechanism=mechanism, product=product, trigger_family=signal.family if signal else "", why_now=pitch.why_now.strip(),
        words=pitch.words.strip(), value_for_customer=pitch.value.strip(), goal=pitch.goal.strip(), is_good=True,
        is_good_because=pitch.is_good_because.strip(), edits=edits, figures=_figures_of(seen), location=pitch.location, shown_at=now,
        shown_by=by,
    )  # fmt: skip
    where = offer.location.replace("rep", "conversation")
    _tell(offer, "offer.shown", f"{by} showed {customer.name} an offer ({where}): {seen.impact.summary}.", by=by, now=now)
    return offer


def _demand_same_customer(customer: Customer, signal: Signal | None, introduction: Introduction | None) -> None:
    if signal and signal.customer_id != customer.pk:
        other, field = f"The signal is about {signal.customer.name}", "signal"
    elif introduction and introduction.customer_id != customer.pk:
        other, field = f"The hand-off is about {introduction.customer.name}", "introduction"
    else:
        return
    raise Refusal("other_customer", field, f"{other} and the deal belongs to {customer.name}. Choose a deal of the same customer.")


def _demand_context(signal: Signal | None, pitch: Pitch, on: date) -> None:
    """An offer about a signal comes third: it stays locked until enough is known about the customer (S3-12)."""
    unknown = still_unknown(signal, on=on, goal=pitch.goal.strip()) if signal else []
    if unknown:
        words = f"The offer is locked until the context is known. Still missing: {'; '.join(unknown)}. Fill it in under Qualify."
        raise Refusal("locked", "signal", words)


def _demand_gates(customer: Customer, mechanism: str, product: str, signal: Signal | None, on: date, now: datetime) -> None:
    """The gates once more, at the moment it is shown. What a person let through for this signal stays through."""
    account = snapshots(on=on, customers=[customer.pk]).get(customer.pk)
    if account is None:
        raise Refusal("no_contract", "customer", f"{customer.name} has no contract that is running.")
    # Where the seller sits it may be yesterday still: what others have shown today counts all the same.
    account = replace(account, offers_this_week=offers_of_the_week(on=max(on, now.date()))[0])
    through = frozenset(signal.overrides.values_list("gate", flat=True)) if signal else frozenset[str]()
    # A person who offers has named the goal and why now: that is the evidence of the need.
    asked = gates.Proposal(mechanism, product, has_usage_evidence=bool(signal and signal.family == "usage"), has_need_evidence=True)
    held = gates.first_hold(gates.check(account, asked, on, overridden=through))
    if held:
        raise Refusal("held_back", "gate", f"Held back by “{gates.LABELS[held.gate]}”: {held.sentence}")


def _figures_of(seen: Preview) -> dict[str, str]:
    """The few figures of a preview that an offer keeps, amounts as text."""
    impact = seen.impact
    following = impact.next_after
    return {
        "summary": impact.summary, "currency": impact.currency, "on": impact.effective.isoformat(), "document": impact.document,
        "net": text(impact.signed_net), "mrr_before": text(impact.mrr_before), "mrr_after": text(impact.mrr_after),
        "mrr_delta": text(impact.mrr_delta), "next_on": following.date.isoformat() if following else "",
        "next_before": text(impact.next_before.net) if impact.next_before else "",
        "next_after": text(following.net) if following else "", "content_hash": seen.content_hash,
    }  # fmt: skip


@transaction.atomic
def answer(
    *, offer_id: int, response: str, by: User, on: date, now: datetime, until: date | None = None, words: str = ""
) -> Offer:  # fmt: skip
    """What the customer said. Raises NotAllowed, or Refusal naming the field; an answer that settles it stays."""
    offer = _lock(offer_id, by)
    check_answer(offer.response, response, until=until, words=words, on=on)
    said = words.strip()[:300]
    offer.response, offer.responded_at, offer.answered_by, offer.answer = response, now, by, said
    offer.deferred_until = until if response == "deferred" else None
    offer.decline_reason = said if response == "declined" else ""
    _save_answer(offer)
    day = f" until {until:%-d %b %Y}" if offer.deferred_until and until else ""
    more = f": {said}" if said else ""
    words_of = {"accepted": "accepted", "wants_detail": "wants detail on", "deferred": f"put off{day}", "declined": "declined"}[response]
    sentence = f"{offer.customer.name} {words_of} the offer{more}."
    _tell(offer, f"offer.{response}", sentence, by=by, now=now, reason=offer.decline_reason)
    return offer


def _save_answer(offer: Offer) -> None:
    """A deferred offer that is talked about again is the open one, unless another has taken its place (held by the database)."""
    columns = ["response", "responded_at", "answered_by", "answer", "deferred_until", "decline_reason"]
    try:
        with transaction.atomic():
            offer.save(update_fields=columns)
    except IntegrityError:
        raise Refusal("one_open", "response", ONE_OPEN.format(name=offer.customer.name)) from None


@transaction.atomic
def meet(*, offer_id: int, at: datetime, link: str, by: User, now: datetime) -> Offer:
    """A meeting about the offer, with the link of the calendar it was booked in, or as it was agreed. Raises Refusal or NotAllowed.

    Whoever goes there has the context first: the deal's owner, or somebody it was handed to (S3-48).
    """
    offer = _lock(offer_id, by)
    if not _has_context(offer, by):
        raise Refusal("no_context", "introduction", "Hand the signal off first, so that whoever meets the customer knows what was said.")
    if offer.response in {Offer.Response.DECLINED, Offer.Response.IGNORED}:
        raise Refusal("settled", "response", "This offer is settled; there is nothing left to meet about.")
    if not now - MEETINGS[0] <= at <= now + MEETINGS[1]:
        raise Refusal("bad_moment", "at", "Choose a day of this year or the next ones for the meeting.")
    link = link.strip()
    if link and not _is_address(link):
        words = "Give the whole address of the meeting, beginning with https:// and at most 200 characters long, or leave it blank."
        raise Refusal("bad_link", "link", words)
    offer.meeting_at, offer.meeting_link = at, link
    offer.save(update_fields=["meeting_at", "meeting_link"])
    _tell(offer, "offer.meeting", f"{by} booked a meeting with {offer.customer.name} on {at:%-d %b %Y %H:%M}.", by=by, now=now)
    return offer


def _is_address(link: str) -> bool:
    try:
        parts = urlsplit(link)
    except ValueError:
        return False
    return len(link) <= 200 and parts.scheme in {"https", "http"} and bool(parts.hostname)


def _has_context(offer: Offer, by: User) -> bool:
    if offer.deal is not None and offer.deal.owner_id == by.pk:
        return True
    states = [Introduction.State.GIVEN, Introduction.State.ACCEPTED, Introduction.State.CLOSED]
    return Introduction.objects.filter(customer=offer.customer_id, state__in=states).exists()


def ignore_silent(*, on: date, now: datetime) -> int:
    """Offers nobody answered for 14 days are ignored: the cool-down begins, the account is free. Answers how many; idempotent."""
    limit = on - IGNORED_AFTER
    waiting = Offer.objects.filter(response__in=WAITING, shown_at__date__lte=limit)
    done = 0
    for pk in waiting.order_by("pk").values_list("pk", flat=True):
        with transaction.atomic():
            done += _ignore(pk, on, now)
    return done


def _ignore(pk: int, on: date, now: datetime) -> bool:
    offer = Offer.objects.select_for_update(of=("self",)).select_related(*RELATED).get(pk=pk)
    touched = (offer.responded_at or offer.shown_at).date()
    due = ignored_on(offer.response, touched=touched, deferred_until=offer.deferred_until)
    if due is None or due > on:
        return False
    offer.response, offer.responded_at = Offer.Response.IGNORED, now
    offer.save(update_fields=["response", "responded_at"])
    sentence = f"{offer.customer.name} did not answer the offer for {IGNORED_AFTER.days} days: ignored."
    _tell(offer, "offer.ignored", sentence, now=now)
    return True


def became(change: Change, *, now: datetime) -> None:
    """Tie a submitted change to the accepted offer of its deal that awaits one; in the caller's transaction. One query without one."""
    found = Offer.objects.filter(AWAITS_CHANGE, deal=change.deal_id)
    offer = found.select_for_update(of=("self",)).select_related(*RELATED).order_by("-responded_at").first()
    if offer is None or offer.mechanism not in change.mechanisms or offer.responded_at is None:
        return
    if (now - offer.responded_at).days > LEADS_WITHIN_DAYS or Offer.objects.filter(change=change).exists():
        return
    offer.change = change
    offer.save(update_fields=["change"])
    _tell(offer, "offer.became_change", f"The accepted offer became {change.number}.", now=now)


def _lock(offer_id: int, by: User) -> Offer:
    rules.demand(rules.why_not_show_offer(by))
    offer = Offer.objects.select_for_update(of=("self",)).select_related(*RELATED).get(pk=offer_id)
    rules.demand(rules.why_not_see(by, offer.customer))
    return offer


def _tell(offer: Offer, action: str, sentence: str, *, now: datetime, by: User | None = None, reason: str = "") -> None:
    extra: Mapping[str, Any] = {"change": offer.change.number} if offer.change else {}
    record(
        action=action,
        sentence=sentence,
        subjects=[
            offer.permalink, offer.customer.permalink, *([offer.deal.permalink] if offer.deal else []),
            *([offer.signal.permalink] if offer.signal else []), *([offer.change.permalink] if offer.change else []),
        ],
        chain=offer.customer.legal_entity.code,
        at=now,
        by=by,
        reason=reason,
        after={"response": offer.response, "mechanism": offer.mechanism, **extra},
    )  # fmt: skip


__all__ = ["Pitch", "Proposed", "answer", "became", "ignore_silent", "meet", "show"]
