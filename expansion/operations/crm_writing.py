"""What we tell HubSpot: amount, stage, pipeline, our ids and the line items, each value once (F55)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from django.conf import settings
from django.db import transaction
from django.db.models import F

from dealops.audit.operations import record
from dealops.outbox.operations import enqueue
from expansion.domain.crm import LineItem
from expansion.domain.crm_lines import Sending, Writing, after, not_settled_since, put_back
from expansion.models import CrmLink, Deal
from expansion.operations import crm_inbox
from expansion.queries.crm import LINES_TOPIC, WRITE_TOPIC, is_connected, lines_subject, lines_to_write, settled_of, wishes, write_subject


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


@dataclass(frozen=True, slots=True)
class Begun:
    """How a deal's line items stood when a write of them began, and what it shall do."""

    todo: Writing
    settled: list[dict[str, str]]
    read_at: datetime | None


def lines_begun(*, link_id: int, theirs: Sequence[LineItem], on: date, now: datetime) -> Begun:
    """What of `theirs` has to be written on a business day. A reading knows it as ours from now on, answer or not (F33).

    Figures of people that this puts back are told in the log, once however many tries it takes; `now` is the clock of the business.
    """
    with transaction.atomic():
        link = CrmLink.objects.select_for_update(of=("self",)).select_related("deal__contract__legal_entity").get(pk=link_id)
        todo = lines_to_write(link, link.deal.contract, theirs=theirs, on=on)
        settled, sending = settled_of(link, theirs=theirs), Sending.from_json(link.sending_lines)
        link.settled = None if settled is None else [item.as_json() for item in settled]
        if sending.plus(todo) != sending:
            link.sending_lines = sending.plus(todo).as_json()
            _tell_put_back(link.deal, put_back(todo, theirs=theirs, refused=wishes(link.deal).refused), now)
        link.save(update_fields=["settled", "sending_lines"])
        return Begun(todo, link.settled or [], link.read_at)


def _tell_put_back(deal: Deal, words: Sequence[str], now: datetime) -> None:
    if not words:
        return
    contract = deal.contract
    sentence = (
        f"HubSpot's line items of {deal.number} follow the contract again ({'; '.join(words)}): what was edited there was not agreed."
    )
    subjects = [deal.permalink, contract.permalink, contract.customer.permalink]
    record(action="crm.put_back", sentence=sentence, subjects=subjects, chain=contract.legal_entity.code, at=now)


def lines_written(*, link_id: int, begun: Begun, made: Mapping[str, str]) -> None:
    """HubSpot's line items are as `begun` wanted them; `made` is our key -> the id of what was made. Nobody's wish, so settled (F55).

    A reading that began before this is taken again: it may have seen half of it. One that was noted since `begun` stands until then, and
    so does what a person settled since.
    """
    with transaction.atomic():
        link = CrmLink.objects.select_for_update(of=("self",)).select_related("deal").get(pk=link_id)
        done = begun.todo
        if done.is_nothing and link.sending_lines is None:
            return
        settled, lines, before = ([LineItem(**item) for item in items or ()] for items in (link.settled, link.lines, begun.settled))
        ours = not_settled_since(done, before=before, now=settled)
        link.settled, link.sending_lines = [item.as_json() for item in after(settled, ours, made)], None
        if link.read_at == begun.read_at:
            link.lines = [item.as_json() for item in after(lines, done, made)]
            link.line_ids = [item["id"] for item in link.lines]
        else:
            crm_inbox.mark([link.deal.crm_id])
        link.save(update_fields=["settled", "sending_lines", "lines", "line_ids"])
        if not done.is_nothing:
            CrmLink.objects.filter(pk=link_id).update(writes=F("writes") + 1)
