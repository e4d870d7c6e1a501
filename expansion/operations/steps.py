"""Recurring revenue moves on the day of a step that was agreed before: a ramp, the last day of a line, a renewal with its uplift (M09)."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal

from django.db import transaction

from billing.domain import value
from billing.domain.money import round_money, text
from billing.domain.terms import Terms
from billing.models import LegalEntity
from billing.operations import contracts
from billing.queries import terms_of
from dealops.audit.operations import record
from expansion.models import Deal
from expansion.operations import crm_writing
from expansion.operations.deals import lock
from expansion.queries.steps import with_steps


def take(*, on: date, now: datetime, entity: LegalEntity | None = None) -> list[str]:
    """Bring the recurring revenue of every open deal with a step by `on` up to that day; answers the numbers of those that moved.

    Deals without a step are not read. Each in a transaction of its own; done twice, the second time finds nothing.
    """
    return [number for pk in with_steps(on=on, entity=entity) if (number := _take(pk, on, now))]


def revenue(terms: Terms, on: date) -> tuple[Decimal, date]:
    """(recurring revenue a month, the day it is of): the business day, or the nearest day of the term."""
    day = max(min(on, terms.end - timedelta(days=1)), terms.start)
    return value.mrr(terms, day), day


def _take(deal_id: int, on: date, now: datetime) -> str | None:
    with transaction.atomic():
        contract = contracts.lock(Deal.objects.values_list("contract_id", flat=True).get(pk=deal_id))
        deal = lock(deal_id)
        if not deal.is_open or (deal.mrr_on and deal.mrr_on >= on):
            return None
        before = round_money(deal.mrr, deal.currency)
        deal.mrr, deal.mrr_on = revenue(terms_of(contract), on)
        deal.save(update_fields=["mrr", "mrr_on"])
        crm_writing.want_lines(deal, cause=f"v{contract.version}.{on}")
        if deal.mrr == before:
            return None
        record(
            action="deal.mrr_moved",
            sentence=f"Recurring revenue of {deal.number} is {text(deal.mrr)} {deal.currency} a month from {on:%-d %b %Y}, "
            f"it was {text(before)}: a step of contract {contract.number} that was agreed before.",
            subjects=[deal.permalink, contract.permalink, contract.customer.permalink],
            chain=contract.legal_entity.code,
            at=now,
            before={"mrr": str(before)},
            after={"mrr": str(deal.mrr)},
        )
        return deal.number
