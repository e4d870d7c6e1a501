"""What the relay does when it does not know: it stays uncertain until it is certain, and its patience ends with a person."""

import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from celery.exceptions import SoftTimeLimitExceeded
from django.db import transaction
from django.utils import timezone

from dealops.outbox import bell, handlers, operations, relay
from dealops.outbox.models import Attempt, Message, State

ROOT = Path(__file__).resolve().parents[3]

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def at_once(settings):
    settings.OUTBOX_LOOKUP_SECONDS = [0]


@pytest.fixture
def answers(monkeypatch):
    """A topic whose handler plays a list of answers, the last one for ever; notes how it was asked."""
    script, asked = [], []

    def play(delivery):
        asked.append(delivery.look_first)
        answer = script.pop(0) if len(script) > 1 else script[0]
        if isinstance(answer, Exception):
            raise answer
        return answer or (lambda: None)

    monkeypatch.setitem(handlers._handlers, "test.script", play)

    def write(*lines):
        script[:] = lines
        return asked

    return write


def put(identity="one", *, subject="contract:C-1", queue="post", topic="test.script"):
    with transaction.atomic():
        return operations.enqueue(topic=topic, identity=identity, subject=subject, payload={"id": identity}, queue=queue)


def let_time_pass():
    Message.objects.exclude(state="done").update(available_at=timezone.now() - timedelta(seconds=1))


def drain_and_wait(times):
    for _ in range(times):
        relay.drain(queue="post")
        let_time_pass()


@pytest.mark.req("F33", "F34", "F38")
def test_once_uncertain_every_try_looks_first_until_it_is_certain(answers):
    asked = answers(handlers.NoAnswer("silence"), handlers.TryLater("busy"), handlers.TryLater("busy"), None)
    message = put()
    drain_and_wait(1)
    message.refresh_from_db()
    assert message.state == State.UNKNOWN, "being asked to wait is not knowing"
    drain_and_wait(3)
    message.refresh_from_db()
    assert message.state == State.DONE
    assert asked == [False, True, True, True]


@pytest.mark.req("F34", "F35")
def test_being_asked_to_wait_a_hundred_times_uses_up_no_patience(answers):
    answers(*[handlers.TryLater("maintenance")] * 100, handlers.NoAnswer("silence"), None)
    message = put()
    drain_and_wait(103)
    message.refresh_from_db()
    assert (message.state, message.doubts, message.attempts) == (State.DONE, 1, 102)


@pytest.mark.req("F33")
def test_a_person_who_retries_starts_the_patience_anew(answers):
    silence = handlers.NoAnswer("silence")
    answers(*[silence] * relay.MAX_UNKNOWN, silence, silence, None)
    message = put()
    relay.drain(queue="post")
    message.refresh_from_db()
    assert (message.state, message.doubts) == (State.PARKED, relay.MAX_UNKNOWN)
    operations.retry(message_id=message.pk)
    message.refresh_from_db()
    assert (message.state, message.doubts) == (State.UNKNOWN, 0)
    relay.drain(queue="post")
    message.refresh_from_db()
    assert (message.state, message.doubts) == (State.DONE, 2)


@pytest.mark.req("F17")
@pytest.mark.parametrize(
    "answer",
    [None, handlers.NoAnswer("silence"), handlers.TryLater("busy"), handlers.Refused("no"), ZeroDivisionError()],
    ids=["done", "no_answer", "later", "refused", "bug"],
)
def test_whatever_a_worker_hears_after_its_lease_was_taken_over_it_writes_nothing_and_goes_on(answers, answer):
    answers(answer)
    message = put()
    (slow,) = relay.claim(queue="post", size=1)
    Message.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    (owner,) = relay.claim(queue="post", size=1)
    relay.deliver(slow)
    message.refresh_from_db()
    assert (message.state, message.lease_token) == (State.SENDING, owner.token)
    assert list(message.tries.order_by("number").values_list("outcome", flat=True)) == [Attempt.Outcome.LOST, Attempt.Outcome.RUNNING]


@pytest.mark.req("F30")
def test_a_worker_that_runs_out_of_time_leaves_it_to_be_looked_up(answers):
    answers(SoftTimeLimitExceeded(), None)
    message = put()
    relay.drain(queue="post", limit=1)
    message.refresh_from_db()
    assert (message.state, message.last_words) == (State.UNKNOWN, "It took longer than a worker may wait.")


@pytest.mark.req("F35")
def test_after_days_of_waiting_the_next_try_is_still_a_quarter_of_an_hour_away(answers):
    answers(handlers.TryLater("down"))
    message = put()
    Message.objects.update(attempts=5000)
    relay.drain(queue="post")
    message.refresh_from_db()
    assert 0.7 * 900 < (message.available_at - timezone.now()).total_seconds() < 1.2 * 900


@pytest.mark.req("F34")
def test_an_absurd_wait_is_cut_to_a_day(answers):
    answers(handlers.TryLater("come back never", after=10**12))
    message = put()
    relay.drain(queue="post")
    message.refresh_from_db()
    assert message.available_at - timezone.now() <= timedelta(days=1)


@pytest.mark.req("F108")
def test_a_worker_whose_clock_is_wrong_does_not_take_over_a_living_lease(answers, monkeypatch):
    answers(None)
    put()
    (mine,) = relay.claim(queue="post", size=1)
    real = timezone.now
    monkeypatch.setattr(relay.timezone, "now", lambda: real() + timedelta(hours=1))
    assert not relay.claim(queue="post", size=1)
    mine.renew()


def test_a_claim_takes_the_first_of_each_subject_and_no_more_than_it_was_asked_for(answers):
    answers(None)
    for n in range(6):
        put(str(n), subject=f"contract:{n % 3}")
    taken = relay.claim(queue="post", size=2) + relay.claim(queue="post", size=5)
    assert [delivery.message.subject for delivery in taken] == ["contract:0", "contract:1", "contract:2"]


def test_what_waits_behind_a_parked_message_is_not_due(answers):
    answers(handlers.Refused("no"))
    put("first"), put("second")
    relay.drain(queue="post")
    assert not relay.something_due("post")


# --- the bell --------------------------------------------------------------------------------------------------------------


@pytest.fixture
def rung(monkeypatch):
    rings = []
    monkeypatch.setattr(bell, "ring", rings.append)
    return rings


@pytest.mark.req("F22", "F23")
def test_one_transaction_rings_once_for_each_queue_and_only_after_commit(answers, rung):
    with transaction.atomic():
        for n in range(5):
            put(str(n))
        put("mail", queue="notify")
        assert not rung
    assert rung == ["post", "notify"]


@pytest.mark.req("F32")
def test_a_part_that_is_rolled_back_does_not_swallow_the_ring_of_the_rest(answers, rung):
    with transaction.atomic():
        with pytest.raises(ZeroDivisionError), transaction.atomic():
            put("gone")
            raise ZeroDivisionError
        put("stays")
    assert rung == ["post"]


DEAD_BROKER = """
import django; django.setup()
from dealops.outbox import bell
for _ in range(50):
    bell.ring("post")
"""


@pytest.mark.req("F23")
def test_a_broker_that_is_down_is_left_alone_for_a_while(tmp_path):
    environment = {**os.environ, "REDIS_URL": "redis://127.0.0.1:1/0", "DJANGO_SETTINGS_MODULE": "dealops.settings"}
    command = [sys.executable, "-c", DEAD_BROKER]
    done = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, timeout=60, check=True)
    assert done.stderr.count("did not ring") == 1
