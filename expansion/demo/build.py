"""Puts the demo together: people, catalogue, portfolio, history, the story's morning, the clock."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, time

from django.db import transaction
from django.utils import timezone

from billing.models import Contract, DemoClock, Posting
from billing.operations.postings import queue_template
from dealops.accounts.models import User
from expansion.demo import catalogue, fleet, history, motion, people, story
from expansion.demo.contracts import sign
from expansion.models import ChangeCounter
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
    motion.load(staff, on=story.STORY_DAY)
    say("customers, plays and signals known")
    _tell_accounting()
    DemoClock.objects.create(day=story.STORY_DAY, set_at=timezone.now())
    return True


def _tell_accounting() -> None:
    """Ledgerly hears of every live template whose newest version it was not told yet, by the ordinary way."""
    for contract in Contract.objects.filter(state="active").select_related("future_invoice__current", "legal_entity").order_by("number"):
        current = contract.future_invoice.current
        if not Posting.objects.filter(version=current).exists():
            queue_template(current)
