"""When a contract moves on, changes that wait for their day are computed again on the new terms: kept when what was agreed is the same,
else given back to their maker. None is dropped silently (F68, F71).
"""

from __future__ import annotations

import logging
from contextlib import suppress
from datetime import date, datetime
from typing import Any

from django.db import OperationalError, transaction

from billing.domain.impact import Impact
from billing.domain.refusal import Refusal
from billing.models import Contract
from expansion.domain import workflow
from expansion.models import OPEN_HANDOFF, Change, Decision, Offer
from expansion.operations import handoffs, notices, season
from expansion.operations.deals import lock, place
from expansion.operations.filling import fill, successor
from expansion.operations.story import tell
from expansion.queries.preview import Preview, preview

log = logging.getLogger(__name__)

# The value of everything else on the contract may move; what this change adds or takes may not.
NOT_AGREED = ("mrr_before", "mrr_after", "mrr_at_renewal")


def moved(contract: Contract, *, cause: str, today: date, now: datetime) -> None:
    """The terms of a locked contract have just changed because of `cause`: whatever is pending on it is looked at again."""
    rebase_waiting(contract, cause=cause, today=today, now=now)
    return_open(contract, cause=cause, today=today, now=now)


def rebase_waiting(contract: Contract, *, cause: str, today: date, now: datetime) -> list[Change]:
    """Rebase every scheduled change of a locked contract whose terms have just changed because of `cause`; the ones that go on."""
    waiting = Change.objects.select_for_update(of=("self",)).filter(deal__contract=contract, state=workflow.State.SCHEDULED.value)
    found = []
    for change in waiting.select_related("deal__customer", "deal__stage", "maker").order_by("effective", "pk"):
        change.deal.contract = contract
        try:
            with transaction.atomic():
                following = rebase(change, contract, cause=cause, today=today, now=now)
        except OperationalError:
            raise
        except Exception:
            # A broken one costs only itself; it is looked at again on its day.
            log.exception("Scheduled change %s could not be computed again", change.number)
            continue
        if following:
            found.append(following)
    return found


def rebase(change: Change, contract: Contract, *, cause: str, today: date, now: datetime) -> Change | None:
    """The change that goes on in place of a locked scheduled one, on the terms as they are now; None when it went back to its maker."""
    try:
        seen = _seen(change, contract, today)
    except Refusal as refusal:
        give_back(change, contract, None, reason=f"On the terms since {cause}: {refusal.message}", now=now)
        return None
    if not same_agreement(seen.impact, Impact.from_canonical(change.impact)):
        reason = f"{cause} changed the contract after the approval, so that the amounts are no longer those that were agreed."
    elif seen.approval and not was_decided(change):
        reason = f"{cause} changed the contract, and Finance has to agree now: {seen.approval}."
    else:
        return _carry_on(change, contract, seen, cause=cause, now=now)
    reason = f"{reason} Submit it again."
    give_back(change, contract, seen, reason=reason, now=now)
    return None


def return_open(contract: Contract, *, cause: str, today: date, now: datetime) -> Change | None:
    """A draft, or a change that awaits approval, when the terms of a locked contract move: a draft again, computed on the new terms."""
    being_made = [workflow.State.DRAFT.value, workflow.State.SUBMITTED.value]
    found = Change.objects.select_for_update(of=("self",)).filter(deal__contract=contract, state__in=being_made)
    change = found.select_related("deal", "maker", "prior_stage__pipeline").first()
    if change is None or change.base_version == contract.version:
        return None
    change.deal.contract = contract
    if change.state == workflow.State.SUBMITTED:
        change.state = workflow.after("recall", change.state).value
        change.save(update_fields=["state"])
        handoffs.cancel(change, reason="The change has to be submitted again", now=now)
        _card_back(change, contract, now)
    change.version += 1
    with suppress(Refusal):  # then it cannot be made on the new terms; its maker sees why on opening it
        fill(change, _seen(change, contract, today))
    change.save()
    reason = f"{cause} changed the contract while {change.number} was open. Look at the new amounts and submit it again."
    tell(change, contract, "change.returned", reason, now=now)
    notices.returned(change, contract, reason=reason, now=now)
    return change


def _card_back(change: Change, contract: Contract, now: datetime) -> None:
    # Where it came from may have been another change's wait for approval, which is over.
    if change.prior_stage is not None and change.prior_stage.code != "awaiting_approval":
        deal = lock(change.deal_id, contract)
        place(deal, change.prior_stage, by=None, now=now, reference=change.number)


def was_decided(change: Change) -> bool:
    """Whether somebody in Finance agreed to this change, or to the one whose agreement it carries on."""
    agreed: Change | None = change
    while agreed is not None:
        if agreed.decisions.filter(kind=Decision.Kind.APPROVE).exists():
            return True
        agreed = agreed.carries_on
    return False


def same_agreement(now: Impact, then: Impact) -> bool:
    """Whether a change still does to the contract what it did when it was agreed, whatever else has moved."""
    return _agreed(now) == _agreed(then)


def _agreed(value: Impact) -> dict[str, Any]:
    kept = {name: part for name, part in value.agreed().items() if name not in NOT_AGREED}
    return kept | {"mrr_delta": str(value.mrr_delta)}


def give_back(change: Change, contract: Contract, seen: Preview | None, *, reason: str, now: datetime) -> Change | None:
    """What was approved is not what it would be now: it is not carried out behind anybody's back, and its maker gets it as a draft where
    no other change is open and it can still be made.
    """
    _supersede(change, reason)
    season.call_off_return(change, contract, reason=reason, now=now)
    handoffs.cancel(change, reason="The change has to be submitted again", now=now)
    tell(change, contract, "change.superseded", f"{change.number} was not applied: {reason}", now=now)
    notices.returned(change, contract, reason=reason, now=now)
    if seen is None or Change.objects.filter(deal_id=change.deal_id, state__in=[state.value for state in workflow.OPEN]).exists():
        return None
    draft = _same_again(change, seen, workflow.State.DRAFT, now)
    Offer.objects.filter(change=change).update(change=draft)
    tell(draft, contract, "change.drafted", f"{draft.number} was drafted in place of {change.number}.", now=now)
    return draft


def _carry_on(change: Change, contract: Contract, seen: Preview, *, cause: str, now: datetime) -> Change:
    """The same agreement under a new number: what was submitted is never altered, not even its terms of reference."""
    following = _same_again(change, seen, workflow.State.SCHEDULED, now)
    _supersede(change, f"{cause} changed the contract; the same amounts go on as {following.number}.")
    change.handoffs.filter(state__in=OPEN_HANDOFF).update(change=following)
    Offer.objects.filter(change=change).update(change=following)
    tell(change, contract, "change.superseded", f"{change.number} goes on as {following.number}: {cause} changed the contract.", now=now)
    tell(
        following,
        contract,
        "change.scheduled",
        f"{following.number} carries on what was agreed as {change.number}, with the same amounts, on {following.effective:%-d %b %Y}.",
        now=now,
    )
    notices.carried_on(following, contract, instead_of=change.number, cause=cause, now=now)
    return following


def _same_again(change: Change, seen: Preview, state: workflow.State, now: datetime) -> Change:
    """A new change with the same intents, computed on the terms now."""
    kept = ("effective", "edits", "treatment", "waiver_reason", "note")
    return successor(change, seen, state=state, now=now, **{name: getattr(change, name) for name in kept})


def _supersede(change: Change, reason: str) -> None:
    change.state, change.closed_reason = workflow.after("supersede", change.state).value, reason
    change.save(update_fields=["state", "closed_reason"])


def _seen(change: Change, contract: Contract, today: date) -> Preview:
    return preview(
        deal=change.deal, contract=contract, intents=change.edits, effective=change.effective, treatment=change.treatment, today=today
    )
