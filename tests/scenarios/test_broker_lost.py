"""Redis carries bells, never facts: emptied at the worst moment, everything approved is posted all the same."""

import signal

import pytest
import redis
from django.conf import settings as product

from dealops.outbox.models import Message, State
from expansion.operations import changes
from expansion.queries.lights import lights_of
from tests.scenarios.portfolio import add_seats, documents_here, documents_there
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
