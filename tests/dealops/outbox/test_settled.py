"""Settled otherwise: a person answers for a parked message, it is never sent, and what waits behind it goes on."""

import uuid
from datetime import timedelta

import pytest
from django.db import Error, connection, transaction
from django.utils import timezone

from dealops.accounts.models import Role, User
from dealops.audit.models import Entry
from dealops.outbox import handlers, operations, relay
from dealops.outbox.models import Message, State

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.req("F36")]
REASON = "Entered by hand in accounting as 4711"


@pytest.fixture
def sent(monkeypatch):
    """What reached the other side, by identity and whether it was looked up first."""
    calls = []

    def deliver(delivery):
        calls.append((delivery.message.payload["id"], delivery.look_first))
        return lambda: None

    monkeypatch.setitem(handlers._handlers, "test.effect", deliver)
    return calls


@pytest.fixture
def frank(db):
    return User.objects.create_user("frank@settled.example", "not-for-anyone", name="Frank Finch", role=Role.FINANCE)


def put(identity, queue="post"):
    with transaction.atomic():
        facts = {"topic": "test.effect", "identity": identity, "subject": "contract:C-1", "queue": queue}
        return operations.enqueue(**facts, payload={"id": identity})


def parked(identity, *, tried=True):
    """Walks the legal way to parked, with a refused try behind it or none."""
    message = put(identity)
    if tried:
        until = timezone.now() + timedelta(minutes=1)
        Message.objects.filter(pk=message.pk).update(state="sending", lease_token=uuid.uuid4(), lease_until=until, attempts=1)
        Message.objects.filter(pk=message.pk).update(state="parked", lease_token=None, lease_until=None, last_words="Voided there.")
    else:
        operations.park(message_id=message.pk, reason="Wait for the customer")
    message.refresh_from_db()
    return message


def settle(message, by):
    about = {"what": "INV-7", "subjects": ["document:INV-7"], "chain": "main"}
    return operations.settle(message_id=message.pk, reason=REASON, by=by, at=timezone.now(), **about)


def take_up(message, by):
    return operations.take_up(message_id=message.pk, what="INV-7", subjects=[], chain="main", by=by, at=timezone.now())


def test_what_is_behind_a_settled_message_goes_on_and_it_is_never_sent_itself(sent, frank):
    first = parked("first")
    put("second")
    assert relay.drain(queue="post") == 0
    settled = settle(first, frank)
    assert (settled.state, settled.settled_by, settled.settled_reason) == (State.SETTLED, frank, REASON)
    assert settled.done_at is None, "it does not count as delivered"
    relay.drain(queue="post")
    assert sent == [("second", False)]
    entry = Entry.objects.get(action="outbox.settled")
    assert (entry.actor, entry.reason) == (frank, REASON) and {"contract:C-1", "document:INV-7"} <= set(entry.subjects)


def test_only_what_needs_a_person_can_be_settled_and_a_settled_message_cannot_be_retried(frank):
    waiting = put("waiting")
    with pytest.raises(operations.NotWaiting, match="Park it first"):
        settle(waiting, frank)
    operations.park(message_id=waiting.pk, reason="Wait for it")
    settle(waiting, frank)
    for act in (operations.retry, lambda **facts: operations.park(**facts, reason="again")):
        with pytest.raises(operations.NotWaiting, match="settled otherwise"):
            act(message_id=waiting.pk)


@pytest.mark.parametrize("tried", [True, False], ids=["tried_before", "never_tried"])
def test_a_settled_message_is_sent_after_all_and_looked_up_first_when_it_was_tried(sent, frank, tried):
    message = parked("back", tried=tried)
    settle(message, frank)
    back = take_up(message, frank)
    assert (back.state, back.settled_by, back.settled_at, back.settled_reason) == ("unknown" if tried else "queued", None, None, "")
    relay.drain(queue="post")
    assert sent == [("back", tried)]
    entry = Entry.objects.get(action="outbox.taken_up")
    assert entry.actor == frank and REASON in str(entry.before), "the log keeps what had been decided"
    with pytest.raises(operations.NotWaiting, match="not settled otherwise"):
        take_up(message, frank)


def test_a_message_is_not_taken_up_beside_a_later_one_that_is_being_sent(frank):
    message = parked("first")
    put("second")
    settle(message, frank)
    (delivery,) = relay.claim(queue="post", size=5)
    with pytest.raises(operations.NotWaiting, match="being sent this moment"):
        take_up(message, frank)
    assert delivery.message.payload["id"] == "second"


@pytest.mark.parametrize(
    "assignments",
    [
        "state = 'settled'",
        "state = 'settled', settled_at = now(), settled_reason = 'because'",
        "state = 'settled', settled_at = now(), settled_by_id = %(by)s",
        "state = 'settled', settled_by_id = %(by)s, settled_reason = 'because'",
        "state = 'settled', settled_at = now(), settled_by_id = %(by)s, settled_reason = 'because', done_at = now()",
        "settled_at = now(), settled_by_id = %(by)s, settled_reason = 'because'",
        "state = 'done', done_at = now()",
    ],
    ids=["bare", "nobody", "no_reason", "no_moment", "delivered_as_well", "still_parked", "done_without_sending"],
)
def test_the_database_knows_no_settled_message_without_somebody_a_moment_and_a_reason(frank, assignments):
    message = parked("raw")
    with pytest.raises(Error), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"UPDATE outbox_message SET {assignments} WHERE id = %(id)s", {"id": message.pk, "by": frank.pk})
    message.refresh_from_db()
    assert message.state == State.PARKED


@pytest.mark.parametrize("state", ["done", "sending", "parked"])
def test_the_database_lets_a_settled_message_become_nothing_but_one_that_is_sent_again(frank, state):
    message = settle(parked("raw"), frank)
    lease = ", lease_token = gen_random_uuid(), lease_until = now()" if state == "sending" else ""
    cleared = f"UPDATE outbox_message SET settled_by_id = NULL, settled_at = NULL, state = '{state}'{lease} WHERE id = %s"
    with pytest.raises(Error, match="Invalid transition"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(cleared, [message.pk])


@pytest.mark.parametrize("state", ["queued", "unknown", "sending", "done"])
def test_the_database_lets_only_what_is_parked_be_settled(frank, state):
    message = put("raw")
    if state != "queued":
        leased = {"lease_token": uuid.uuid4(), "lease_until": timezone.now(), "attempts": 1}
        Message.objects.filter(pk=message.pk).update(state="sending", **leased)
    if state in ("unknown", "done"):
        Message.objects.filter(pk=message.pk).update(state=state, lease_token=None, lease_until=None)
    facts = {"state": "settled", "settled_by": frank, "settled_at": timezone.now(), "settled_reason": REASON, "lease_token": None}
    with pytest.raises(Error, match="Invalid transition"), transaction.atomic():
        Message.objects.filter(pk=message.pk).update(**facts)
