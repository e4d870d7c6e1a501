"""What HubSpot tells us is stored first; then each deal it speaks of is marked once, and read anew by the relay (F50, F51, F57, F58)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from django.db import transaction
from django.db.models import F, Q

from dealops.outbox.operations import Effect, enqueue, enqueue_new
from expansion.adapters.hubspot.events import Event
from expansion.models import CrmEvent, CrmLink, CrmPortal, Deal
from expansion.queries.crm import POLL_TOPIC, READ_TOPIC

QUEUE = "bulk"
# The hour (UTC) whose poll looks at every linked deal, also for those that are gone: a search does not find them.
NIGHT = 3


def receive(events: Sequence[Event], *, at: datetime) -> int:
    """Store events that were not stored before and mark their deals; answers how many deals are newly to be read."""
    with transaction.atomic():
        CrmEvent.objects.bulk_create([_row(event, at) for event in events], ignore_conflicts=True)
        deals = {record for event in events for record in event.deals}
        lines = {record for event in events for record in event.line_items}
        return mark(deals, lines=lines)


def mark(record_ids: Iterable[str], *, lines: Iterable[str] = ()) -> int:
    """Let the deals behind these records (and line items) be read anew. One message per deal while it waits, however many events. In the
    caller's transaction.
    """
    wanted = {record for record in record_ids if record}
    _link_new(wanted)
    condition = Q(deal__crm_id__in=wanted) | Q(merged_into__in=wanted)
    if line_ids := [line for line in lines if line]:
        condition |= Q(line_ids__overlap=line_ids)
    links = list(CrmLink.objects.select_for_update(of=("self",)).filter(condition, is_dirty=False).order_by("pk"))
    CrmLink.objects.filter(pk__in=[link.pk for link in links]).update(is_dirty=True, generation=F("generation") + 1)
    effects = [Effect(f"{link.pk}|{link.generation + 1}", f"crm-read:{link.pk}", {"link": link.pk}) for link in links]
    enqueue_new(topic=READ_TOPIC, effects=effects, queue=QUEUE)
    return len(links)


def ask_poll(*, now: datetime) -> None:
    """Once an hour, whoever asks how often: look for what no webhook told. `now` is the wall clock."""
    with transaction.atomic():
        payload = {"full": now.hour == NIGHT}
        enqueue(topic=POLL_TOPIC, identity=f"{now:%Y-%m-%dT%H}", subject="crm-poll", payload=payload, queue=QUEUE)


def connected(*, portal: str, name: str, at: datetime) -> CrmPortal:
    """The token leads to this account."""
    found, _ = CrmPortal.objects.update_or_create(portal=portal, defaults={"name": name, "tested_at": at})
    return found


def polled(*, portal: str, deals: Mapping[str, datetime], lines: Mapping[str, datetime], gone: Iterable[str], until: datetime) -> int:
    """Mark the deals that were modified after they were last read, or are gone; answers how many."""
    with transaction.atomic():
        links = CrmLink.objects.filter(deal__crm_id__in=list(deals)).values_list("deal__crm_id", "modified")
        known = dict(links)
        newer = {record for record, when in deals.items() if (seen := known.get(record)) is None or when > seen}
        stale_lines = set(lines)
        for link in CrmLink.objects.filter(line_ids__overlap=list(lines)).only("line_ids", "read_at"):
            mine = [line for line in link.line_ids if line in lines]
            if link.read_at is not None and all(lines[line] <= link.read_at for line in mine):
                stale_lines -= set(mine)
        CrmPortal.objects.filter(portal=portal).update(cursor=until)
        return mark({*newer, *gone}, lines=stale_lines)


def _link_new(record_ids: set[str]) -> None:
    """A deal that was given a record since."""
    fresh = Deal.objects.filter(crm_id__in=record_ids, crm_link__isnull=True).order_by("pk")
    CrmLink.objects.bulk_create([CrmLink(deal=deal) for deal in fresh], ignore_conflicts=True)


def _row(event: Event, at: datetime) -> CrmEvent:
    return CrmEvent(
        portal=event.portal,
        kind=event.kind,
        object_id=event.object_id,
        property=event.property,
        occurred_at=event.occurred_at,
        event_id=event.event_id,
        merged=list(event.merged),
        merged_into=event.merged_into,
        received_at=at,
    )
