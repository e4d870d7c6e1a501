"""The one order in which rows are locked: contract, change, deal; after them the head of the log and the number series (rule 10, F09)."""

from __future__ import annotations

from billing.models import Contract
from billing.operations import contracts
from expansion.models import Change
from expansion.operations import deals


def lock_change(change_id: int) -> tuple[Change, Contract]:
    """A change with its contract and its deal, all locked for this transaction and read anew."""
    contract_id, deal_id = Change.objects.values_list("deal__contract_id", "deal_id").get(pk=change_id)
    contract = contracts.lock(contract_id)
    # Locked alone, then read: a joined row may move while this transaction waits for it (see deals.lock).
    Change.objects.select_for_update().only("pk").get(pk=change_id)
    deal = deals.lock(deal_id, contract)
    change = Change.objects.select_related("maker", "prior_stage__pipeline").get(pk=change_id)
    change.deal = deal
    return change, contract
