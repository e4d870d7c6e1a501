"""The gate in front of a system with limits: one allowance for all workers, shut together, held by a person."""

import threading
import time
from datetime import timedelta

import pytest
from django.db import connection
from django.db.models.functions import Now
from django.utils import timezone

from dealops.outbox import gates
from dealops.outbox.gates import Limits, Shut, enter, queue_in_hand
from dealops.outbox.models import Gate

pytestmark = pytest.mark.django_db(transaction=True)

GATE = "accounting:test"
QUICK = Limits(per_minute=1210, per_day=5000)  # ten at once, then one each 50 ms


@pytest.fixture(autouse=True)
def people_wait():
    token = queue_in_hand.set("post")
    yield
    queue_in_hand.reset(token)


def calls_within(seconds, workers):
    """When each of `workers` that call as fast as they may got through."""
    moments, end = [], time.monotonic() + seconds

    def work():
        try:
            while time.monotonic() < end:
                enter(GATE, limits=QUICK, writes=True)
                moments.append(time.monotonic())
        except Shut:
            pass
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _ in range(workers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sorted(moments)


@pytest.mark.req("F34")
def test_five_workers_together_never_make_more_calls_than_one_may():
    moments = calls_within(2, workers=5)
    assert len(moments) > 20
    busiest = max(sum(1 for other in moments if start <= other < start + 1) for start in moments)
    assert busiest <= 10 + 20 + 2, f"{busiest} calls within a second"


def test_without_a_shared_allowance_they_do(monkeypatch):
    """Negative control of the test above: each worker counts for itself."""
    shared = gates.enter
    monkeypatch.setitem(globals(), "enter", lambda name, **more: shared(f"{name} {threading.get_ident()}", **more))
    moments = calls_within(2, workers=5)
    assert max(sum(1 for other in moments if start <= other < start + 1) for start in moments) > 32


@pytest.mark.req("F29", "F34")
def test_bulk_work_leaves_half_of_the_burst_to_people_and_gets_places_one_behind_the_other():
    slow = Limits(per_minute=16, per_day=0, burst=10)
    queue_in_hand.set("bulk")
    for _ in range(5):
        enter(GATE, limits=slow, writes=True)
    waits = []
    for _ in range(2):
        with pytest.raises(Shut) as shut:
            enter(GATE, limits=slow, writes=True)
        waits.append(shut.value.after)
    assert waits[1] - waits[0] == pytest.approx(slow.seconds_each * gates.CALLS_OF_A_MESSAGE, abs=1)
    queue_in_hand.set("post")
    for _ in range(5):
        enter(GATE, limits=slow, writes=True)


@pytest.mark.req("F34")
def test_asked_to_wait_nobody_calls_before_that():
    enter(GATE, limits=None, writes=False)
    gates.asked_to_wait(GATE, seconds=40, words="Too many requests")
    with pytest.raises(Shut, match="Too many requests") as shut:
        enter(GATE, limits=None, writes=False)
    assert 35 < shut.value.after <= 40
    Gate.objects.update(shut_until=Now() - timedelta(seconds=1))
    enter(GATE, limits=None, writes=False)


@pytest.mark.req("F34")
def test_the_allowance_of_a_day_ends_at_midnight():
    limits = Limits(per_minute=60, per_day=2)
    for _ in range(2):
        enter(GATE, limits=limits, writes=False)
    with pytest.raises(Shut, match="allowance of 2 calls for today"):
        enter(GATE, limits=limits, writes=False)
    Gate.objects.update(day=timezone.now().date() - timedelta(days=1))
    enter(GATE, limits=limits, writes=False)
    assert Gate.objects.get().used == 1


@pytest.mark.req("F35")
def test_ten_unanswered_calls_shut_the_gate_longer_each_time_and_one_answer_opens_it():
    enter(GATE, limits=None, writes=False)
    for _ in range(gates.FAILURES - 1):
        gates.not_answered(GATE, words="Connection refused")
    enter(GATE, limits=None, writes=False)
    waits = []
    for _ in range(2):
        gates.not_answered(GATE, words="Connection refused")
        with pytest.raises(Shut, match="calls in a row were not answered") as shut:
            enter(GATE, limits=None, writes=False)
        waits.append(shut.value.after)
    assert waits[1] > 1.5 * waits[0]
    gates.answered(GATE)
    enter(GATE, limits=None, writes=False)


@pytest.mark.req("F44", "F109")
def test_held_by_a_person_nothing_is_written_but_reading_goes_on():
    gates.hold(GATE, reason="Restored from a backup.", at=timezone.now())
    enter(GATE, limits=None, writes=False)
    with pytest.raises(Shut, match="Restored from a backup"):
        enter(GATE, limits=None, writes=True)
    gates.release(GATE)
    enter(GATE, limits=None, writes=True)
