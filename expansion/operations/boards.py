"""The card of a deal follows the change that is being decided (S0-08)."""

from __future__ import annotations

from datetime import datetime

from dealops.accounts.models import User
from expansion.domain.pipelines import OF_MECHANISM
from expansion.models import Change, Deal
from expansion.operations.deals import lock, place, stage_of


def move_to_mechanism(change: Change, *, by: User, now: datetime) -> None:
    """The card moves to the board of its mechanism; where it came from is remembered."""
    deal = lock_deal(change)
    change.prior_pipeline, change.prior_stage = deal.pipeline, deal.stage
    change.save(update_fields=["prior_pipeline", "prior_stage"])
    place(deal, stage_of(OF_MECHANISM.get(change.mechanism, "main"), "awaiting_approval"), by=by, now=now, reference=change.number)


def move_back(change: Change, *, by: User, now: datetime) -> None:
    if change.prior_stage is not None:
        place(lock_deal(change), change.prior_stage, by=by, now=now, reference=change.number)


def lock_deal(change: Change) -> Deal:
    contract = change.deal.contract
    deal = lock(change.deal_id)
    deal.contract = contract
    change.deal = deal
    return deal
