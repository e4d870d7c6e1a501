"""A contract that ends takes its deal off the boards, and what was still open on it expires without a document (F72)."""

from __future__ import annotations

from datetime import date, datetime

from django.db import transaction

from billing.models import Contract
from billing.operations import contracts
from billing.queries.value import contract_value
from dealops.audit.operations import record
from expansion.domain import workflow
from expansion.models import Change, Deal
from expansion.operations import handoffs, notices
from expansion.operations.deals import lock, place, stage_of

PENDING = sorted(state.value for state in workflow.MOVES["expire"][0])


def close_deals(*, on: date, now: datetime) -> list[str]:
    """Close the deals whose contract has ended by `on`; answers their numbers. Each in a transaction of its own."""
    found = Deal.objects.filter(is_open=True, contract__state=Contract.State.ENDED, contract__end__lte=on).order_by("pk")
    return [number for pk in found.values_list("pk", flat=True) if (number := _close(pk, on, now))]


def _close(deal_id: int, on: date, now: datetime) -> str | None:
    with transaction.atomic():
        contract = contracts.lock(Deal.objects.values_list("contract_id", flat=True).get(pk=deal_id))
        pending = Change.objects.select_for_update(of=("self",)).filter(deal_id=deal_id, state__in=PENDING)
        waiting = list(pending.select_related("maker").order_by("pk"))
        deal = lock(deal_id, contract)
        if not deal.is_open:
            return None
        deal.is_open, deal.mrr, deal.mrr_on, deal.amount = False, 0, on, contract_value(contract).total
        deal.save(update_fields=["is_open", "mrr", "mrr_on", "amount"])
        place(deal, stage_of("main", "ended"), by=None, now=now)
        for change in waiting:
            change.deal = deal
            expire(change, contract, reason=f"Contract {contract.number} ended on {contract.end:%-d %b %Y}.", now=now)
        return deal.number


def expire(change: Change, contract: Contract, *, reason: str, now: datetime) -> None:
    """End a locked, open change without a document; its maker is told why."""
    change.state = workflow.after("expire", change.state).value
    change.closed_reason = reason
    change.save(update_fields=["state", "closed_reason"])
    handoffs.cancel(change, reason=reason, now=now)
    record(
        action="change.expired",
        sentence=f"{change.number} expired and nothing was billed for it: {reason}",
        subjects=[change.permalink, change.deal.permalink, contract.permalink, contract.customer.permalink],
        chain=contract.legal_entity.code,
        at=now,
        after={"state": change.state},
        reason=reason,
    )
    notices.expired(change, contract, reason=reason, now=now)
