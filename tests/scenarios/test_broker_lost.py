"""Redis carries bells, never facts: emptied at the worst moment, everything approved is posted all the same."""

import json
import signal
import time
from datetime import date

import pytest
import redis
from django.conf import settings as product

from billing.models import Document, Posting
from dealops.outbox.models import Message, State
from expansion.operations import changes
from expansion.queries.lights import lights_of
from tests.scenarios.portfolio import add_seats, bill_months, documents_here, documents_there, out_of_order, sign_more, tell_documents
from tests.scenarios.workers import celery_beat, celery_worker, movable, until
from tests.worlds import seed_world

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def valkey():
    """The Valkey of this test run."""
    with redis.Redis.from_url(product.REDIS_URL) as client:
        yield client


@pytest.mark.req("F23", "F24", "G05")
def test_everything_in_redis_is_lost_between_approval_and_posting_and_it_is_posted_all_the_same(ledgerly, tmp_path, valkey):
    world = seed_world(owner="finance")
    with celery_beat(tmp_path), celery_worker(tmp_path) as worker:
        worker.signal(signal.SIGSTOP)
        change = add_seats(world, world.deal, 25)
        change = changes.approve(
            change_id=change.pk, version=change.version, shown_hash=change.content_hash, by=world.finance, now=world.now
        )
        until(lambda: valkey.llen("post"), seconds=20, what="the bell lies in Redis")
        valkey.flushall()
        assert Message.objects.filter(queue="post", state=State.QUEUED).count() == 3
        worker.signal(signal.SIGCONT)
        until(lambda: not movable(), seconds=60, what="posted without the bell")
    assert documents_there(ledgerly.state()) == documents_here()
    assert len(ledgerly.live_templates("C-1042")) == 1
    assert [light.status for light in lights_of([change])[change.pk]] == ["done"] * 4


@pytest.mark.proof
@pytest.mark.timeout(900)
@pytest.mark.req("F24", "G05")
def test_redis_emptied_fifty_times_during_two_thousand_postings_loses_nothing(ledgerly, tmp_path, valkey, capsys):
    world = seed_world(owner="sales_cs", billed=False)
    sign_more(world, 39, start=date(2022, 1, 1))
    for year in range(2022, 2027):
        bill_months(*range(1, 13 if year < 2026 else 7), year=year)
    documents = list(Document.objects.order_by("issue_date", "id"))[:2000]
    began, emptied = time.monotonic(), 0
    with celery_beat(tmp_path), celery_worker(tmp_path):
        for at in range(0, len(documents), 40):
            tell_documents(documents[at : at + 40])
            half = at + 20
            until(lambda half=half: Posting.objects.filter(message__state=State.DONE).count() >= half, seconds=120, what=f"{half} posted")
            valkey.flushall()
            emptied += 1
        until(lambda: not movable(), seconds=120, what="all posted")
    here, there = documents_here(), documents_there(ledgerly.state())
    seconds = round(time.monotonic() - began, 1)
    figures = {"goal": "G05", "postings": len(here), "flushed": emptied, "lost": len(set(here) - set(there)), "seconds": seconds}
    with capsys.disabled():
        print(json.dumps(figures))
    assert here == there
    assert not out_of_order()
