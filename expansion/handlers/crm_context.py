"""The four groups of a hand-off, written to the record in HubSpot (S3-57)."""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings

from dealops.outbox.relay import Delivery
from expansion.handlers import crm
from expansion.handlers.mail import nothing
from expansion.models import CrmLink
from expansion.operations import crm_context
from expansion.queries.crm_context import context_of


def write(delivery: Delivery) -> Callable[[], None]:
    """Write what the record was not told yet: absolute values, so twice does no harm; a text somebody edits there since stays (F55)."""
    link = CrmLink.objects.select_related("deal").get(pk=delivery.message.payload["link"])
    deal = link.deal
    if not settings.HUBSPOT_TOKEN or not deal.crm_id or link.state != CrmLink.State.LINKED:
        return nothing
    values = {name: text for name, text in context_of(deal).items() if link.written.get(name) != text}
    if not values:
        return nothing
    if crm.before_writing(delivery, deal) is None:
        return lambda: crm.mark(deal.crm_id)
    with crm.writing():
        crm.client().update({deal.crm_id: values})
    return lambda: crm_context.written(link_id=link.pk, values=values)
