"""A signal becomes a qualified opportunity, is given to whoever closes, and is taken, returned or sent on (7.5, S1-17, S1-24)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

import holidays
from django.db import transaction

from billing.domain.refusal import Refusal
from dealops.accounts.models import Role, User
from dealops.audit.operations import record
from expansion import rules_motion as rules
from expansion.domain.motion import kinds, qualification, routing
from expansion.domain.motion.account import Account
from expansion.domain.motion.plays import read_play
from expansion.domain.motion.use import percent_words
from expansion.models import Introduction, Offer, Signal
from expansion.operations import crm_context, facts
from expansion.operations.deals import lock as lock_deal
from expansion.operations.deals import place, stage_of
from expansion.operations.inbox_of_signals import ask_again, lock, product_named
from expansion.queries.facts import snapshots

BESIDE = ("evidence", "note", "complexity", "offer_type")
PIPELINES = {"upsell": "upsells", "cross_sell": "cross_sells", "downgrade": "downgrades"}


@dataclass(frozen=True, slots=True)
class Answers:
    """What the person who qualifies knows. `scores` are budget, timing, need and commitment, 1 to 3."""

    goal: str
    problem: str
    evidence: str
    contact: str
    product: str = ""
    department: str = ""
    note: str = ""
    scores: Mapping[str, int] = field(default_factory=dict)
    complexity: str = ""
    offer_type: str = ""

    def beside(self) -> dict[str, Any]:
        """What a signal has no column for, as it is kept there: texts that are not blank, and the scores that are scores."""
        texts = {name: text for name in BESIDE if (text := getattr(self, name).strip())}
        scores = {name: value for name, value in self.scores.items() if name in qualification.SCORED and value in (1, 2, 3)}
        return texts | ({"scores": scores} if scores else {})


@transaction.atomic
def hand_off(*, signal_id: int, version: int, answers: Answers, by: User, on: date, now: datetime) -> Introduction:
    """Qualify a signal and give it, with the four groups of context as they are now, to the one whom the routing names.

    Raises Refusal listing what is missing, or with the gate's sentence when the account is not fit any more (S1-29).
    """
    signal = lock(signal_id, version, by)
    if signal.state not in {Signal.State.OPEN, Signal.State.SNOOZED}:
        why = signal.held_reason if signal.state == Signal.State.HELD else f"It is {signal.get_state_display().lower()}."
        raise Refusal("not_open", "state", f"This signal cannot be handed off. {why}")
    product = product_named(signal, answers.product)
    signal.product = product
    _demand_complete(signal, answers)
    ask_again(signal, on=on)
    if signal.state == Signal.State.HELD:
        raise Refusal("held_back", "gate", f"Held back since you opened it: {signal.held_reason}")
    account = snapshots(on=on, customers=[signal.customer_id])[signal.customer_id]
    case = _case(signal, account, answers)
    way = routing.route(case)
    introduction = Introduction.objects.create(
        signal=signal, customer=signal.customer, deal=signal.deal, mechanism=signal.mechanism, sourced_by=signal.created_by or by,
        to=_person(signal, way), route=way.to, rule=way.words[:200], is_fallback=way.is_fallback,
        context=_context(signal, account, answers, case, way), qualification=dict(answers.scores), note=answers.note.strip(),
        due_at=_next_business_day(now, signal), created_at=now,
    )  # fmt: skip
    contact = facts.know_contact(customer=signal.customer, name=answers.contact, department=answers.department)
    signal.contact, signal.goal, signal.problem = contact, answers.goal.strip(), answers.problem.strip()
    signal.department, signal.kept = answers.department.strip() or signal.department, answers.beside()
    signal.state, signal.closed_by, signal.closed_at = Signal.State.HANDED_OFF, by, now
    signal.version_number += 1
    signal.save()
    _card(signal, "qualified", by=by, now=now)
    crm_context.want(introduction)
    to = introduction.to or "the sales queue"
    _tell(introduction, "introduction.given", f"{by} handed {signal.customer.name} to {to}: {signal.because}", by=by, now=now)
    return introduction


@transaction.atomic
def keep(*, signal_id: int, version: int, answers: Answers, by: User, now: datetime) -> Signal:
    """What is known by now is kept on the signal, and nothing is handed over yet: the step between the signal and the offer (S3-12).

    Every answer is kept, the note and the scores too; blank ones stay unknown. Raises Refusal, Stale or NotAllowed.
    """
    signal = lock(signal_id, version, by)
    if signal.state not in {Signal.State.OPEN, Signal.State.SNOOZED}:
        raise Refusal("not_open", "state", f"This signal is {signal.get_state_display().lower()}; nothing is added to it any more.")
    signal.product = product_named(signal, answers.product)
    signal.goal, signal.problem, signal.department = answers.goal.strip(), answers.problem.strip(), answers.department.strip()
    signal.kept = answers.beside()
    if answers.contact.strip():
        signal.contact = facts.know_contact(customer=signal.customer, name=answers.contact, department=answers.department)
    signal.version_number += 1
    signal.save(update_fields=["product", "goal", "problem", "department", "kept", "contact", "version_number"])
    record(
        action="signal.clarified", sentence=f"{by} wrote down what is known about {signal.customer.name}.",
        subjects=[signal.permalink, signal.customer.permalink, *([signal.deal.permalink] if signal.deal else [])],
        chain=signal.customer.legal_entity.code, at=now, by=by, after={"goal": signal.goal, "problem": signal.problem},
    )  # fmt: skip
    return signal


def routed(signal: Signal, account: Account) -> routing.Route:
    """Whom the routing names for a signal that nobody has qualified yet (7.4)."""
    return routing.route(_case(signal, account, Answers("", "", "", "")))


def preview(signal: Signal, answers: Answers, *, on: date) -> dict[str, Any]:
    """The four groups as they would go along now; writes nothing. {} for a customer without a contract."""
    account = snapshots(on=on, customers=[signal.customer_id]).get(signal.customer_id)
    if account is None:
        return {}
    case = _case(signal, account, answers)
    return _context(signal, account, answers, case, routing.route(case))


def _demand_complete(signal: Signal, answers: Answers) -> None:
    given = {
        "goal": answers.goal, "problem": answers.problem, "evidence": answers.evidence, "contact": answers.contact,
        "product": signal.product.code if signal.product else "",
    }  # fmt: skip
    missing = qualification.missing(given, mechanism=signal.mechanism, buying_centre=answers.department)
    if missing:
        raise Refusal("not_qualified", "answers", f"Still missing: {'; '.join(missing)}.")
    wrong = [name for name, value in answers.scores.items() if name not in qualification.SCORED or value not in (1, 2, 3)]
    if wrong:
        raise Refusal("bad_score", wrong[0], "Budget, timing, need and commitment are scored 1 to 3.")
    if not qualification.Score(answers.scores).is_enough:
        raise Refusal("not_qualified", "scores", "At least three of budget, timing, need and commitment have to be known (2 or 3).")


def _case(signal: Signal, account: Account, answers: Answers) -> routing.Case:
    play = read_play(signal.version.definition) if signal.version else None
    kind = {"upsell": "upsell", "cross_sell": "cross_sell"}.get(signal.mechanism, "review")
    return routing.Case(
        account.stage,
        answers.offer_type or (play.offer_type if play else kind),
        answers.complexity or (play.complexity if play else "straightforward"),
        account.owner_model or "account_manager",
    )


def _person(signal: Signal, way: routing.Route) -> User | None:
    """The deal's owner stands for the account owner and manager; the other roles have a queue until somebody of them is named."""
    if way.to in {"account_owner", "account_manager"} and signal.deal and signal.deal.owner.is_active:
        return signal.deal.owner
    return None


def _context(signal: Signal, account: Account, answers: Answers, case: routing.Case, way: routing.Route) -> dict[str, Any]:
    """The four groups, frozen: a later change of the account does not rewrite what was handed over (S3-58 to S3-61)."""
    offer = Offer.objects.filter(customer=signal.customer).order_by("-shown_at").first()
    code = signal.product.code if signal.product else ""
    share = account.share(code)
    newest = account.milestones[0] if account.milestones else None
    return {
        "offer": {
            "shown": offer.words if offer else "", "mechanism": signal.mechanism, "where": offer.location if offer else "",
            "when": offer.shown_at.isoformat() if offer else "", "response": offer.response if offer else "not shown yet",
            "deferred_until": offer.deferred_until.isoformat() if offer and offer.deferred_until else "", "words": signal.message,
        },
        "need": {
            "verbatim": signal.quote or account.asked_problem, "problem": answers.problem, "goal": answers.goal, "urgency": signal.urgency,
            "evidence": answers.evidence, "contact": answers.contact, "department": answers.department,
        },
        "product": {
            "plan": account.plan.name if account.plan else "", "owned": [f"{o.name} x {o.quantity.normalize():f}" for o in account.owned],
            "proposed": signal.product.name if signal.product else "", "units": signal.units,
            "implementation_stage": "Onboarding done" if account.onboarding_done else "Onboarding",
            "milestone": f"{kinds.MILESTONE_KINDS.get(newest[0], newest[0])} on {newest[1]:%-d %b %Y}" if newest else "none yet",
            "utilisation": percent_words(share) if share is not None else "not counted",
            "health": str(account.health) if account.health is not None else "unknown",
        },
        "routing": {
            "rule": way.rule, "stage": case.stage, "offer_type": case.offer_type, "complexity": case.complexity,
            "ownership": case.ownership,
            "to": way.to, "joined": list(way.joined), "reason": way.words, "because": signal.because,
        },
    }  # fmt: skip


def _next_business_day(now: datetime, signal: Signal) -> datetime:
    """The same hour of the next working day of the legal entity's country."""
    free = holidays.country_holidays(signal.customer.legal_entity.country)
    moment = now + timedelta(days=1)
    while moment.weekday() >= 5 or moment.date() in free:
        moment += timedelta(days=1)
    return moment


@transaction.atomic
def accept(*, introduction_id: int, by: User, now: datetime) -> Introduction:
    """Taken, the context read (S3-56). The card stays where it is; the deal's page shows what was said."""
    introduction = _lock(introduction_id, by)
    _demand(introduction, Introduction.State.GIVEN)
    introduction.state, introduction.answered_at, introduction.to = Introduction.State.ACCEPTED, now, introduction.to or by
    introduction.save(update_fields=["state", "answered_at", "to"])
    _tell(
        introduction,
        "introduction.accepted",
        f"{by} took {introduction.customer.name} over from {introduction.sourced_by}.",
        by=by,
        now=now,
    )
    return introduction


@transaction.atomic
def give_back(*, introduction_id: int, question: str, by: User, now: datetime) -> Introduction:
    """Back to whoever gave it, with a question; the signal is open again with everything that was filled in."""
    introduction = _lock(introduction_id, by)
    _demand(introduction, Introduction.State.GIVEN)
    if not question.strip():
        raise Refusal("no_question", "question", "Ask what you need to know.")
    introduction.state, introduction.answered_at, introduction.question = Introduction.State.RETURNED, now, question.strip()
    introduction.save(update_fields=["state", "answered_at", "question"])
    signal = introduction.signal
    signal.state, signal.closed_by, signal.closed_at, signal.reason = Signal.State.OPEN, None, None, f"Returned: {question.strip()}"[:300]
    signal.version_number += 1
    signal.save(update_fields=["state", "closed_by", "closed_at", "reason", "version_number"])
    _tell(introduction, "introduction.returned", f"{by} asks about {introduction.customer.name}: {question.strip()}", by=by, now=now)
    return introduction


@transaction.atomic
def send_on(*, introduction_id: int, to: User, reason: str, by: User, now: datetime) -> Introduction:
    """To somebody else, with everything; the clock starts anew. Raises Refusal for a person who cannot close or see it."""
    introduction = _lock(introduction_id, by)
    _demand(introduction, Introduction.State.GIVEN, Introduction.State.ACCEPTED)
    if not reason.strip():
        raise Refusal("no_reason", "reason", "Say why somebody else is the right one.")
    if to.role not in {Role.SALES, Role.REVOPS} or not to.is_active:
        raise Refusal("cannot_close", "to", f"{to} cannot close a deal. Choose somebody in Sales.")
    if rules.why_not_see(to, introduction.customer):
        raise Refusal("cannot_see", "to", f"{to} does not see {introduction.customer.name}. Choose somebody of its teams.")
    introduction.state, introduction.answered_at = Introduction.State.REROUTED, now
    introduction.save(update_fields=["state", "answered_at"])
    context = dict(introduction.context)
    context["routing"] = {**context["routing"], "reason": f"Sent on by {by}: {reason.strip()}"}
    following = Introduction.objects.create(
        signal=introduction.signal, customer=introduction.customer, deal=introduction.deal, mechanism=introduction.mechanism,
        sourced_by=introduction.sourced_by, to=to, route=introduction.route, context=context,
        rule=f"Sent on by {by}: {reason.strip()}"[:200],
        qualification=introduction.qualification, note=introduction.note,
        due_at=_next_business_day(now, introduction.signal), created_at=now,
    )  # fmt: skip
    crm_context.want(following)
    _tell(following, "introduction.rerouted", f"{by} sent {introduction.customer.name} on to {to}: {reason.strip()}", by=by, now=now)
    return following


@transaction.atomic
def close(*, introduction_id: int, outcome: str, won: bool, by: User, now: datetime) -> Introduction:
    """What became of it. Only Sales closes; who sourced it stays on it (S1-17)."""
    rules.demand(rules.why_not_close_expansion(by))
    introduction = _lock(introduction_id, by)
    _demand(introduction, Introduction.State.ACCEPTED)
    if not outcome.strip():
        raise Refusal("no_outcome", "outcome", "Say what became of it.")
    introduction.state, introduction.closed_by, introduction.closed_at = Introduction.State.CLOSED, by, now
    introduction.outcome = f"{'Won' if won else 'Lost'}: {outcome.strip()}"[:200]
    introduction.save(update_fields=["state", "closed_by", "closed_at", "outcome"])
    _tell(introduction, "introduction.closed", f"{by} closed {introduction.customer.name}. {introduction.outcome}.", by=by, now=now)
    return introduction


def _lock(introduction_id: int, by: User) -> Introduction:
    Introduction.objects.select_for_update().only("pk").get(pk=introduction_id)
    introduction = Introduction.objects.select_related(
        "signal__customer__legal_entity", "customer__legal_entity", "deal", "to", "sourced_by"
    ).get(pk=introduction_id)
    rules.demand(rules.why_not_see(by, introduction.customer))
    rules.demand(rules.why_not_answer_introduction(by, introduction))
    return introduction


def _demand(introduction: Introduction, *states: str) -> None:
    if introduction.state not in states:
        raise Refusal("answered", "state", f"This hand-off is settled: {introduction.get_state_display().lower()}.")


def _card(signal: Signal, stage: str, *, by: User, now: datetime) -> None:
    """The deal's card shows the conversation, unless money is being decided or another conversation is further on."""
    if signal.deal is None or signal.mechanism not in PIPELINES:
        return
    deal = lock_deal(signal.deal.pk)
    resting = deal.pipeline.code == "main" and not deal.stage.is_money
    if resting and not deal.changes.filter(state__in=["submitted", "approved"]).exists():
        place(deal, stage_of(PIPELINES[signal.mechanism], stage), by=by, now=now)


def _tell(introduction: Introduction, action: str, sentence: str, *, by: User, now: datetime) -> None:
    record(
        action=action,
        sentence=sentence,
        subjects=[
            introduction.signal.permalink, introduction.customer.permalink, *([introduction.deal.permalink] if introduction.deal else []),
        ],
        chain=introduction.customer.legal_entity.code,
        at=now,
        by=by,
        after={"state": introduction.state, "to": introduction.to.name if introduction.to else "", "rule": introduction.rule},
    )  # fmt: skip
