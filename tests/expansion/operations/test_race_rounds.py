"""Round after round of people at the same moment: one effect each, one end each, no deadlock shown to anybody (F01, F02, F09, G02, G03).

The negative control, which shows that the locks are what does it, is in test_races.py.
"""

import random
import threading
from decimal import Decimal

import pytest
from django.db import OperationalError, connection

from billing.domain.refusal import Refusal
from billing.models import Document
from dealops.accounts.models import Role, User
from dealops.outbox.models import Message
from expansion.domain.workflow import WrongState
from expansion.models import ApprovalRule, Change, Decision
from expansion.operations import changes, reversal
from tests.books import assert_books_hold
from tests.expansion.more_deals import another_deal
from tests.worlds import STORY_DAY, seed_world

pytestmark = [pytest.mark.django_db(transaction=True)]
PATIENCE = 280
# The server of the tests allows a hundred connections; more people than that wait for one, as behind any pool.
AT_A_TIME = threading.Semaphore(60)
# So many rounds on one contract, then the next: what a thousand applied and reversed changes leave on one takes minutes to compute.
A_CONTRACT = 25


def at_once(works):
    """Let all go at one moment; answers what each returned or raised."""
    barrier, outcomes = threading.Barrier(len(works)), [None] * len(works)

    def run(place, work):
        barrier.wait(PATIENCE)
        with AT_A_TIME:
            try:
                outcomes[place] = work()
            except (Refusal, WrongState, OperationalError) as error:
                outcomes[place] = error
            finally:
                connection.close()

    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(works)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    assert not any(thread.is_alive() for thread in threads)
    return outcomes


def approvers(count, limit=Decimal(10**9)):
    people = [User(email=f"a{n}@demo.example", name=f"Approver {n}", role=Role.FINANCE, approval_limit=limit) for n in range(count)]
    return User.objects.bulk_create(people)


def submitted(world, quantity, treatment=""):
    line = world.contract.lines.earliest("pk")
    intents = [{"action": "quantity", "key": str(line.key), "quantity": str(quantity)}]
    change = changes.draft(deal=world.deal, intents=intents, effective=STORY_DAY, treatment=treatment, by=world.ae, now=world.now)
    return changes.submit(change_id=change.pk, version=1, shown_hash=change.content_hash, by=world.ae, now=world.now)


def approving(world, change, by):
    return lambda: changes.approve(change_id=change.pk, version=change.version, shown_hash=change.content_hash, by=by, now=world.now)


def busy(outcome):
    return isinstance(outcome, OperationalError) and getattr(outcome.__cause__, "sqlstate", "") == "55P03"


def rounds_of(*sizes):
    small, large = sizes
    return pytest.mark.parametrize("size", [small, pytest.param(large, marks=[pytest.mark.proof, pytest.mark.timeout(3600)])], ids=str)


@pytest.mark.req("F01", "G02")
@rounds_of((12, 2), (200, 50))
def test_however_many_approve_at_once_there_is_one_effect(db, size, record_property):
    count, rounds = size
    world, people = seed_world(), approvers(count)
    for turn in range(rounds):
        change = submitted(world, 25 + turn)
        outcomes = at_once([approving(world, change, by) for by in people])
        (_winner,) = [outcome for outcome in outcomes if isinstance(outcome, Change)]
        for outcome in outcomes:
            assert isinstance(outcome, Change) or busy(outcome) or outcome.code == "already_decided", outcome
        assert Decision.objects.filter(change=change).count() == 1
        document = Document.objects.get(reference=change.number)
        assert Message.objects.filter(topic="accounting.document", posting__document=document).count() == 1
    record_property("cases", count * rounds)
    assert_books_hold("M11", "M17", "M18", "M19")


@pytest.mark.req("F02", "F08", "F16", "G03")
@rounds_of(4, 1000)
def test_whatever_meets_at_once_ends_in_one_state(db, size, record_property):
    world, people, dice = seed_world(), approvers(3), random.Random(size)
    ApprovalRule.objects.create(name="Two people", approvers=2, amount_from=200, currency="GBP")
    for turn in range(size):
        if turn and turn % A_CONTRACT == 0:
            world = another_deal(world, 3000 + turn, f"Race {turn}")
        change = submitted(world, 21 + turn % 7 if turn % 2 else 30)
        told = {"change_id": change.pk, "version": 1, "now": world.now}
        line = str(world.contract.lines.earliest("pk").key)
        edit = {"intents": [{"action": "quantity", "key": line, "quantity": "99"}], "effective": STORY_DAY, "by": world.ae}
        works = [
            approving(world, change, people[0]),
            approving(world, change, people[1]),
            lambda told=told: changes.reject(**told, reason="Not agreed with us", by=people[2]),
            lambda told=told, by=world.ae: changes.recall(**told, by=by),
            lambda told=told, edit=edit: changes.edit(**told, **edit),
        ]
        chosen = dice.sample(works, dice.choice((2, 3, 5)))
        outcomes = at_once(chosen)
        change.refresh_from_db()
        final = Decision.objects.filter(change=change, is_final=True)
        assert final.count() <= 1
        ends = {"applied": "approve", "rejected": "reject"}
        assert (final.get().kind if final else None) == ends.get(change.state), (change.state, outcomes)
        assert Document.objects.filter(reference=change.number).count() == (change.state == "applied")
        if change.state == "submitted":
            changes.recall(change_id=change.pk, version=1, by=world.ae, now=world.now)
            change.refresh_from_db()
        if change.state == "draft":
            changes.discard(change_id=change.pk, version=change.version, by=world.ae, now=world.now)
        elif change.state == "applied":
            _take_back(world, change, people)
    record_property("cases", size)
    assert_books_hold("M11", "M17", "M18", "M19", "M20")


def _take_back(world, change, people):
    """Two take the change back at once: one reversal, which is approved, so that the next round starts from the same terms."""
    both = [lambda by=by: reversal.reverse(change_id=change.pk, reason="Race round", by=by, now=world.now) for by in (world.ae, world.csm)]
    done = [outcome for outcome in at_once(both) if isinstance(outcome, Change)]
    assert len(done) == 1
    back = done[0]
    for by in people:
        if back.state == "submitted":
            back = approving(world, back, by)()
    assert back.state == "applied"


@pytest.mark.req("F06", "F09")
@rounds_of((6, 3), (32, 60))
def test_many_contracts_decided_in_any_order_meet_no_deadlock(db, size, record_property):
    threads, rounds = size
    world = seed_world()
    worlds = [world, another_deal(world, 2001, "Alder Freight"), another_deal(world, 2002, "Birch Haulage")]
    people = approvers(threads)
    for turn in range(rounds):
        waiting = [submitted(one, 25 + turn) for one in worlds]

        def work(by, order, waiting=waiting):
            lost = []
            for change in order:
                try:
                    approving(world, change, by)()
                except Refusal as refusal:
                    lost.append(refusal.code)
            return lost

        dice = random.Random(turn)
        orders = [dice.sample(waiting, 3) for _ in people]
        outcomes = at_once([lambda by=by, order=order: work(by, order) for by, order in zip(people, orders, strict=True)])
        deadlocks = [one for one in outcomes if isinstance(one, OperationalError) and not busy(one)]
        assert not deadlocks
        assert sum(Decision.objects.filter(change=change).count() for change in waiting) == 3
    record_property("cases", threads * rounds * 3)
