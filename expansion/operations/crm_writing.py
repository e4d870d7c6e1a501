"""What we tell HubSpot: amount, stage, pipeline, our ids and the line items, each value once (F55)."""

from __future__ import annotations

from collections.abc import Mapping

from django.conf import settings
from django.db import transaction
from django.db.models import F

from dealops.outbox.operations import enqueue
from expansion.domain.crm import LineItem
from expansion.domain.crm_lines import Writing, after
from expansion.models import CrmLink, Deal
from expansion.queries.crm import LINES_TOPIC, WRITE_TOPIC, is_connected, lines_subject, write_subject


def want(deal: Deal) -> None:
    """Let HubSpot hear how this deal stands; in the transaction that changed it. Nothing without a connection or a record there."""
    if not deal.crm_id or not is_connected():
        return
    link, _ = CrmLink.objects.get_or_create(deal=deal)
    payload = {"link": link.pk}
    enqueue(topic=WRITE_TOPIC, identity=f"{link.pk}|{deal.version}", subject=write_subject(link.pk), payload=payload, queue="notify")


def want_lines(deal: Deal, *, cause: str) -> None:
    """Let HubSpot's line items hear what the contract says now; in the transaction that changed it. Once for each `cause`."""
    if not deal.crm_id or not is_connected() or not settings.HUBSPOT_WRITE_LINES:
        return
    link, _ = CrmLink.objects.get_or_create(deal=deal)
    payload = {"link": link.pk}
    enqueue(topic=LINES_TOPIC, identity=f"{link.pk}|{cause}", subject=lines_subject(link.pk), payload=payload, queue="notify")


def begun(*, link_id: int, values: Mapping[str, str]) -> None:
    """These properties are about to be written: from now on they are known as ours when HubSpot tells of them."""
    CrmLink.objects.filter(pk=link_id).update(sending=dict(values))


def written(*, link_id: int, said: Mapping[str, str], values: Mapping[str, str]) -> None:
    """HubSpot has what we say (`said`); `values` are those we had to write for it."""
    with transaction.atomic():
        link = CrmLink.objects.select_for_update().get(pk=link_id)
        link.written, link.sending = {**link.written, **said}, {}
        link.seen = {**link.seen, **values}
        link.save(update_fields=["written", "sending", "seen"])
        if values:
            CrmLink.objects.filter(pk=link_id).update(writes=F("writes") + 1)


def lines_written(*, link_id: int, done: Writing, made: Mapping[str, str]) -> None:
    """HubSpot's line items are as `done` wanted them; `made` is our key -> the id of what was made. Nobody's wish, so settled (F55).

    A reading that began before this is taken again: it may have seen half of it.
    """
    with transaction.atomic():
        link = CrmLink.objects.select_for_update().get(pk=link_id)
        if done.is_nothing or link.settled is None:
            return
        settled, lines = ([LineItem(**item) for item in items] for items in (link.settled, link.lines))
        link.settled = [item.as_json() for item in after(settled, done, made)]
        link.lines = [item.as_json() for item in after(lines, done, made)]
        link.line_ids = [item["id"] for item in link.lines]
        link.save(update_fields=["settled", "lines", "line_ids"])
        CrmLink.objects.filter(pk=link_id).update(writes=F("writes") + 1)
