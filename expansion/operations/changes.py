"""A change from its draft to its execution.

Each operation is one transaction: lock contract, then change; check again; write; audit; enqueue.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from django.db import transaction

from billing.clock import business_date
from billing.domain.money import text
from billing.domain.refusal import Refusal
from billing.models import Owner
from billing.operations import contracts
from dealops.accounts.models import User
from expansion import rules
from expansion.domain import workflow
from expansion.domain.intents import sorted_out
from expansion.models import Change, Deal
from expansion.operations import boards, execution, gate, handoffs, notices, offers, questions, slack_posts
from expansion.operations.deciding import approve, reject
from expansion.operations.filling import fill, roles_asked
from expansion.operations.locking import lock_change as _locked
from expansion.operations.numbering import next_change_number
from expansion.operations.story import tell
from expansion.queries.preview import Preview, preview
from expansion.queries.working_days import decision_due

__all__ = ["approve", "discard", "draft", "edit", "recall", "reject", "submit"]

# A reversal in one of these states stands; a rejected or discarded one may be tried again.
TAKING_BACK = sorted(state.value for state in (*workflow.OPEN, workflow.State.SCHEDULED, workflow.State.APPLIED))


def draft(
    *,
    deal: Deal,
    intents: Sequence[Mapping[str, Any]],
    effective: date,
    by: User,
    now: datetime,
    treatment: str = "",
    waiver_reason: str = "",
    goal: str = "",
    note: str = "",
) -> Change:
    """Start a change. Raises Refusal (bad input, or a second open change on the contract) or NotAllowed."""
    with transaction.atomic():
        contract = contracts.lock(deal.contract_id)
        rules.demand(rules.why_not_change(by, deal))
        _refuse_second_open(deal)
        today = business_date(contract.legal_entity.time_zone, now)
        seen = preview(deal=deal, contract=contract, intents=intents, effective=effective, treatment=treatment, today=today)
        rules.demand(rules.why_not_prices(by, seen.own_prices))
        change = Change(
            number=next_change_number(today.year),
            deal=deal,
            maker=by,
            maker_person=by.person,
            hands=[by.person],
            created_at=now,
            currency=contract.currency,
        )
        _fill(change, seen, intents, effective, treatment, waiver_reason, goal, note)
        change.save()
        tell(change, contract, "change.drafted", f"{by} drafted {change.number}: {execution.summary(change)}.", by=by, now=now)
        return change


def edit(
    *,
    change_id: int,
    version: int,
    intents: Sequence[Mapping[str, Any]],
    effective: date,
    by: User,
    now: datetime,
    treatment: str = "",
    waiver_reason: str = "",
    goal: str = "",
    note: str = "",
) -> Change:
    """Save a draft again, re-based on the contract as it is now. Raises Stale when another window saved meanwhile (F05)."""
    with transaction.atomic():
        change, contract = _locked(change_id)
        rules.demand(rules.why_not_edit(by, change))
        gate.same_version(change, version)
        today = business_date(contract.legal_entity.time_zone, now)
        seen = preview(deal=change.deal, contract=contract, intents=intents, effective=effective, treatment=treatment, today=today)
        rules.demand(rules.why_not_prices(by, seen.own_prices))
        change.version += 1
        _remember_hand(change, by)
        _fill(change, seen, intents, effective, treatment, waiver_reason, goal, note)
        change.save()
        return change


def submit(*, change_id: int, version: int, shown_hash: str, by: User, now: datetime) -> Change:
    """Hand the change in: to Finance where Finance must agree, else straight into effect (S0-18). What was shown is what is submitted."""
    with transaction.atomic():
        change, contract = _locked(change_id)
        rules.demand(rules.why_not_edit(by, change))
        workflow.after("submit", change.state)
        gate.same_version(change, version)
        seen = gate.regate(change, contract, shown_hash, now)
        rules.demand(rules.why_not_prices(by, seen.own_prices))
        _need_waiver_reason(change, seen)
        _need_destination(change, seen)
        _remember_hand(change, by)
        _enter(change, "submit", submitted_at=now, owner=seen.policies.owner, owner_rule=seen.policies.rules["owner"])
        # Who has to agree is settled here: a rule written later does not reach what is being decided already (S0-17).
        change.approval, change.waits_for, change.agreed = seen.verdict.as_json(), roles_asked(seen.verdict), []
        questions.settle(change, by=by, now=now)
        change.due_at, change.clock_stopped_at = decision_due(contract.legal_entity, now=now), None
        _save_state(change)
        tell(change, contract, "change.submitted", f"{by} submitted {change.number}: {execution.summary(change)}.", by=by, now=now)
        offers.became(change, now=now)
        boards.move_to_mechanism(change, by=by, now=now)
        if seen.approval:
            if change.owner == Owner.FINANCE:
                handoffs.open_for(change, seen, contract, now=now)
            notices.approval_needed(change, contract, why=seen.approval, now=now)
        else:
            _enter(change, "approve")
            _save_state(change)
            tell(
                change,
                contract,
                "change.approved",
                f"No approval needed for {change.number}: no rule asks for one, and Sales and Customer Success own this future invoice.",
                now=now,
            )
            execution.start(change, contract, seen, by=by, now=now)
        return change


def recall(*, change_id: int, version: int, by: User, now: datetime) -> Change:
    """The maker takes a submitted change back into a draft; whoever was about to approve it is told it moved."""
    with transaction.atomic():
        change, contract = _locked(change_id)
        rules.demand(rules.why_not_recall(by, change))
        gate.same_version(change, version)
        _enter(change, "recall")
        _save_state(change)
        # A draft again: the next submission is another version, so an approval of this one cannot slip through (F08).
        change.version += 1
        change.save(update_fields=["version"])
        tell(change, contract, "change.recalled", f"{by} recalled {change.number}.", by=by, now=now)
        slack_posts.settle(change)
        handoffs.cancel(change, reason="The change was recalled", now=now)
        boards.move_back(change, by=by, now=now)
        return change


def discard(*, change_id: int, version: int, by: User, now: datetime) -> Change:
    """Throw a draft away; its number stays used and its story stays on the timeline."""
    with transaction.atomic():
        change, contract = _locked(change_id)
        rules.demand(rules.why_not_edit(by, change))
        gate.same_version(change, version)
        _enter(change, "discard")
        _save_state(change)
        tell(change, contract, "change.discarded", f"{by} discarded {change.number}.", by=by, now=now)
        return change


def _refuse_second_open(deal: Deal) -> None:
    other = Change.objects.filter(deal=deal, state__in=[s.value for s in workflow.OPEN]).first()
    if other:
        words = workflow.LABELS[workflow.State(other.state)].lower()
        raise Refusal(
            "second_open_change",
            "deal",
            f"{other.number} is still open on this contract ({words}). "
            "Finish or discard it first, so that both are computed on the same terms.",
        )


def _need_waiver_reason(change: Change, seen: Preview) -> None:
    """Not adjusting a downgrade that someone chose by hand is a waiver, and a waiver has a reason (M06)."""
    if change.treatment == "no_adjustment" and seen.impact.waived and len(change.waiver_reason) < 10:
        raise Refusal("waiver_reason", "waiver_reason", "Say why nothing is credited for this period (at least ten letters).")


def _need_destination(change: Change, seen: Preview) -> None:
    """What exceeds the credit cap goes somewhere by name, chosen by whoever makes the change, by whichever way it is handed in (M12)."""
    rest = seen.impact.remainder
    if rest and not sorted_out(change.edits).remainder_to:
        amount = f"{text(rest)} {change.currency}"
        words = f"{amount} is more than was billed. Choose where it goes: customer balance, an older invoice, or a refund."
        raise Refusal("remainder_to", "remainder", words)


def _fill(
    change: Change,
    seen: Preview,
    intents: Sequence[Mapping[str, Any]],
    effective: date,
    treatment: str,
    waiver_reason: str,
    goal: str,
    note: str,
) -> None:
    change.effective = effective
    change.edits = [dict(intent) for intent in intents]
    change.treatment = treatment
    change.waiver_reason, change.goal, change.note = (
        gate.text(waiver_reason, "waiver_reason"),
        gate.text(goal, "goal"),
        gate.text(note, "note"),
    )
    fill(change, seen)
    if change.reverses:
        _refuse_second_reversal(change)


def _refuse_second_reversal(change: Change) -> None:
    """A change is taken back once, and with a reason; the database holds both."""
    if not change.goal:
        raise Refusal("reason_missing", "goal", "Say in a sentence why it is taken back.")
    other = Change.objects.filter(reverses=change.reverses, state__in=TAKING_BACK).exclude(pk=change.pk).first()
    if other:
        raise Refusal("already_reversed", "change", f"{change.reverses} is reversed by {other.number} already.")


def _remember_hand(change: Change, by: User) -> None:
    """Whoever worked on a change does not decide about it, however many others did too (M17)."""
    if by.person not in change.hands:
        change.hands = [*change.hands, by.person]


def _enter(change: Change, move: str, **fields: Any) -> None:
    change.state = workflow.after(move, change.state).value
    for name, value in fields.items():
        setattr(change, name, value)


STATE_COLUMNS = [
    "state", "submitted_at", "owner", "owner_rule", "due_at", "closed_reason", "prior_pipeline", "prior_stage", "approval", "waits_for",
    "agreed", "hands", "clock_stopped_at",
]  # fmt: skip


def _save_state(change: Change) -> None:
    change.save(update_fields=STATE_COLUMNS)
