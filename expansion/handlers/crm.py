"""HubSpot: a deal read anew, told what became of it, and the hourly look for what no webhook told (F51, F55, F57)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from django.conf import settings
from django.utils import timezone

from billing.clock import now
from dealops.outbox.handlers import NoAnswer, Refused, TryLater
from dealops.outbox.relay import Delivery
from expansion.adapters.hubspot import Gone, HubSpot, NotAllowedByHubSpot, Portal, RefusedByHubSpot, RetryLater, Unknown
from expansion.adapters.hubspot.client import BATCH
from expansion.domain.crm import DealFacts
from expansion.handlers.mail import nothing
from expansion.models import CrmLink, CrmPortal, Deal
from expansion.operations import crm_inbox, crm_reading, crm_stages, crm_writing
from expansion.queries import crm as queries

# HubSpot's search lags behind; a search begins so much before the end of the last one.
LAG = timedelta(minutes=5)
FIRST = timedelta(days=1)
# HubSpot's search ends at ten thousand rows; after this many pages it begins again at the last moment seen.
MOST_PAGES = 90
WITHOUT_TOKEN = 300
# Seconds until a record is looked at again that has to be read first.
READ_FIRST = 60
MERGED = "The record was merged into another one in HubSpot, which has to be read first."


class CannotTest(Exception):
    """The connection does not work; the words say why and what to do."""


def client() -> HubSpot:
    return HubSpot(settings.HUBSPOT_TOKEN, settings.HUBSPOT_API_URL)


def test_connection() -> Portal:
    """Whose HubSpot the token leads to; its stages are read as well. Raises CannotTest."""
    if not settings.HUBSPOT_TOKEN:
        raise CannotTest("HUBSPOT_TOKEN is not set. See docs/connect-hubspot.md.")
    try:
        portal, stages = client().portal(), client().stages()
    except (RetryLater, Unknown, RefusedByHubSpot) as error:
        raise CannotTest(f"{error} Check HUBSPOT_TOKEN and its scopes.") from error
    crm_inbox.connected(portal=portal.id, name=portal.name, at=timezone.now())
    crm_stages.found(stages)
    return portal


def read(delivery: Delivery) -> Callable[[], None]:
    """Read a deal as it is now, whatever the event said. At most once a minute (F58)."""
    link = CrmLink.objects.select_related("deal").get(pk=delivery.message.payload["link"])
    if not settings.HUBSPOT_TOKEN or not link.deal.crm_id:
        return nothing
    _wait_a_moment(link)
    begun: list[int] = []
    delivery.checkpoint(lambda: begun.append(crm_reading.begin(link_id=link.pk)))
    at = timezone.now()
    with reading():
        facts = _find(link)
    if facts is None or facts.is_archived:
        return lambda: crm_reading.gone(link_id=link.pk, is_known=facts is not None, at=at, now=now())
    return lambda: crm_reading.noted(link_id=link.pk, facts=facts, writes=begun[0], at=at, now=now())


def write(delivery: Delivery) -> Callable[[], None]:
    """Say what HubSpot does not say yet, and what we have not said before: a value somebody set there since stays (F55)."""
    link = CrmLink.objects.select_related("deal__contract", "deal__stage").get(pk=delivery.message.payload["link"])
    deal = link.deal
    if not settings.HUBSPOT_TOKEN or not deal.crm_id or link.state != CrmLink.State.LINKED:
        return nothing
    theirs = before_writing(delivery, deal)
    if theirs is None:
        return lambda: mark(deal.crm_id)
    said = queries.wanted(deal)
    fresh = {name: value for name, value in said.items() if link.written.get(name) != value}
    values = queries.differing(fresh, crm_reading.seen_of(theirs))
    if values:
        delivery.checkpoint(lambda: crm_writing.begun(link_id=link.pk, values=values))
        with writing():
            client().update({deal.crm_id: values})
    return lambda: crm_writing.written(link_id=link.pk, said=said, values=values)


def before_writing(delivery: Delivery, deal: Deal) -> DealFacts | None:
    """The deal's record as it is right before a write; None when it is gone, which the caller lets be read anew (F53).

    Raises TryLater where it was merged into another record: that is read first (F54).
    """
    with reading():
        try:
            theirs = client().deal(deal.crm_id)
        except Gone:
            return None
    if theirs.id != deal.crm_id:
        delivery.checkpoint(lambda: mark(deal.crm_id))
        raise TryLater(MERGED, after=READ_FIRST)
    return theirs


def poll(delivery: Delivery) -> Callable[[], None]:
    """Everything modified since the last look; at night also every linked deal, for those that are gone."""
    if not settings.HUBSPOT_TOKEN:
        return nothing
    with reading():
        hubspot = client()
        whose = hubspot.portal()
        portal = crm_inbox.connected(portal=whose.id, name=whose.name, at=timezone.now())
        until = timezone.now()
        deals = _changed(delivery, hubspot, _since(portal), "deals")
        lines = _changed(delivery, hubspot, _since(portal), "line_items")
        deals |= _deals_of(hubspot, lines, until)
        gone = _missing(delivery, hubspot, deals) if delivery.message.payload["full"] else set()
    return lambda: _polled(portal.portal, deals, lines, gone, until)


def _polled(portal: str, deals: dict[str, datetime], lines: dict[str, datetime], gone: set[str], until: datetime) -> None:
    crm_inbox.polled(portal=portal, deals=deals, lines=lines, gone=gone, until=until)


def mark(record_id: str) -> None:
    """Let this record be read anew."""
    crm_inbox.mark([record_id])


def _find(link: CrmLink) -> DealFacts | None:
    """The living record, else the one it went into, else the one in the bin, else None."""
    record_id = link.merged_into or link.deal.crm_id
    try:
        return client().deal(record_id)
    except Gone:
        if successor := queries.merged_into(record_id):
            try:
                return client().deal(successor)
            except Gone:
                pass
    try:
        return client().deal(record_id, archived=True)
    except Gone:
        return None


def _wait_a_moment(link: CrmLink) -> None:
    if link.read_at is None:
        return
    rest = settings.HUBSPOT_READ_SECONDS - (timezone.now() - link.read_at).total_seconds()
    if rest > 0:
        raise TryLater("It was read a moment ago; the next reading takes everything since together.", after=rest)


def _since(portal: CrmPortal) -> datetime:
    return portal.cursor - LAG if portal.cursor else timezone.now() - FIRST


def _changed(delivery: Delivery, hubspot: HubSpot, since: datetime, kind: str) -> dict[str, datetime]:
    found: dict[str, datetime] = {}
    after, pages = "", 0
    while True:
        delivery.renew()
        rows, after = hubspot.changed_since(since, kind=kind, after=after)
        found |= {row.id: row.modified for row in rows}
        pages += 1
        if not after:
            return found
        if pages % MOST_PAGES == 0 and rows[-1].modified > since:
            since, after = rows[-1].modified, ""


def _deals_of(hubspot: HubSpot, lines: dict[str, datetime], until: datetime) -> dict[str, datetime]:
    """The deals of line items no link knows yet: they were added while nothing was heard."""
    known = {line for ids in CrmLink.objects.filter(line_ids__overlap=list(lines)).values_list("line_ids", flat=True) for line in ids}
    strange = [line for line in lines if line not in known]
    found: set[str] = set()
    for start in range(0, len(strange), BATCH):
        found |= hubspot.deals_of_lines(strange[start : start + BATCH])
    return dict.fromkeys(found, until)


def _missing(delivery: Delivery, hubspot: HubSpot, deals: dict[str, datetime]) -> set[str]:
    """Linked records that no longer answer; those that do are added to `deals` with their moment."""
    linked = list(CrmLink.objects.exclude(deal__crm_id="").order_by("pk").values_list("deal__crm_id", flat=True))
    missing: set[str] = set()
    for start in range(0, len(linked), BATCH):
        delivery.renew()
        part = linked[start : start + BATCH]
        answers = {record: moment.astimezone(UTC) for record, moment in hubspot.modified(part).items()}
        deals |= answers
        missing |= set(part) - set(answers)
    return missing


@contextmanager
def reading() -> Iterator[None]:
    """HubSpot's errors in the outbox's words, for calls that change nothing there: whatever went wrong, try again."""
    try:
        yield
    except (RetryLater, Unknown) as error:
        raise TryLater(str(error), after=getattr(error, "after", None)) from error
    except NotAllowedByHubSpot as error:
        raise TryLater(str(error), after=WITHOUT_TOKEN) from error
    except RefusedByHubSpot as error:
        raise Refused(str(error)) from error


@contextmanager
def writing() -> Iterator[None]:
    """The same for a write. What a rule of the portal refuses is parked with HubSpot's words; trying again would not help."""
    try:
        yield
    except Unknown as error:
        raise NoAnswer(str(error)) from error
    except RetryLater as error:
        raise TryLater(str(error), after=error.after) from error
    except NotAllowedByHubSpot as error:
        raise TryLater(str(error), after=WITHOUT_TOKEN) from error
    except RefusedByHubSpot as error:
        raise Refused(str(error)) from error
