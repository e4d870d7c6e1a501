"""Undo: an applied change is taken back by a new, opposite one; a scheduled change is cancelled before its day (F82, M23)."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from billing.clock import business_date
from billing.domain.refusal import Refusal
from billing.models import Treatment
from billing.operations import contracts
from dealops.accounts.models import User
from dealops.audit.operations import record
from expansion import rules
from expansion.domain import workflow
from expansion.models import Change
from expansion.operations import changes, handoffs, notices, season
from expansion.operations.locking import lock_change
from expansion.queries.preview import preview
from expansion.queries.reversal import intents_of

SHORTEST_REASON = 5


def reverse(*, change_id: int, reason: str, by: User, now: datetime, shown_hash: str = "", remainder_to: str = "") -> Change:
    """Take an applied change back: a new change with the same amounts and the opposite sign, linked, submitted at once.

    It goes the way of any other: Finance agrees where Finance owns the future invoice or a closed period is touched, never the maker. With
    `shown_hash` nothing is written unless the amounts are those that were shown. `remainder_to` names where a credit goes that exceeds
    what was billed.

    Raises Refusal: reason_missing, not_applied, already_reversed, second_open_change, remainder_to, below_zero (newer changes have used
    up what would go); NotAllowed; Stale.
    """
    reason = _reason(reason, "it is taken back")
    with transaction.atomic():
        original = Change.objects.select_related("deal__contract__legal_entity", "deal__contract__customer__segment").get(pk=change_id)
        contracts.lock(original.deal.contract_id)
        if original.state != workflow.State.APPLIED:
            words = workflow.LABELS[workflow.State(original.state)].lower()
            raise Refusal("not_applied", "change", f"{original.number} is {words}; only a change that is in effect can be reversed.")
        draft = changes.draft(
            deal=original.deal,
            intents=intents_of(original, remainder_to),
            effective=original.effective,
            treatment=Treatment.CREDIT_NOTE,
            goal=reason,
            by=by,
            now=now,
        )
        if not shown_hash or (remainder_to and shown_hash == _shown_before(original, now)):
            shown_hash = draft.content_hash
        return changes.submit(change_id=draft.pk, version=draft.version, shown_hash=shown_hash, by=by, now=now)


def cancel(*, change_id: int, reason: str, by: User, now: datetime) -> Change:
    """Call off a scheduled change before its day. Nothing was billed for it, so nothing is taken back; other scheduled changes stay.

    Raises Refusal: reason_missing, not_scheduled; NotAllowed.
    """
    reason = _reason(reason, "it is called off")
    with transaction.atomic():
        change, contract = lock_change(change_id)
        rules.demand(rules.why_not_cancel(by, change))
        change.state = workflow.after("cancel", change.state).value
        change.closed_reason = reason
        change.save(update_fields=["state", "closed_reason"])
        season.call_off_return(change, contract, reason=reason, now=now)
        handoffs.cancel(change, reason="The change was cancelled", now=now)
        record(
            action="change.cancelled",
            sentence=f"{by} cancelled {change.number}, which would have taken effect on {change.effective:%-d %b %Y}: {reason}",
            subjects=[change.permalink, change.deal.permalink, contract.permalink, contract.customer.permalink],
            chain=contract.legal_entity.code,
            at=now,
            by=by,
            after={"state": change.state},
            reason=reason,
        )
        notices.cancelled(change, contract, by=by, reason=reason, now=now)
        return change


def _shown_before(original: Change, now: datetime) -> str:
    """The hash of what is shown while no destination is named: naming it moves no amount."""
    contract = original.deal.contract
    today = business_date(contract.legal_entity.time_zone, now)
    intents, day = intents_of(original), original.effective
    common = {"deal": original.deal, "contract": contract, "treatment": Treatment.CREDIT_NOTE, "today": today}
    return preview(**common, intents=intents, effective=day).content_hash


def _reason(text: str, what: str) -> str:
    text = (text or "").strip()
    if len(text) < SHORTEST_REASON:
        raise Refusal("reason_missing", "reason", f"Say in a sentence why {what}.")
    return text
