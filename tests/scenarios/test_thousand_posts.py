"""A thousand postings under the faults of G01, each message delivered one to five times: none lost, none twice, none uncertain at rest.

One worker in this process, so that a thousand take seconds; several that are really killed: test_many_at_once.py, test_worker_killed.py.
"""

import json
import random
import time
from datetime import date

import pytest
from django.db.models.functions import Now

from billing.models import Document, Posting
from dealops.outbox import operations, relay
from dealops.outbox.models import Attempt, Message, State
from tests.scenarios.portfolio import (
    bill_months,
    documents_here,
    documents_there,
    out_of_order,
    posted_out_of_order,
    sign_more,
    tell_documents,
)
from tests.scenarios.test_many_at_once import Moods
from tests.scenarios.workers import leases_run_out
from tests.worlds import seed_world

pytestmark = pytest.mark.django_db(transaction=True)

# January 2025 to June 2026.
MONTHS = 18
# Of a hundred: accounting has answered, and the worker dies before it notes that.
CRASHES = 5


class Died(BaseException):
    """What SIGKILL is to a worker: nothing of this delivery is noted any more."""


@pytest.fixture
def deaths(monkeypatch):
    """Some deliveries end right after accounting answered; the list says how many."""
    dice, died = random.Random(7), []

    def point(name):
        if name == "post.after_remote" and dice.randrange(100) < CRASHES:
            died.append(name)
            raise Died

    monkeypatch.setattr("billing.handlers.documents.crash_point", point)
    return died


def deliver_over_and_over(dice, *, seconds):
    """A worker that is woken far too often, until nothing moves; waits between tries are over at once. Answers how often it delivered."""
    delivered, deadline = 0, time.monotonic() + seconds
    while relay.something_due("post") or _hurry():
        assert time.monotonic() < deadline, "it did not come to rest"
        for delivery in relay.claim(queue="post", size=20):
            try:
                for _ in range(dice.randint(1, 5)):
                    delivered += 1
                    relay.deliver(delivery)
            except Died:
                pass
    return delivered


def _hurry():
    """Leases of the dead and waits are over; whether anybody waited."""
    leases_run_out()
    waiting = Message.objects.filter(queue="post", state__in=[State.QUEUED, State.UNKNOWN], available_at__gt=Now()).update(
        available_at=Now()
    )
    return waiting or relay.something_due("post")


@pytest.mark.timeout(1800)
@pytest.mark.req("G01", "F17", "F18", "F33", "F34", "F35", "F38", "F48")
@pytest.mark.parametrize(
    ("contracts", "seconds"),
    [(56, 1500), pytest.param(556, 6000, marks=[pytest.mark.proof("G01 posts under faults"), pytest.mark.timeout(7200)])],
    ids=["1008", "10008"],
)
def test_posts_under_faults_are_neither_lost_nor_doubled_nor_out_of_order(
    ledgerly, monkeypatch, deaths, record_property, capsys, contracts, seconds
):
    ledgerly.checks = False  # the exchanges are those of the other stories
    world = seed_world(owner="sales_cs", billed=False)
    sign_more(world, contracts, start=date(2025, 1, 1))
    bill_months(*range(1, 13), year=2025)
    bill_months(*range(1, 7))
    documents = list(Document.objects.exclude(contract=world.contract).order_by("issue_date", "id"))
    assert len(documents) == contracts * MONTHS
    tell_documents(documents)
    moods, dice = Moods(41), random.Random(43)
    monkeypatch.setattr("billing.adapters.accounting.ledgerly.app.take", moods.take)
    began = time.monotonic()
    delivered = deliver_over_and_over(dice, seconds=seconds)
    parked = list(Message.objects.filter(state=State.PARKED))
    for message in parked:  # only what killed three workers in a row, or stayed uncertain eight times
        assert message.doubts >= relay.MAX_LOST, message.last_words
        operations.retry(message_id=message.pk)
    delivered += deliver_over_and_over(dice, seconds=seconds)
    took, state = time.monotonic() - began, ledgerly.state()
    here, there = documents_here(), documents_there(state)
    figures = {
        "cases": len(here),
        "deliveries": delivered,
        "faults": moods.struck,
        "deaths": len(deaths),
        "tries": Attempt.objects.count(),
        "lost": len(set(here) - set(there)),
        "duplicated": len(there) - len(set(there)),
        "unknown": Message.objects.filter(queue="post").exclude(state=State.DONE).count(),
        "out_of_order": len(out_of_order()) + len(posted_out_of_order(state)),
        "parked_on_the_way": len(parked),
    }
    for name, number in figures.items():
        record_property(name, number)
    with capsys.disabled():
        print(json.dumps({"goal": "G01", **figures, "seconds": round(took, 1)}))
    assert here == there
    assert not any(figures[name] for name in ("lost", "duplicated", "unknown", "out_of_order"))
    assert Posting.objects.filter(verified_at__isnull=False).count() == len(documents)
    assert deaths and moods.struck > len(documents) // 2
    assert delivered > 2 * figures["tries"], "most were delivered more than once"
