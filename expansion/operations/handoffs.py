"""The task given to Finance with the exact from -> to of the future invoice (S0-21)."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import holidays

from billing.models import Contract
from dealops.accounts.models import Role, User
from dealops.audit.operations import record
from expansion.models import Change, Handoff
from expansion.queries.preview import Preview

WORKING_DAYS_BEFORE = 3


def open_for(change: Change, seen: Preview, contract: Contract, *, now: datetime) -> Handoff:
    """Give Finance the task; due three working days before the next bill date, never before today."""
    after = seen.impact.next_after
    bill_date = after.date if after else contract.end
    today = now.date()
    handoff = Handoff.objects.create(
        change=change,
        title=f"Update the next invoice of {contract.customer.name}",
        context={"contract": contract.number, "bill_date": bill_date.isoformat()},
        team=Role.FINANCE,
        due_on=max(today, working_days_before(bill_date, WORKING_DAYS_BEFORE, contract.legal_entity.country)),
        created_at=now,
    )
    return handoff


def acknowledge(*, handoff_id: int, by: User, now: datetime) -> Handoff:
    """Somebody has seen it and takes it."""
    handoff = Handoff.objects.select_for_update().get(pk=handoff_id)
    if handoff.state == Handoff.State.OPEN:
        handoff.state, handoff.acknowledged_by, handoff.acknowledged_at = Handoff.State.ACKNOWLEDGED, by, now
        handoff.save(update_fields=["state", "acknowledged_by", "acknowledged_at"])
    return handoff


def close(change: Change, *, reason: str, now: datetime) -> None:
    """Done: accounting was read back and agrees."""
    _end(change, Handoff.State.DONE, reason, now)


def cancel(change: Change, *, reason: str, now: datetime) -> None:
    """Nothing to do any more."""
    _end(change, Handoff.State.CANCELLED, reason, now)


def _end(change: Change, state: str, reason: str, now: datetime) -> None:
    for handoff in change.handoffs.filter(state__in=[Handoff.State.OPEN, Handoff.State.ACKNOWLEDGED]):
        handoff.state, handoff.closed_at, handoff.closed_reason = state, now, reason
        handoff.save(update_fields=["state", "closed_at", "closed_reason"])
        record(
            action="handoff.closed",
            sentence=f"Hand-off “{handoff.title}” closed: {reason}.",
            subjects=[change.permalink, change.deal.permalink],
            chain=change.deal.contract.legal_entity.code,
            at=now,
        )


def working_days_before(day: date, count: int, country: str) -> date:
    """The date `count` working days before `day` in `country` (its public holidays and weekends are skipped)."""
    free = holidays.country_holidays(country)
    while count:
        day -= timedelta(days=1)
        if day.weekday() < 5 and day not in free:
            count -= 1
    return day
