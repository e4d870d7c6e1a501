"""Guards of the outbox, each with its negative control: switched off, the test sees what it is there to prevent."""

import uuid

import pytest
from django.db import transaction

from dealops.outbox import handlers, operations, relay
from dealops.outbox.gates import queue_in_hand
from dealops.outbox.models import Message

pytestmark = pytest.mark.django_db(transaction=True)


def put(identity, *, subject="contract:C-1", queue=None):
    with transaction.atomic():
        return operations.enqueue(topic="test.guards", identity=identity, subject=subject, payload={}, queue=queue)


@pytest.mark.req("F17", "F32")
@pytest.mark.parametrize("named", [True, False], ids=["by_its_name", "by_chance"])
def test_an_effect_asked_for_twice_is_one_message_because_its_key_is_its_name(monkeypatch, named):
    if not named:
        monkeypatch.setattr(operations.uuid, "uuid5", lambda *parts: uuid.uuid4())
    put("NB|INV-1")
    put("NB|INV-1")
    assert Message.objects.count() == (1 if named else 2)


@pytest.mark.req("F29")
@pytest.mark.parametrize("forward", [True, False], ids=["brought_forward", "left_behind"])
def test_an_approval_never_waits_behind_the_bulk_work_of_others(monkeypatch, forward):
    """What its own contract has in the bulk queue goes first, so that leaves the queue with it; the ten thousand others stay."""
    if not forward:
        monkeypatch.setattr(operations, "_bring_forward", lambda subject, queue: None)
    for number in range(50):
        put(f"bill run {number}", subject=f"contract:C-{number}", queue="bulk")
    urgent = put("approved", subject="contract:C-7")
    first = relay.claim(queue="post", size=1)
    if not forward:
        assert not first, "its contract's bulk message is before it, and nobody of this queue takes that"
        return
    assert [delivery.message.subject for delivery in first] == [urgent.subject]
    assert first[0].message.pk < urgent.pk
    assert Message.objects.filter(queue="bulk").count() == 49


@pytest.mark.req("F29")
@pytest.mark.parametrize(("cause", "queue"), [("bulk", "bulk"), ("post", "post"), ("notify", "post")])
def test_what_bulk_work_causes_is_bulk_work_and_what_a_person_causes_is_not(monkeypatch, cause, queue):
    monkeypatch.setitem(handlers._handlers, "test.cause", lambda delivery: lambda: put("effect", subject="contract:C-2"))
    with transaction.atomic():
        operations.enqueue(topic="test.cause", identity="cause", subject="job:1", payload={}, queue=cause)
    assert relay.drain(queue=cause, limit=1) == 1
    assert Message.objects.get(subject="contract:C-2").queue == queue
    assert queue_in_hand.get() == "post", "what comes after it in this worker is not its work"


@pytest.mark.req("F29")
@pytest.mark.parametrize("gives_way", ["post", None], ids=["giving_way", "not_giving_way"])
def test_a_worker_at_bulk_work_gives_way_as_soon_as_an_approval_is_due(monkeypatch, gives_way):
    """With its negative control: both workers of a small installation may be at bulk work when somebody approves."""
    monkeypatch.setitem(handlers._handlers, "test.guards", lambda delivery: lambda: None)
    for number in range(20):
        put(f"bill run {number}", subject=f"contract:C-{number}", queue="bulk")
    put("approved", subject="contract:C-99")
    assert relay.drain(queue="bulk", gives_way_to=gives_way) == (1 if gives_way else 20)
