"""What time brings to those who have to act: reminders before a decision or a hand-off is due, and those above them when it is over.

Each is told once, however often the clock comes by: the notice of an event is unique.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import QuerySet

from billing.clock import business_date
from billing.models import LegalEntity
from dealops.audit.operations import record
from expansion.domain import sla, workflow
from expansion.models import OPEN_HANDOFF, Change, Handoff, Notice
from expansion.operations import notices
from expansion.operations.story import tell
from expansion.queries.working_days import decision_standing, free_days

# A decision due later than this needs no look yet: a weekend and holidays lie in between at most.
AHEAD = timedelta(days=14)


@dataclass(slots=True)
class Told:
    """How many reminders went out and how many matters were taken higher."""

    reminded: int = 0
    escalated: int = 0


def remind(*, now: datetime, entity: LegalEntity | None = None) -> Told:
    """Remind and escalate what is due at `now`, at one legal entity or at all. Each row in its own transaction."""
    told = Told()
    for pk in list(_waiting(now, entity)):
        _look_at_decision(pk, now, told)
    for pk in _pressing_handoffs(now, entity):
        _look_at_handoff(pk, now, told)
    return told


def _waiting(now: datetime, entity: LegalEntity | None) -> QuerySet[Change, int]:
    """Changes that wait for a decision and whose clock runs."""
    found = Change.objects.filter(state=workflow.State.SUBMITTED, clock_stopped_at__isnull=True, due_at__lte=now + AHEAD)
    if entity:
        found = found.filter(deal__contract__legal_entity=entity)
    return found.order_by("due_at", "pk").values_list("pk", flat=True)


def _pressing_handoffs(now: datetime, entity: LegalEntity | None) -> list[int]:
    """Those whose day is near or over and of which nobody was told. Two queries; each is looked at again once it is locked."""
    found = Handoff.objects.filter(state__in=OPEN_HANDOFF, bill_date__isnull=False)
    if entity:
        found = found.filter(change__deal__contract__legal_entity=entity)
    seller = "change__deal__contract__legal_entity"
    pressing: dict[tuple[int, str], int] = {}
    days = found.order_by("due_on", "pk").values_list("pk", "change", "due_on", "bill_date", f"{seller}__time_zone", f"{seller}__country")
    for pk, change, due_on, bill_date, zone, country in days.iterator():
        standing = sla.handoff_standing(on=business_date(zone, now), due=due_on, bill_date=bill_date, is_free=free_days(country))
        if standing != "in_time":
            pressing[change, notices.handoff_event(standing, pk)] = pk
    if not pressing:
        return []
    changes, events = zip(*pressing, strict=True)
    told = set(Notice.objects.filter(change__in=changes, event__in=events).values_list("change", "event"))
    return [pk for telling, pk in pressing.items() if telling not in told]


def _look_at_decision(pk: int, now: datetime, told: Told) -> None:
    with transaction.atomic():
        # Whoever decides at this moment holds the row; the next round sees what became of it.
        held = Change.objects.select_for_update(of=("self",), skip_locked=True).filter(pk=pk, state=workflow.State.SUBMITTED)
        change = held.select_related("deal__contract__legal_entity", "deal__contract__customer", "maker").first()
        if change is None or change.due_at is None:
            return
        contract = change.deal.contract
        standing = decision_standing(contract.legal_entity, now=now, due=change.due_at)
        if standing == "in_time" or not notices.deadline(change, contract, standing=standing, now=now):
            return
        if standing != "escalated":
            told.reminded += 1
            return
        told.escalated += 1
        sentence = f"{change.number} has waited for more than a working day past its time; those above were told."
        tell(change, contract, "change.escalated", sentence, now=now)


def _look_at_handoff(pk: int, now: datetime, told: Told) -> None:
    with transaction.atomic():
        held = Handoff.objects.select_for_update(of=("self",), skip_locked=True).filter(pk=pk, state__in=OPEN_HANDOFF)
        loaded = ("change__deal__contract__legal_entity", "change__deal__contract__customer", "change__maker", "acknowledged_by")
        handoff = held.select_related(*loaded).first()
        if handoff is None or handoff.bill_date is None:
            return
        contract = handoff.change.deal.contract
        entity = contract.legal_entity
        standing = sla.handoff_standing(
            on=business_date(entity.time_zone, now), due=handoff.due_on, bill_date=handoff.bill_date, is_free=free_days(entity.country)
        )
        if standing == "in_time" or not notices.handoff_deadline(handoff, contract, standing=standing, now=now):
            return
        if standing not in {"late", "missed"}:
            told.reminded += 1
            return
        told.escalated += 1
        record(
            action="handoff.escalated",
            sentence=f"The hand-off “{handoff.title}” is overdue since {handoff.due_on:%-d %b %Y}; those above were told.",
            subjects=[handoff.change.permalink, handoff.change.deal.permalink],
            chain=entity.code,
            at=now,
            after={"handoff": handoff.pk, "state": handoff.state},
        )
