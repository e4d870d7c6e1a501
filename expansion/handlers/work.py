"""Deliveries that stay in the house: confirmations of what accounting has, checks of handed-over invoices, slices of bulk jobs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from billing.adapters.accounting import port
from billing.clock import now
from billing.handlers.errors import translated
from billing.handlers.reading import read_template
from billing.models import Contract, FutureInvoice
from dealops.outbox.relay import Delivery
from expansion.operations import bulk, execution, handoffs


def confirm(delivery: Delivery) -> Callable[[], None]:
    """Everything before it on the same contract is delivered, so the change is in accounting."""
    number = delivery.message.payload["change"]
    return lambda: execution.confirm(number, now=now())


def check_handoff(delivery: Delivery) -> Callable[[], None]:
    """Read the live template of the contract and say what is different from the expected invoice; reading twice does no harm."""
    facts = delivery.message.payload
    contract = Contract.objects.select_related("legal_entity", "customer").get(deal__changes__handoffs=facts["handoff"])
    version = FutureInvoice.objects.values_list("current_id", flat=True).get(contract=contract)
    with translated():
        reading = read_template(contract)
    rows = [{"field": one.field, "ours": one.ours, "theirs": one.theirs} for one in reading.differences]
    return lambda: handoffs.checked(
        handoff_id=facts["handoff"],
        check=facts["check"],
        differences=rows,
        template=_live(reading.live),
        version=version,
        now=now(),
    )


def _live(live: tuple[port.RemoteTemplate, ...]) -> dict[str, Any] | None:
    return {"remote_id": live[0].id, "next_date": live[0].next_date} if len(live) == 1 else None


def bulk_slice(delivery: Delivery) -> Callable[[], None]:
    """The next rows of a bulk job. Nothing outside is called; a slice begun twice goes on with the rows that still wait."""
    payload = delivery.message.payload
    return bulk.work(job_id=payload["job"], number=payload["slice"], clock=now, alive=delivery.renew)
