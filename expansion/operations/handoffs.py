"""The task given to Finance with the exact from -> to of the future invoice (S0-21)."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import holidays
from django.db import transaction

from billing.domain.refusal import Refusal
from billing.models import Contract
from dealops.accounts.models import Role, User
from dealops.audit.operations import record
from expansion import rules
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
        title=f"Update the next invoice of {contract.customer.name}"[:200],
        context={"contract": contract.number, "bill_date": bill_date.isoformat()},
        team=Role.FINANCE,
        due_on=max(today, working_days_before(bill_date, WORKING_DAYS_BEFORE, contract.legal_entity.country)),
        created_at=now,
    )
    return handoff


def acknowledge(*, handoff_id: int, by: User, now: datetime) -> Handoff:
    """Somebody of the team has seen it and takes it; whoever was first keeps it. Raises NotAllowed, or Refusal for a closed one."""
    with transaction.atomic():
        handoff = Handoff.objects.select_for_update(of=("self",)).select_related("change__deal__contract__legal_entity").get(pk=handoff_id)
        rules.demand(rules.why_not_acknowledge(by, handoff))
        if handoff.state == Handoff.State.ACKNOWLEDGED:
            return handoff
        if handoff.state != Handoff.State.OPEN:
            words = f"This hand-off is {handoff.get_state_display().lower()}; there is nothing left to take."
            raise Refusal("handoff_closed", "state", words)
        handoff.state, handoff.acknowledged_by, handoff.acknowledged_at = Handoff.State.ACKNOWLEDGED, by, now
        handoff.save(update_fields=["state", "acknowledged_by", "acknowledged_at"])
        change = handoff.change
        record(
            action="handoff.acknowledged",
            sentence=f"{by} took the hand-off “{handoff.title}”.",
            subjects=[change.permalink, change.deal.permalink],
            chain=change.deal.contract.legal_entity.code,
            at=now,
            by=by,
            after={"handoff": handoff.pk, "state": handoff.state},
        )
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
