"""What people do with signals: write down what a customer said, put off, dismiss, let through a gate."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from django.db import transaction

from billing.domain.refusal import Refusal, Stale
from billing.models import Customer, Product
from dealops.accounts.models import User
from dealops.audit.operations import record
from expansion import rules_motion as rules
from expansion.domain.motion import gates, kinds
from expansion.domain.motion.account import Account
from expansion.domain.motion.plays import NEED_FAMILIES, read_play
from expansion.domain.motion.value import estimate
from expansion.models import GateOverride, Signal
from expansion.operations import facts, play_tasks
from expansion.operations.signals import largest_deals
from expansion.queries.facts import snapshots

MECHANISMS = ("upsell", "cross_sell", "downgrade")


@dataclass(frozen=True, slots=True)
class Said:
    """What a customer said: `quote` in their words. Everything else may stay blank; what is known is filled in (S1-22, S3-54)."""

    quote: str
    kind: str = "other"
    goal: str = ""
    problem: str = ""
    product: str = ""
    contact: str = ""
    department: str = ""
    urgency: str = ""
    mechanism: str = ""


@transaction.atomic
def log(*, customer: Customer, said: Said, by: User, on: date, now: datetime) -> Signal:
    """Write down what a customer said, as a signal that people work on. The gates answer at once, but it is never thrown away.

    Raises NotAllowed, or Refusal naming the field.
    """
    rules.demand(rules.why_not_log_signal(by))
    rules.demand(rules.why_not_see(by, customer))
    _refuse(said)
    product = facts.product_of(said.product)
    contact = facts.know_contact(customer=customer, name=said.contact, department=said.department) if said.contact.strip() else None
    account = snapshots(on=on, customers=[customer.pk]).get(customer.pk)
    if account is None:
        raise Refusal("no_contract", "customer", f"{customer.name} has no contract. Prospects are not kept here.")
    deal = largest_deals([customer.pk]).get(customer.pk)
    mechanism = said.mechanism or kinds.MOTIONS[said.kind]
    code = product.code if product else ""
    if mechanism == "cross_sell" and code and account.owns(code):
        mechanism = "upsell" if code in account.adopted else "adoption"
    guess = estimate(account, mechanism, code)
    signal = Signal(
        customer=customer, deal=deal, trigger=f"logged:{now.isoformat()}", kind=said.kind, family="intent", mechanism=mechanism,
        product=product,
        because=_sentence(customer, said, by, on), quote=said.quote.strip(), goal=said.goal.strip(), problem=said.problem.strip(),
        urgency=said.urgency, contact=contact, department=said.department.strip(), units=guess.units, value=guess.value,
        currency=guess.currency, value_words=guess.words[:200], data_as_of=on, created_by=by, first_seen=now, last_seen=now,
        inputs={"quote": said.quote.strip()},
    )  # fmt: skip
    _ask_gates(signal, account, on)
    signal.save()
    _tell(signal, "signal.logged", f"{by} logged what {customer.name} said: “{said.quote.strip()[:200]}”.", by=by, now=now)
    return signal


def _refuse(said: Said) -> None:
    if not said.quote.strip():
        raise Refusal("no_quote", "quote", "Write what the customer said, in their words.")
    if said.kind not in kinds.SIGNAL_KINDS:
        raise Refusal("unknown_kind", "kind", f"Choose one of {', '.join(kinds.SIGNAL_KINDS)}.")
    if said.mechanism and said.mechanism not in MECHANISMS:
        raise Refusal("bad_mechanism", "mechanism", f"Choose one of {', '.join(MECHANISMS)}, or leave it blank.")


def _sentence(customer: Customer, said: Said, by: User, on: date) -> str:
    who = f"{said.contact.strip()} of {customer.name}" if said.contact.strip() else customer.name
    return f"Because {who} told {by} on {on:%-d %b}: “{said.quote.strip()[:200]}”."


def _ask_gates(signal: Signal, account: Account, on: date, *, overridden: frozenset[str] = frozenset()) -> None:
    code = signal.product.code if signal.product else ""
    families = {signal.family}
    definition = read_play(signal.version.definition) if signal.version else None
    if definition:
        families = {condition.field.family for condition in definition.live}
    need = signal.play_id is None or bool(families & NEED_FAMILIES) or bool(account.asked_problem or account.logged)
    limits = {"cool_down": definition.cool_down, "health": definition.health} if definition else {}
    asked = gates.Proposal(signal.mechanism, code, "usage" in families, need, **limits)
    results = gates.check(account, asked, on, overridden=overridden)
    held = gates.first_hold(results)
    signal.gates = [{"gate": r.gate, "passes": r.passes, "sentence": r.sentence, "guardrail": r.guardrail} for r in results]
    signal.state = Signal.State.HELD if held else Signal.State.OPEN
    signal.gate, signal.held_reason = (held.gate, held.sentence[:300]) if held else ("", "")


def ask_again(signal: Signal, *, on: date) -> None:
    """The gates once more, with what is known now; for a locked signal that is about to be sent on (S1-29). Writes the answer."""
    account = snapshots(on=on, customers=[signal.customer_id])[signal.customer_id]
    through = frozenset(signal.overrides.values_list("gate", flat=True))
    _ask_gates(signal, account, on, overridden=through)
    signal.save(update_fields=["gates", "state", "gate", "held_reason"])


@transaction.atomic
def snooze(*, signal_id: int, version: int, until: date, reason: str, by: User, on: date, now: datetime) -> Signal:
    """Not now: it comes back by itself on the day. Raises Refusal, Stale or NotAllowed."""
    signal = lock(signal_id, version, by)
    _demand_waiting(signal)
    if until <= on:
        raise Refusal("not_later", "until", "Choose a day after today.")
    _demand_reason(reason)
    signal.state, signal.snoozed_until, signal.reason = Signal.State.SNOOZED, until, reason.strip()[:300]
    play_tasks.wait_until(signal, until)
    _save(signal, "signal.snoozed", f"{by} put a signal off until {until:%-d %b %Y}: {reason.strip()}.", by=by, now=now)
    return signal


@transaction.atomic
def dismiss(*, signal_id: int, version: int, reason: str, by: User, now: datetime) -> Signal:
    """No: with the reason, which is counted against the play. It is not raised again for the same trigger."""
    signal = lock(signal_id, version, by)
    _demand_waiting(signal)
    _demand_reason(reason)
    signal.state, signal.reason, signal.closed_by, signal.closed_at = Signal.State.DISMISSED, reason.strip()[:300], by, now
    signal.gate, signal.held_reason = "", ""
    _save(signal, "signal.dismissed", f"{by} dismissed a signal: {reason.strip()}.", by=by, now=now)
    return signal


@transaction.atomic
def let_through(*, signal_id: int, version: int, reason: str, by: User, on: date, now: datetime) -> Signal:
    """Let a held signal pass the gate that holds it, with a reason (7.6). The other gates still ask. Red health is nobody's to pass."""
    signal = lock(signal_id, version, by)
    if signal.state != Signal.State.HELD:
        raise Refusal("not_held", "state", "Nothing holds this signal back.")
    rules.demand(rules.why_not_override(by, gates.OVERRIDES.get(signal.gate, frozenset())))
    _demand_reason(reason)
    account = snapshots(on=on, customers=[signal.customer_id])[signal.customer_id]
    if signal.gate == "health" and account.colour == "red":
        raise Refusal("red_health", "gate", "A person called this account red. Lift that first, when it is over.")
    guardrail = next((g["guardrail"] for g in signal.gates if g["gate"] == signal.gate), "")
    gate, sentence = signal.gate, signal.held_reason
    GateOverride.objects.create(signal=signal, gate=gate, guardrail=guardrail, sentence=sentence, reason=reason.strip(), by=by, at=now)
    ask_again(signal, on=on)
    if signal.play_id:
        play_tasks.begin(plays=[signal.play_id], on=on, customers=[signal.customer_id])
    words = f"{by} let a signal pass the gate “{gates.LABELS[gate]}” ({sentence}): {reason.strip()}."
    _save(signal, "signal.let_through", words, by=by, now=now, reason=reason.strip())
    return signal


def lock(signal_id: int, version: int, by: User) -> Signal:
    """The signal, locked. Raises NotAllowed for a role that only reads, Stale when somebody was faster."""
    rules.demand(rules.why_not_work_signal(by))
    Signal.objects.select_for_update().only("pk").get(pk=signal_id)
    related = ("customer__legal_entity", "deal__contract__legal_entity", "product", "contact", "play", "version")
    signal = Signal.objects.select_related(*related).get(pk=signal_id)
    rules.demand(rules.why_not_see(by, signal.customer))
    if signal.version_number != version:
        raise Stale("moved_meanwhile", "version", f"This signal was changed meanwhile; it is {signal.get_state_display().lower()} now.")
    return signal


def _demand_waiting(signal: Signal) -> None:
    if signal.state not in {Signal.State.OPEN, Signal.State.HELD, Signal.State.SNOOZED}:
        raise Refusal("settled", "state", f"This signal is settled: {signal.get_state_display().lower()}.")


def _demand_reason(reason: str) -> None:
    if not reason.strip():
        raise Refusal("no_reason", "reason", "Say why in a few words.")


def _save(signal: Signal, action: str, sentence: str, *, by: User, now: datetime, reason: str = "") -> None:
    signal.version_number += 1
    signal.save()
    _tell(signal, action, sentence, by=by, now=now, reason=reason)


def _tell(signal: Signal, action: str, sentence: str, *, by: User, now: datetime, reason: str = "") -> None:
    record(
        action=action,
        sentence=sentence,
        subjects=[signal.permalink, signal.customer.permalink, *([signal.deal.permalink] if signal.deal else [])],
        chain=signal.customer.legal_entity.code,
        at=now,
        by=by,
        reason=reason,
        after={"state": signal.state},
    )


def product_named(signal: Signal, code: str) -> Product | None:
    """The product a person chose for a signal, or the one it has."""
    return facts.product_of(code) if code else signal.product
