"""Asking again those who have to decide."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from dealops.accounts.models import Role, User
from dealops.audit.operations import record
from expansion import rules
from expansion.domain import workflow
from expansion.models import Change, Notice
from expansion.operations import notices
from expansion.operations.locking import lock_change

REMINDERS = frozenset({Role.FINANCE, Role.REVOPS, Role.SALES, Role.CUSTOMER_SUCCESS})


def why_not_remind(user: User, change: Change) -> str | None:
    if user.role not in REMINDERS:
        return "Auditors read; they remind nobody."
    if change.state != workflow.State.SUBMITTED:
        return f"This change is {workflow.LABELS[workflow.State(change.state)].lower()}; nobody has to decide about it."
    return None


def remind(*, change_id: int, by: User, now: datetime) -> int:
    """Tell those who decide once more, at most once a day; answers how many were told. Raises NotAllowed."""
    with transaction.atomic():
        change, contract = lock_change(change_id)
        rules.demand(why_not_remind(by, change))
        event = f"reminder.{change.version}.{now:%Y%m%d}"
        if Notice.objects.filter(change=change, event=event).exists():
            return 0
        told = notices.reminded(change, contract, event=event, by=by, now=now)
        record(
            action="change.reminded",
            sentence=f"{by} reminded {told} people of {change.number}.",
            subjects=[change.permalink, change.deal.permalink],
            chain=contract.legal_entity.code,
            at=now,
            by=by,
        )
        return told
