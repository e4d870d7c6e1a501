"""Several messages in one call: which go together, and that each is noted as if it had gone alone."""

from datetime import timedelta

import pytest
from celery.exceptions import SoftTimeLimitExceeded
from django.db import connection, transaction
from django.db.models.functions import Now

from dealops.outbox import gates, handlers, operations, relay
from dealops.outbox.models import Attempt, Message, State

pytestmark = pytest.mark.django_db(transaction=True)

MOST = 5
TOPIC = "test.several"


@pytest.fixture(autouse=True)
def at_once(settings):
    settings.OUTBOX_LOOKUP_SECONDS = [0]


@pytest.fixture
def calls(monkeypatch):
    """The calls that were made, each as the identities in it; `calls.fates` says what becomes of one, `calls.spoiled` what of a call."""

    class Calls(list):
        fates, spoiled = {}, None

    made = Calls()

    def several(deliveries):
        made.append([delivery.message.payload["id"] for delivery in deliveries])
        if made.spoiled is not None:
            raise made.spoiled
        return {delivery.message.pk: made.fates.get(delivery.message.payload["id"], _nothing) for delivery in deliveries}

    def alone(delivery):
        made.append([delivery.message.payload["id"]])
        fate = made.fates.get(delivery.message.payload["id"], _nothing)
        if isinstance(fate, BaseException):
            raise fate
        return fate

    monkeypatch.setitem(handlers._handlers, TOPIC, alone)
    monkeypatch.setitem(handlers._together, TOPIC, handlers.Together(most=lambda message: MOST, deliver=several))
    return made


def _nothing():
    """What to note about an effect that needs no note."""


def put(number, *, subject=None, together="uk", topic=TOPIC, queue="bulk"):
    with transaction.atomic():
        return operations.enqueue(
            topic=topic,
            identity=str(number),
            subject=subject or f"contract:C-{number}",
            payload={"id": number, **({"together": together} if together else {})},
            queue=queue,
        )


def states():
    return {message.payload["id"]: message.state for message in Message.objects.order_by("id")}


def test_as_many_go_in_one_call_as_it_may_carry_and_each_is_noted(calls):
    for number in range(12):
        put(number)
    assert relay.drain(queue="bulk") == 12
    assert calls == [[0, 1, 2, 3, 4], [5, 6, 7, 8, 9], [10, 11]]
    assert set(states().values()) == {State.DONE}
    assert Attempt.objects.filter(outcome=Attempt.Outcome.DELIVERED).count() == 12


def test_only_messages_for_the_same_place_and_of_the_same_topic_and_queue_go_together(calls, monkeypatch):
    monkeypatch.setitem(handlers._handlers, "test.other", handlers._handlers[TOPIC])
    put(0), put(1, together="us"), put(2), put(3, topic="test.other"), put(4, together=None), put(5, together="us"), put(6, queue="post")
    while relay.drain(queue="bulk"):
        pass
    assert sorted(calls) == [[0, 2], [1, 5], [3], [4]]


def test_a_limit_holds_for_what_goes_together_as_well(calls):
    for number in range(5):
        put(number)
    assert relay.drain(queue="bulk", limit=3) == 3
    assert calls == [[0, 1, 2]]


def test_where_nobody_can_say_how_many_go_together_each_goes_alone(calls, monkeypatch):
    monkeypatch.setitem(handlers._together, TOPIC, handlers.Together(most=lambda message: 1 // 0, deliver=lambda deliveries: {}))
    put(0), put(1)
    assert relay.drain(queue="bulk") == 2
    assert calls == [[0], [1]]


@pytest.mark.req("G01")
def test_messages_of_one_contract_keep_their_order_over_calls(calls):
    for number in range(9):
        put(number, subject=f"contract:{number % 3}")
    while relay.drain(queue="bulk"):
        pass
    assert calls == [[0, 1, 2], [3, 4, 5], [6, 7, 8]]


@pytest.mark.req("F37", "F36", "F33", "F34")
def test_each_message_of_a_call_has_a_fate_of_its_own(calls):
    noted = []
    calls.fates = {
        0: lambda: noted.append(0),
        1: handlers.Refused("The contact is archived."),
        2: handlers.NoAnswer("Nothing was said about it."),
        3: handlers.TryLater("Busy.", after=90),
        4: ZeroDivisionError(),
    }
    for number in range(5):
        put(number)
    relay.drain(queue="bulk", limit=5)
    assert states() == {0: State.DONE, 1: State.PARKED, 2: State.UNKNOWN, 3: State.QUEUED, 4: State.UNKNOWN}
    assert noted == [0]
    words = dict(Message.objects.values_list("payload__id", "last_words"))
    assert words[1] == "The contact is archived." and words[4] == "Internal error while delivering: ZeroDivisionError"


@pytest.mark.req("F37")
def test_a_message_that_the_answer_is_silent_about_is_uncertain(calls, monkeypatch):
    silent = handlers.Together(most=lambda message: MOST, deliver=lambda deliveries: {deliveries[0].message.pk: _nothing})
    monkeypatch.setitem(handlers._together, TOPIC, silent)
    put(0), put(1)
    relay.drain(queue="bulk", limit=2)
    assert states() == {0: State.DONE, 1: State.UNKNOWN}


@pytest.mark.req("F33")
@pytest.mark.parametrize(
    ("spoiled", "state"),
    [(handlers.NoAnswer("silence"), "unknown"), (handlers.TryLater("busy", after=60), "queued"), (ValueError(), "unknown")],
)
def test_what_spoils_the_call_is_the_fate_of_all(calls, spoiled, state):
    calls.spoiled = spoiled
    for number in range(3):
        put(number)
    relay.drain(queue="bulk", limit=3)
    assert set(states().values()) == {state}


@pytest.mark.req("F28", "F36")
def test_one_that_spoils_every_call_is_found_out_by_going_alone_and_the_others_are_delivered(calls, monkeypatch):
    """No call with it is ever answered; alone it is refused."""

    def several(deliveries):
        calls.append([delivery.message.payload["id"] for delivery in deliveries])
        if 2 in calls[-1]:
            raise handlers.NoAnswer("500")
        return {delivery.message.pk: _nothing for delivery in deliveries}

    monkeypatch.setitem(handlers._together, TOPIC, handlers.Together(most=lambda message: MOST, deliver=several))
    calls.fates = {2: handlers.Refused("It breaks us.")}
    for number in range(5):
        put(number)
    while relay.drain(queue="bulk"):
        Message.objects.filter(state__in=["queued", "unknown"]).update(available_at=Now())
    assert states() == {0: State.DONE, 1: State.DONE, 2: State.PARKED, 3: State.DONE, 4: State.DONE}
    assert calls[: relay.ALONE_AFTER] == [[0, 1, 2, 3, 4]] * relay.ALONE_AFTER
    assert all(len(call) == 1 for call in calls[relay.ALONE_AFTER :])


@pytest.mark.req("F18", "F28")
def test_after_a_workers_death_each_goes_alone_and_is_looked_up_first(calls):
    for number in range(3):
        put(number)
    first = relay.claim(queue="bulk", size=1)
    assert len(relay.company(first[0], most=100)) == 2  # and the worker dies
    assert relay.drain(queue="bulk") == 0, "their leases still hold"
    Message.objects.update(lease_until=Now() - timedelta(seconds=1))
    relay.drain(queue="bulk")
    assert calls == [[0], [1], [2]]
    assert Attempt.objects.filter(outcome=Attempt.Outcome.LOST).count() == 3


@pytest.mark.req("F17")
def test_of_a_call_whose_leases_were_partly_taken_over_only_the_rest_is_noted(calls):
    for number in range(3):
        put(number)
    batch = relay.claim(queue="bulk", size=1)
    batch += relay.company(batch[0], most=100)
    Message.objects.filter(payload__id=1).update(lease_until=Now() - timedelta(seconds=1))
    (owner,) = relay.claim(queue="bulk", size=1)
    relay.deliver_together(batch)
    assert states() == {0: State.DONE, 1: State.SENDING, 2: State.DONE}
    assert Message.objects.get(payload__id=1).lease_token == owner.token


@pytest.mark.req("F34")
def test_those_of_one_call_come_back_together(calls):
    calls.spoiled = handlers.TryLater("Connection refused")
    for number in range(5):
        put(number)
    relay.drain(queue="bulk", limit=5)
    first, last = (Message.objects.order_by(order).first().available_at for order in ("available_at", "-available_at"))
    assert last - first < timedelta(seconds=0.3), "so that the next call carries them all again"


@pytest.mark.req("F29")
def test_the_handler_of_many_works_on_the_bulk_queues_share_of_the_gate(calls, monkeypatch):
    seen = []
    queue = lambda deliveries: seen.append(gates.queue_in_hand.get()) or {one.message.pk: _nothing for one in deliveries}  # noqa: E731
    monkeypatch.setitem(handlers._together, TOPIC, handlers.Together(most=lambda message: MOST, deliver=queue))
    put(0), put(1)
    relay.drain(queue="bulk")
    assert seen == ["bulk"] and gates.queue_in_hand.get() == "post"


# --- claims go on where the last one ended --------------------------------------------------------------------------------------


def test_a_claim_behind_a_place_takes_what_follows_and_nothing_before_it(calls):
    messages = [put(number, together=None) for number in range(4)]
    place = (messages[1].available_at, messages[1].pk)
    assert [one.message.pk for one in relay.claim(queue="bulk", size=9, after=place)] == [messages[2].pk, messages[3].pk]


def test_what_came_to_be_due_behind_the_worker_is_found_before_it_rests(calls):
    """The second message of a contract lies before those of the others, and waits until the first is done."""
    for number in range(3):
        put(number, subject="contract:C-1", together=None)
    put(3, together=None)
    assert relay.drain(queue="bulk") == 4
    assert set(states().values()) == {State.DONE}


def test_a_claim_in_the_middle_of_a_backlog_starts_there_in_the_index(calls):
    message = put(0)
    with connection.cursor() as cursor:
        cursor.execute("SET enable_seqscan = off")
        try:
            facts = {"queue": "bulk", "size": 1, "at": message.available_at, "id": message.pk}
            cursor.execute(f"EXPLAIN {relay._due(relay.BEHIND)}", facts)
            plan = "\n".join(row[0] for row in cursor.fetchall())
        finally:
            cursor.execute("RESET enable_seqscan")
    condition = next(line for line in plan.splitlines() if "Index Cond" in line and "queue" in line)
    assert "ROW(available_at, id) >" in condition, plan


@pytest.mark.req("F30")
@pytest.mark.parametrize(("before", "outcome"), [(State.QUEUED, State.QUEUED), (State.UNKNOWN, State.UNKNOWN)])
def test_a_worker_whose_time_is_up_while_it_looks_for_company_gives_the_message_back_and_stops(calls, monkeypatch, before, outcome):
    def too_late(message):
        raise SoftTimeLimitExceeded

    together = handlers._together[TOPIC]
    monkeypatch.setitem(handlers._together, TOPIC, handlers.Together(most=too_late, deliver=together.deliver))
    first, _ = put(1), put(2)
    if before == State.UNKNOWN:
        relay.claim(queue="bulk", size=1)
        Message.objects.filter(pk=first.pk).update(state=State.UNKNOWN, lease_token=None, lease_until=None)
    with pytest.raises(SoftTimeLimitExceeded):
        relay.drain(queue="bulk")
    assert calls == [], "nothing more is taken up when the time is over"
    first.refresh_from_db()
    assert (first.state, first.lease_token, first.doubts) == (outcome, None, 0)
    assert states()[2] == State.QUEUED
    last = first.tries.latest("number")
    assert (last.outcome, last.words) == (Attempt.Outcome.LATER, "The time of the worker was up before it was sent.")
    monkeypatch.setitem(handlers._together, TOPIC, together)
    assert relay.drain(queue="bulk") == 2, "the next worker has it at once, not only after the lease"
    assert set(states().values()) == {State.DONE}
