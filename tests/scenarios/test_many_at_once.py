"""Many postings, several workers, accounting that fails at random and workers that are killed at random: both ledgers agree in the end."""

import json
import os
import random
import signal
import threading
import time
from dataclasses import dataclass, field
from datetime import date
from functools import partial

import pytest
from django.db.models import Count
from django.db.models.functions import Now

from billing.adapters.accounting.ledgerly.faults import Fault
from billing.models import Document
from dealops.outbox import operations, relay
from dealops.outbox.models import Attempt, Message, State
from tests.scenarios.portfolio import (
    bill_months,
    documents_here,
    documents_there,
    out_of_order,
    posted_out_of_order,
    reseat,
    sign_more,
    tell_documents,
    tell_templates,
    templates_here,
    templates_there,
)
from tests.scenarios.test_template_replacement import POINTS as TEMPLATE_POINTS
from tests.scenarios.test_worker_killed import POINTS as DOCUMENT_POINTS
from tests.scenarios.workers import deliver_everything, fork, movable
from tests.worlds import seed_world

pytestmark = pytest.mark.django_db(transaction=True)

# Of 100 writes: the shares of G01, and what else is known to happen. Of 100 questions: a few.
WRITES = {
    "drop_after_commit": 30,
    "500_after_commit": 10,
    "429": 10,
    "malformed_json": 5,
    "drop_before": 3,
    "500_before": 2,
    "truncate_body": 2,
    "maintenance": 2,
    "forget_keys": 2,
}
READS = {"429": 3, "drop_before": 2, "maintenance": 1, "malformed_json": 1}


class Moods:
    """Which fault strikes next, drawn from a seed."""

    def __init__(self, seed):
        self.dice, self.lock, self.struck = random.Random(seed), threading.Lock(), 0

    def take(self, store, method, path):
        with self.lock:
            roll = self.dice.randrange(100)
            for kind, share in (READS if method == "GET" else WRITES).items():
                roll -= share
                if roll < 0:
                    self.struck += 1
                    return Fault(kind, 1)
        return None


def work_until_nothing_moves():
    """A worker; every fifth delivery is run a second time, as by a worker that lost its lease without noticing (F17)."""
    dice = random.Random(os.getpid())
    while (batch := relay.claim(queue="post", size=1)) or movable():
        for delivery in batch:
            relay.deliver(delivery)
            if dice.random() < 0.2:
                relay.deliver(delivery)
        if not batch:
            threading.Event().wait(0.05)


@dataclass
class Chaos:
    """Keeps `size` workers running, kills one now and then, and lets the waits between tries be over soon."""

    size: int
    kills: int
    crash_file: object
    dice: random.Random
    killed: int = 0
    pids: list = field(default_factory=list)

    def run(self, turns, *, seconds):
        """Until nothing moves; meanwhile people go on working: a few `turns` at a time."""
        deadline, next_kill, turns = time.monotonic() + seconds, 0.0, list(turns)
        while turns or self.pids or movable():
            assert time.monotonic() < deadline, dict(Message.objects.values_list("state").annotate(Count("pk")).order_by())
            for turn in [turns.pop() for _ in range(min(len(turns), 3))]:
                turn()
            while len(self.pids) < self.size and (turns or movable()):
                self.pids.append(fork(work_until_nothing_moves, crash_file=self.crash_file))
            Message.objects.filter(queue="post", state__in=[State.QUEUED, State.UNKNOWN], available_at__gt=Now()).update(available_at=Now())
            if self.pids and self.killed < self.kills and time.monotonic() > next_kill:
                next_kill = time.monotonic() + self.dice.uniform(0.05, 0.6)
                self._strike()
            threading.Event().wait(0.05)
            self._reap()

    def _strike(self):
        """At any instruction, or at a named point that somebody is going to pass."""
        if self.dice.random() < 0.5:
            os.kill(self.dice.choice(self.pids), signal.SIGKILL)
        else:
            self.crash_file.write_text(self.dice.choice(DOCUMENT_POINTS + TEMPLATE_POINTS))

    def _reap(self):
        for pid in list(self.pids):
            done, status = os.waitpid(pid, os.WNOHANG)
            if done:
                self.pids.remove(pid)
                if os.WIFSIGNALED(status):
                    self.killed += 1
                else:
                    assert os.waitstatus_to_exitcode(status) == 0


def the_work(contracts, years, versions, dice):
    """The contracts, their templates queued, and what people do next in any order among contracts.

    That is: `years` of recurring invoices up to June 2026 and `versions` of the future invoice of each.
    """
    world = seed_world(owner="sales_cs", billed=False)
    deals = sign_more(world, contracts, start=date(2027 - years, 1, 1))
    for year in range(2027 - years, 2027):
        bill_months(*range(1, 13 if year < 2026 else 7), year=year)
    documents = list(Document.objects.exclude(contract__number="C-1042").order_by("issue_date"))
    turns = [partial(tell_documents, documents[at : at + 10]) for at in range(0, len(documents), 10)]
    for deal in deals:
        turns += [partial(reseat, deal, seats) for seats in dice.sample(range(21, 500), versions)]
    tell_templates(deals)
    dice.shuffle(turns)
    return deals, turns


@pytest.mark.req("F17", "F18", "F33", "F34", "F35", "F38", "F41", "F48", "G01", "G04")
@pytest.mark.parametrize(
    ("contracts", "years", "versions", "kills", "seconds"),
    [(20, 1, 2, 10, 200), pytest.param(500, 2, 2, 100, 3000, marks=[pytest.mark.proof, pytest.mark.timeout(3600)])],
    ids=["180", "10500"],
)
def test_under_random_faults_and_kills_nothing_is_lost_doubled_or_out_of_order(
    ledgerly, monkeypatch, settings, tmp_path, capsys, contracts, years, versions, kills, seconds
):
    settings.OUTBOX_LEASE_SECONDS = 2
    ledgerly.checks = contracts < 100
    dice, moods = random.Random(41), Moods(41)
    deals, turns = the_work(contracts, years, versions, dice)
    deliver_everything(seconds=seconds)
    monkeypatch.setattr("billing.adapters.accounting.ledgerly.app.take", moods.take)
    chaos = Chaos(3, kills, tmp_path / "crash", dice)
    started = time.monotonic()
    chaos.run(turns, seconds=seconds)
    parked = list(Message.objects.filter(state=State.PARKED))
    for message in parked:  # only what killed three workers in a row, or stayed uncertain eight times
        assert message.doubts >= relay.MAX_LOST, message.last_words
        operations.retry(message_id=message.pk)
    deliver_everything(seconds=seconds)
    took = time.monotonic() - started
    state = ledgerly.state()
    here, there = documents_here(), documents_there(state)
    figures = {
        "goal": "G01 G04",
        "postings": Message.objects.count(),
        "lost": len(set(here) - set(there)),
        "duplicated": len(there) - len(set(there)),
        "unknown": Message.objects.filter(queue="post").exclude(state=State.DONE).count(),
        "templates_wrong": len(set(templates_here(deals)) ^ set(templates_there(state, deals))),
        "out_of_order": len(out_of_order()) + len(posted_out_of_order(state)),
        "faults": moods.struck,
        "workers_killed": chaos.killed,
        "tries": Attempt.objects.count(),
        "writes": state["attempts"],
        "effects": state["effects"],
        "parked_on_the_way": len(parked),
        "seconds": round(took, 1),
    }
    with capsys.disabled():
        print(json.dumps(figures))
    assert here == there
    assert templates_there(state, deals) == templates_here(deals)
    assert not any(figures[name] for name in ("lost", "duplicated", "unknown", "templates_wrong", "out_of_order"))
    assert moods.struck and chaos.killed
