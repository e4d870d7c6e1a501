"""What a hand-off and the form before it show."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from django.db.models import QuerySet

from billing.domain.refusal import Refusal
from billing.rules import seers_of
from dealops.accounts.models import Role, User
from expansion.domain.motion import qualification
from expansion.domain.motion.account import Account
from expansion.domain.motion.words import Known, known
from expansion.models import Contact, Goal, Introduction, Signal
from expansion.queries.facts import snapshots
from expansion.queries.offers import intents_for, lines_now, start_of
from expansion.scope import visible

WITH = ("signal__customer", "signal__product", "customer__legal_entity", "deal", "to", "sourced_by", "closed_by")


def known_of(signal: Signal, *, on: date) -> Known:
    """Everything the form of qualification opens with; what somebody kept goes before what can be read. Nineteen queries."""
    account = snapshots(on=on, customers=[signal.customer_id]).get(signal.customer_id) or Account("", signal.customer.name)
    contact = signal.contact or Contact.objects.filter(customer=signal.customer).order_by("-owns_budget", "pk").first()
    open_goal = Goal.objects.filter(customer=signal.customer, state=Goal.State.OPEN).order_by("-weight", "-created_at").first()
    found = known(
        account=account, kind=signal.kind, inputs=signal.inputs, product=signal.product.code if signal.product else "",
        problem=signal.problem, quote=signal.quote, urgency=signal.urgency, goal=signal.goal or (open_goal.title if open_goal else ""),
        contact=contact.name if contact else "", department=signal.department or (contact.department if contact else ""),
        owns_budget=bool(contact and contact.owns_budget),
    )  # fmt: skip
    scores = {**found.scores, **signal.kept.get("scores", {})}
    # Why a score was filled in is said of that score only, not of one that somebody gave.
    why = {name: words for name, words in found.why.items() if scores[name] == found.scores[name]}
    return replace(found, evidence=signal.kept.get("evidence") or found.evidence, scores=scores, why=why)


def still_unknown(signal: Signal, *, on: date, goal: str = "") -> list[str]:
    """The labels of the context an offer about this signal waits for: qualify, clarify, then offer (S3-12). [] once it was handed over.

    `goal` is what the offer itself names.
    """
    if signal.introductions.exclude(state=Introduction.State.RETURNED).exists():
        return []
    found = known_of(signal, on=on)
    given = {
        "goal": goal or found.goal, "problem": found.problem, "evidence": found.evidence, "contact": found.contact,
        "product": signal.product.code if signal.product else "",
    }  # fmt: skip
    return qualification.missing(given, mechanism=signal.mechanism, buying_centre=found.department)


def one(pk: int, user: User) -> Introduction:
    """Raises Introduction.DoesNotExist, also for another team's."""
    found: Introduction = visible(user, Introduction.objects.all()).select_related(*WITH).get(pk=pk)
    return found


def takers(given: Introduction) -> QuerySet[User]:
    """Whom it may be sent on to: sellers who see the customer, without the one who has it. Two queries."""
    sellers = User.objects.filter(role=Role.SALES, is_active=True).exclude(pk=given.to_id)
    return seers_of(given.customer, sellers).order_by("name", "pk")


def following(given: Introduction) -> Introduction | None:
    """Where it went when it was sent on."""
    if given.state != Introduction.State.REROUTED:
        return None
    return Introduction.objects.filter(signal=given.signal_id, pk__gt=given.pk).select_related("to").order_by("pk").first()


def goal_of(deal_id: int) -> str:
    """What the customer wants to achieve, as it was handed over and taken; "" without a hand-off (S3-57: nothing is asked twice)."""
    taken = Introduction.objects.filter(deal=deal_id, state=Introduction.State.ACCEPTED).order_by("-pk").values_list("context", flat=True)
    context = taken.first()
    return str((context or {}).get("need", {}).get("goal", ""))


def proposed_by(given: Introduction, *, on: date) -> list[dict[str, str]]:
    """What a hand-off proposes, as steps on the lines the contract has now; [] without a product, or when they have it. Three queries."""
    signal = given.signal
    if given.deal is None or signal.product is None or given.mechanism == "downgrade":
        return []
    start = start_of(given.deal, signal=signal, given=given, on=on)
    try:
        return intents_for(lines_now(given.deal.contract, on), signal.product, start.quantity)
    except Refusal:
        return []
