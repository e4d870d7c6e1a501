"""HubSpot's line items after a change took effect: read as they are, then brought up to date, made and taken away (F55)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from django.conf import settings

from billing.clock import business_date, now
from dealops.outbox.crash import crash_point
from dealops.outbox.handlers import Refused, TryLater
from dealops.outbox.relay import Delivery
from expansion.adapters.hubspot import Gone, NotAllowedByHubSpot
from expansion.domain.crm_lines import Writing
from expansion.handlers.crm import READ_FIRST, before_writing, client, mark, writing
from expansion.handlers.mail import nothing
from expansion.models import CrmLink
from expansion.operations import crm_writing


def write(delivery: Delivery) -> Callable[[], None]:
    """Make the line items of a deal say what its contract says now. Every call can be made twice; each try reads first.

    After a try that may have done a part the deal is read once more, so that what it did is not taken for somebody's wish.
    """
    link = CrmLink.objects.select_related("deal__contract__legal_entity").get(pk=delivery.message.payload["link"])
    deal = link.deal
    if not (settings.HUBSPOT_TOKEN and settings.HUBSPOT_WRITE_LINES and deal.crm_id) or link.state != CrmLink.State.LINKED:
        return nothing
    if link.read_at is None:
        delivery.checkpoint(lambda: mark(deal.crm_id))
        raise TryLater("HubSpot's line items were never read; that comes first.", after=READ_FIRST)
    theirs = before_writing(delivery, deal)
    if theirs is None:
        return lambda: mark(deal.crm_id)
    at = now()
    on = business_date(deal.contract.legal_entity.time_zone, at)
    begun: list[crm_writing.Begun] = []
    delivery.checkpoint(lambda: begun.append(crm_writing.lines_begun(link_id=link.pk, theirs=theirs.lines, on=on, now=at)))
    made = _written(delivery, deal.crm_id, begun[0].todo)

    def note() -> None:
        crm_writing.lines_written(link_id=link.pk, begun=begun[0], made=made)
        if delivery.look_first or delivery.message.attempts > 1:
            mark(deal.crm_id)

    return note


def _written(delivery: Delivery, record_id: str, todo: Writing) -> dict[str, str]:
    hubspot, made = client(), {}
    with writing(), _scope():
        if todo.update:
            delivery.renew()
            hubspot.update_lines(todo.update)
            crash_point("crm.lines_updated")
        if todo.create:
            delivery.renew()
            made = hubspot.make_lines(todo.create)
            crash_point("crm.lines_made")
            hubspot.hang_lines(record_id, sorted(made.values()))
            crash_point("crm.lines_hung")
        if todo.remove:
            delivery.renew()
            hubspot.remove_lines(todo.remove)
            crash_point("crm.lines_removed")
    return made


@contextmanager
def _scope() -> Iterator[None]:
    """The token has just read the deal; what it may not do now is a matter of its scopes, which waiting does not change.

    A line item that went away since it was read is no refusal: the next try reads again.
    """
    try:
        yield
    except Gone as error:
        raise TryLater("Somebody took a line item away in this moment.") from error
    except NotAllowedByHubSpot as error:
        raise Refused(f"{error} Give it the scope crm.objects.line_items.write, or set HUBSPOT_WRITE_LINES=0.") from error
