"""A change from its draft to its execution.

Each operation is one transaction: lock contract, then change; check again; write; audit; enqueue.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from django.db import transaction
from django.utils import timezone

from billing.clock import business_date
from billing.domain.refusal import Refusal, Stale
from billing.models import Contract
from billing.operations import contracts
from dealops.accounts.models import User
from dealops.audit import context
from dealops.audit.operations import record
from expansion import rules
from expansion.domain import workflow
from expansion.models import Change, Deal, Decision
from expansion.operations import execution, handoffs, notices
from expansion.operations.deals import lock, place, stage_of
from expansion.operations.filling import fill
from expansion.operations.locking import lock_change as _locked
from expansion.operations.numbering import next_change_number
from expansion.queries.preview import Preview, preview

# Field limits of free text (ASVS 2.1): long enough for a paragraph, short enough for a page.
LONGEST_TEXT = 2000

# A reversal in one of these states stands; a rejected or discarded one may be tried again.
TAKING_BACK = sorted(state.value for state in (*workflow.OPEN, workflow.State.SCHEDULED, workflow.State.APPLIED))

PIPELINE_OF = {"upsell": "upsells", "cross_sell": "cross_sells", "downgrade": "downgrades", "price_uplift": "upsells"}


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
        change = Change(
            number=next_change_number(today.year), deal=deal, maker=by, maker_person=by.person, created_at=now, currency=contract.currency
        )
        _fill(change, seen, intents, effective, treatment, waiver_reason, goal, note)
        change.save()
        _tell(change, contract, "change.drafted", f"{by} drafted {change.number}: {summary(change)}.", by=by, now=now)
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
        _same_version(change, version)
        today = business_date(contract.legal_entity.time_zone, now)
        seen = preview(deal=change.deal, contract=contract, intents=intents, effective=effective, treatment=treatment, today=today)
        change.version += 1
        _fill(change, seen, intents, effective, treatment, waiver_reason, goal, note)
        change.save()
        return change


def submit(*, change_id: int, version: int, shown_hash: str, by: User, now: datetime) -> Change:
    """Hand the change in: to Finance where Finance must agree, else straight into effect (S0-18). What was shown is what is submitted."""
    with transaction.atomic():
        change, contract = _locked(change_id)
        rules.demand(rules.why_not_edit(by, change))
        workflow.after("submit", change.state)
        _same_version(change, version)
        seen = _regate(change, contract, shown_hash, now)
        _need_waiver_reason(change, seen)
        _enter(change, "submit", submitted_at=now, owner=seen.policies.owner, owner_rule=seen.policies.rules["owner"])
        change.due_at = notices.decision_due(now)
        _save_state(change)
        _tell(change, contract, "change.submitted", f"{by} submitted {change.number}: {summary(change)}.", by=by, now=now)
        _move_to_mechanism(change, by=by, now=now)
        if seen.approval:
            handoffs.open_for(change, seen, contract, now=now)
            notices.approval_needed(change, contract, why=seen.approval, now=now)
        else:
            _enter(change, "approve")
            _save_state(change)
            _tell(
                change,
                contract,
                "change.approved",
                f"No approval needed for {change.number}: Sales and Customer Success own this future invoice.",
                now=now,
            )
            execution.start(change, contract, seen, by=by, now=now)
        return change


def approve(*, change_id: int, version: int, shown_hash: str, by: User, now: datetime) -> Change:
    """Finance agrees to exactly what was shown, and it takes effect. The whole gate runs again under the lock (F01, F07, F08, F84)."""
    with transaction.atomic():
        change, contract = _locked(change_id)
        _refuse_decided(change)
        rules.demand(rules.why_not_approve(by, change))
        _same_version(change, version)
        seen = _regate(change, contract, shown_hash, now)
        _decide(change, Decision.Kind.APPROVE, by=by, now=now)
        _enter(change, "approve")
        _save_state(change)
        _tell(change, contract, "change.approved", f"{by} approved {change.number}: {summary(change)}.", by=by, now=now)
        execution.start(change, contract, seen, by=by, now=now)
        notices.decided(change, contract, decision="approved", by=by, now=now)
        return change


def reject(*, change_id: int, version: int, reason: str, by: User, now: datetime) -> Change:
    """Finance says no, with a reason; nothing is billed and the deal goes back to where it was."""
    reason = _text(reason, "reason")
    if len(reason) < 5:
        raise Refusal("reason_missing", "reason", "Say in a sentence why, so that the maker knows what to change.")
    with transaction.atomic():
        change, contract = _locked(change_id)
        _refuse_decided(change)
        rules.demand(rules.why_not_decide(by, change))
        _same_version(change, version)
        _decide(change, Decision.Kind.REJECT, by=by, now=now, reason=reason)
        _enter(change, "reject", closed_reason=reason)
        _save_state(change)
        _tell(change, contract, "change.rejected", f"{by} rejected {change.number}: {reason}", by=by, now=now, reason=reason)
        handoffs.cancel(change, reason="The change was rejected", now=now)
        _move_back(change, by=by, now=now)
        notices.decided(change, contract, decision="rejected", by=by, now=now, reason=reason)
        return change


def recall(*, change_id: int, version: int, by: User, now: datetime) -> Change:
    """The maker takes a submitted change back into a draft; whoever was about to approve it is told it moved."""
    with transaction.atomic():
        change, contract = _locked(change_id)
        rules.demand(rules.why_not_recall(by, change))
        _same_version(change, version)
        _enter(change, "recall")
        _save_state(change)
        # A draft again: the next submission is another version, so an approval of this one cannot slip through (F08).
        change.version += 1
        change.save(update_fields=["version"])
        _tell(change, contract, "change.recalled", f"{by} recalled {change.number}.", by=by, now=now)
        handoffs.cancel(change, reason="The change was recalled", now=now)
        _move_back(change, by=by, now=now)
        return change


def discard(*, change_id: int, version: int, by: User, now: datetime) -> Change:
    """Throw a draft away; its number stays used and its story stays on the timeline."""
    with transaction.atomic():
        change, contract = _locked(change_id)
        rules.demand(rules.why_not_edit(by, change))
        _same_version(change, version)
        _enter(change, "discard")
        _save_state(change)
        _tell(change, contract, "change.discarded", f"{by} discarded {change.number}.", by=by, now=now)
        return change


def summary(change: Change) -> str:
    """The change in a few words for timelines and messages, from its frozen impact."""
    return f"{change.impact['summary']} from {change.effective:%-d %b %Y}"


def _regate(change: Change, contract: Contract, shown_hash: str, now: datetime) -> Preview:
    """Compute again; only what was shown, on the contract as it was then, may go on (F07, F08)."""
    today = business_date(contract.legal_entity.time_zone, now)
    if contract.version != change.base_version:
        raise Stale(
            "contract_moved",
            "base_version",
            f"Contract {contract.number} changed since this was computed (version {change.base_version}, now {contract.version}). "
            "Recall it, look at the new amounts, submit again.",
        )
    seen = preview(
        deal=change.deal, contract=contract, intents=change.edits, effective=change.effective, treatment=change.treatment, today=today
    )
    if not (seen.content_hash == change.content_hash == shown_hash):
        raise Stale(
            "amounts_moved",
            "shown",
            f"The amounts of {change.number} are no longer what you were shown. Reload the page and look at it again; nothing was written.",
        )
    return seen


def _decide(change: Change, kind: str, *, by: User, now: datetime, reason: str = "") -> None:
    Decision.objects.create(
        change=change,
        change_version=change.version,
        kind=kind,
        by=by,
        by_person=by.person,
        maker_person=change.maker_person,
        content_hash=change.content_hash,
        reason=reason,
        via=context.current().via,
        at=now,
    )


def _refuse_decided(change: Change) -> None:
    """Two at once: the second is told who was first (F01)."""
    decision = change.decisions.filter(change_version=change.version).select_related("by").first()
    if decision:
        raise Stale(
            "already_decided",
            "state",
            f"Already {decision.get_kind_display().lower()} by {decision.by}, {timezone.localtime(decision.at):%H:%M}.",
        )


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


def _same_version(change: Change, version: int) -> None:
    if change.version != version:
        raise Stale(
            "edited_meanwhile",
            "version",
            f"{change.number} was changed since you opened it. Reload to see it as it is now; your input was not saved over it.",
        )


def _need_waiver_reason(change: Change, seen: Preview) -> None:
    """Not adjusting a downgrade that someone chose by hand is a waiver, and a waiver has a reason (M06)."""
    if change.treatment == "no_adjustment" and seen.impact.waived and len(change.waiver_reason) < 10:
        raise Refusal("waiver_reason", "waiver_reason", "Say why nothing is credited for this period (at least ten letters).")


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
    change.waiver_reason, change.goal, change.note = _text(waiver_reason, "waiver_reason"), _text(goal, "goal"), _text(note, "note")
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


def _text(value: str, field: str) -> str:
    value = (value or "").strip()
    if len(value) > LONGEST_TEXT:
        raise Refusal("too_long", field, f"Keep this below {LONGEST_TEXT:,} characters; attach the rest.")
    return value


def _enter(change: Change, move: str, **fields: Any) -> None:
    change.state = workflow.after(move, change.state).value
    for name, value in fields.items():
        setattr(change, name, value)


def _save_state(change: Change) -> None:
    change.save(update_fields=["state", "submitted_at", "owner", "owner_rule", "due_at", "closed_reason", "prior_pipeline", "prior_stage"])


def _move_to_mechanism(change: Change, *, by: User, now: datetime) -> None:
    """The card moves to the board of its mechanism (S0-08); where it came from is remembered."""
    deal = _lock_deal(change)
    change.prior_pipeline, change.prior_stage = deal.pipeline, deal.stage
    change.save(update_fields=["prior_pipeline", "prior_stage"])
    place(deal, stage_of(PIPELINE_OF.get(change.mechanism, "main"), "awaiting_approval"), by=by, now=now, reference=change.number)


def _move_back(change: Change, *, by: User, now: datetime) -> None:
    if change.prior_stage is not None:
        place(_lock_deal(change), change.prior_stage, by=by, now=now, reference=change.number)


def _lock_deal(change: Change) -> Deal:
    contract = change.deal.contract
    deal = lock(change.deal_id)
    deal.contract = contract
    change.deal = deal
    return deal


def _tell(
    change: Change, contract: Contract, action: str, sentence: str, *, now: datetime, by: User | None = None, reason: str = ""
) -> None:
    record(
        action=action,
        sentence=sentence,
        subjects=[change.permalink, change.deal.permalink, contract.permalink, contract.customer.permalink],
        chain=contract.legal_entity.code,
        at=now,
        by=by,
        after={"state": change.state, "version": change.version, "content_hash": change.content_hash},
        reason=reason,
    )
