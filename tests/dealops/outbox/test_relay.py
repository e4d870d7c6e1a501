"""The relay: one effect per message, whatever dies in between."""

import os
import subprocess
import sys
import threading
import uuid
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from django.db import connection, transaction
from django.db.utils import ProgrammingError
from django.utils import timezone

from dealops.outbox import handlers, operations, relay
from dealops.outbox.models import Attempt, Message, State

ROOT = Path(__file__).resolve().parents[3]

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def sent(monkeypatch):
    """What reached the other side, and a topic whose handler can be told how to behave."""
    calls = []
    monkeypatch.setitem(
        handlers._handlers, "test.effect", lambda delivery: calls.append((delivery.key, delivery.look_first)) or (lambda: None)
    )
    return calls


def put(identity="one", *, topic="test.effect", subject="contract:C-1"):
    with transaction.atomic():
        return operations.enqueue(topic=topic, identity=identity, subject=subject, payload={"id": identity})


def expire_lease(message):
    Message.objects.filter(pk=message.pk).update(lease_until=timezone.now() - timedelta(seconds=1))


def test_a_due_message_is_delivered_once_and_noted(sent):
    message = put()
    assert relay.drain(queue="post") == 1
    assert relay.drain(queue="post") == 0
    message.refresh_from_db()
    assert (message.state, message.attempts, len(sent)) == (State.DONE, 1, 1)
    assert list(message.tries.values_list("outcome", flat=True)) == [Attempt.Outcome.DELIVERED]


def test_the_same_effect_asked_for_twice_is_one_message_with_one_key(sent):
    assert put("same").key == put("same").key
    assert Message.objects.count() == 1


@pytest.mark.req("F32")
def test_nothing_is_sent_when_the_transaction_that_caused_it_is_rolled_back(sent):
    with pytest.raises(RuntimeError), transaction.atomic():
        operations.enqueue(topic="test.effect", identity="gone", subject="contract:C-1", payload={})
        raise RuntimeError
    assert relay.drain(queue="post") == 0
    assert not sent


def test_an_effect_outside_a_transaction_is_refused():
    with pytest.raises(RuntimeError, match="belongs to the transaction"):
        operations.enqueue(topic="test.effect", identity="x", subject="s", payload={})


@pytest.mark.req("F18")
def test_a_message_whose_worker_disappeared_comes_back_to_be_looked_up_first(sent):
    message = put()
    relay.claim(queue="post", size=1)  # a worker that dies here
    assert relay.drain(queue="post") == 0, "the lease still holds"
    expire_lease(message)
    assert relay.drain(queue="post") == 1
    assert sent == [(str(message.key), True)]
    assert list(message.tries.order_by("number").values_list("outcome", flat=True)) == [Attempt.Outcome.LOST, Attempt.Outcome.DELIVERED]


@pytest.mark.req("F17")
def test_a_worker_that_lost_its_lease_writes_nothing(sent):
    message = put()
    (slow,) = relay.claim(queue="post", size=1)
    expire_lease(message)
    (fast,) = relay.claim(queue="post", size=1)
    relay.deliver(fast)
    noted = []
    with pytest.raises(relay.LeaseLost):
        slow.checkpoint(lambda: noted.append("late"))
    relay.deliver(slow)
    message.refresh_from_db()
    assert not noted
    assert (message.state, message.attempts) == (State.DONE, 2)


def test_messages_of_one_subject_keep_their_order_and_others_do_not_wait(sent, monkeypatch):
    def refuse(delivery):
        raise handlers.Refused("account archived")

    monkeypatch.setitem(handlers._handlers, "test.refused", refuse)
    put("first", topic="test.refused", subject="contract:A")
    behind, other = put("second", subject="contract:A"), put("third", subject="contract:B")
    relay.drain(queue="post")
    behind.refresh_from_db(), other.refresh_from_db()
    assert behind.state == State.QUEUED, "parked in front of it: that contract waits for a person"
    assert other.state == State.DONE


@pytest.mark.req("F36")
def test_a_refusal_is_parked_after_one_try_with_the_words_of_the_other_side(sent, monkeypatch):
    def refuse(delivery):
        raise handlers.Refused("The contact is archived.")

    monkeypatch.setitem(handlers._handlers, "test.refused", refuse)
    message = put(topic="test.refused")
    relay.drain(queue="post")
    relay.drain(queue="post")
    message.refresh_from_db()
    assert (message.state, message.attempts, message.last_words) == (State.PARKED, 1, "The contact is archived.")


@pytest.mark.req("F34")
def test_asked_to_wait_it_waits_as_long_as_the_other_side_said(monkeypatch):
    def busy(delivery):
        raise handlers.TryLater("Too many requests.", after=120)

    monkeypatch.setitem(handlers._handlers, "test.busy", busy)
    message = put(topic="test.busy")
    relay.drain(queue="post")
    message.refresh_from_db()
    wait = (message.available_at - timezone.now()).total_seconds()
    assert message.state == State.QUEUED
    assert 110 < wait <= 120


@pytest.mark.req("F33")
def test_no_answer_makes_it_unknown_and_the_next_try_looks_first(sent, monkeypatch, settings):
    settings.OUTBOX_LOOKUP_SECONDS = [0]
    tries = []

    def silent_once(delivery):
        tries.append(delivery.look_first)
        if len(tries) == 1:
            raise handlers.NoAnswer("The line went dead.")
        return lambda: None

    monkeypatch.setitem(handlers._handlers, "test.silent", silent_once)
    message = put(topic="test.silent")
    relay.drain(queue="post")
    message.refresh_from_db()
    assert tries == [False, True]
    assert message.state == State.DONE


@pytest.mark.req("F28")
def test_a_handler_that_always_fails_is_parked_for_a_person_in_the_end(monkeypatch, settings):
    settings.OUTBOX_LOOKUP_SECONDS = [0]

    def broken(delivery):
        raise ZeroDivisionError

    monkeypatch.setitem(handlers._handlers, "test.broken", broken)
    message = put(topic="test.broken")
    relay.drain(queue="post")
    message.refresh_from_db()
    assert (message.state, message.attempts) == (State.PARKED, relay.MAX_UNKNOWN)


@pytest.mark.req("F27")
def test_a_topic_of_a_newer_release_is_left_for_a_newer_worker():
    message = put(topic="test.from_the_future")
    relay.drain(queue="post")
    message.refresh_from_db()
    assert message.state == State.QUEUED


@pytest.mark.req("F17")
def test_many_workers_at_once_deliver_each_message_once(sent):
    for n in range(40):
        put(str(n), subject=f"contract:{n % 8}")
    drain_by_threads(workers=6)
    assert len(sent) == 40
    assert len({key for key, _ in sent}) == 40


def test_without_skip_locked_and_leases_the_same_race_delivers_twice(sent, monkeypatch):
    """Negative control: the harness can see a double delivery."""
    message = put()
    together = threading.Barrier(2)

    def claim_without_lock(*, queue, size, after=None):
        if Message.objects.get(pk=message.pk).state == State.DONE:
            return []
        together.wait(5)
        return [relay.Delivery(message, uuid.uuid4(), look_first=False)]

    monkeypatch.setattr(relay, "claim", claim_without_lock)
    drain_by_threads(workers=2, limit=1)
    assert len(sent) == 2


def drain_by_threads(*, workers, limit=1000):
    def run():
        try:
            relay.drain(queue="post", limit=limit)
        finally:
            connection.close()

    threads = [threading.Thread(target=run) for _ in range(workers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)


@pytest.mark.req("F98")
def test_the_key_and_the_body_of_a_message_cannot_be_altered_even_by_sql():
    message = put()
    with pytest.raises(ProgrammingError, match="Cannot update"), transaction.atomic():
        Message.objects.filter(pk=message.pk).update(key=uuid.uuid4())
    with pytest.raises(ProgrammingError, match="Cannot delete"), transaction.atomic():
        Message.objects.filter(pk=message.pk).delete()


ENQUEUE = """
import django; django.setup()
from django.db import transaction
from dealops.outbox import operations
with transaction.atomic():
    operations.enqueue(topic="test.effect", identity="no bell", subject="contract:C-1", payload={})
"""


@pytest.mark.req("F23")
def test_a_broker_that_is_down_does_not_fail_the_change(sent):
    url = urlsplit(os.environ["DATABASE_URL"])._replace(path="/" + connection.settings_dict["NAME"]).geturl()
    environment = {
        **os.environ,
        "DATABASE_URL": url,
        "REDIS_URL": "unix:///nowhere/valkey.sock",
        "DJANGO_SETTINGS_MODULE": "dealops.settings",
    }
    done = subprocess.run(
        [sys.executable, "-c", ENQUEUE], env=environment, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "did not ring" in done.stderr
    assert relay.drain(queue="post") == 1
    assert Message.objects.get().state == State.DONE
