"""Puts the demo together: people, catalogue, portfolio, history, the story's morning, the clock."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, time

from django.db import transaction
from django.utils import timezone

from billing.models import Contract, DemoClock, Document
from billing.operations.postings import queue_document, queue_template
from dealops.accounts.models import User
from expansion.demo import catalogue, fleet, history, people, story
from expansion.demo.contracts import sign
from expansion.models import ChangeCounter, Deal
from expansion.operations import pipelines


@transaction.atomic
def load(say: Callable[[str], None] = lambda words: None) -> bool:
    """Load everything, or nothing when it fails half-way; False when somebody is there already."""
    if User.objects.exists():
        return False
    staff = people.build_people()
    pipelines.ensure()
    entities, products = catalogue.build_entities(), catalogue.build_products()
    signings = sorted([*fleet.portfolio(), story.BRIGHTWAVE], key=lambda facts: facts.number)
    deals = [
        sign(facts, entities=entities, products=products, people=staff, at=datetime.combine(facts.start, time(8), UTC))
        for facts in signings
    ]
    say(f"{len(deals)} contracts signed")
    history.live_through(deals, staff, until=story.STORY_DAY)
    ChangeCounter.objects.update_or_create(year=story.STORY_DAY.year, defaults={"last": history.CHANGES_BEFORE_THE_STORY})
    say("two years lived through")
    _tell_accounting()
    DemoClock.objects.create(day=story.STORY_DAY, set_at=timezone.now())
    return True


def _tell_accounting() -> None:
    """Ledgerly hears of this month's invoices and of every live template, by the ordinary way."""
    month = story.STORY_DAY.replace(day=1)
    for document in Document.objects.filter(origin="recurring", issue_date__gte=month).order_by("issue_date", "number"):
        queue_document(document)
    waiting = set(Deal.objects.filter(contract__postings__kind="template").values_list("contract_id", flat=True))
    for contract in Contract.objects.filter(state="active").select_related("future_invoice__current", "legal_entity").order_by("number"):
        if contract.pk not in waiting:
            queue_template(contract.future_invoice.current)
