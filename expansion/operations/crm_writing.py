"""What we tell HubSpot: amount, stage, pipeline and our ids, each value once (F55)."""

from __future__ import annotations

from collections.abc import Mapping

from django.db import transaction
from django.db.models import F

from dealops.outbox.operations import enqueue
from expansion.models import CrmLink, Deal
from expansion.queries.crm import WRITE_TOPIC, is_connected, write_subject


def want(deal: Deal) -> None:
    """Let HubSpot hear how this deal stands; in the transaction that changed it. Nothing without a connection or a record there."""
    if not deal.crm_id or not is_connected():
        return
    link, _ = CrmLink.objects.get_or_create(deal=deal)
    payload = {"link": link.pk}
    enqueue(topic=WRITE_TOPIC, identity=f"{link.pk}|{deal.version}", subject=write_subject(link.pk), payload=payload, queue="notify")


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
