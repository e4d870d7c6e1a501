"""Two people at the same moment, each with a connection of their own, let go by one barrier (F01, F05)."""

import threading
import time
from contextlib import contextmanager

import pytest
from django.db import Error, connection

from billing.domain.refusal import Refusal, Stale
from billing.models import Contract, Document
from expansion.models import Change, Decision
from expansion.operations import changes, deciding, gate
from expansion.operations.composing import Sheet, Wanted, hand_in
from expansion.queries.preview import preview
from tests.worlds import STORY_DAY, seed_world

pytestmark = [pytest.mark.django_db(transaction=True)]

ROUNDS = 5
PATIENCE = 20


def at_once(*works):
    """Run the works at the same moment; answers what each returned or raised, in order."""
    barrier, outcomes = threading.Barrier(len(works)), [None] * len(works)

    def run(place, work):
        try:
            barrier.wait(PATIENCE)
            outcomes[place] = work()
        except Exception as error:
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


def somebody_waits():
    """Returns as soon as one transaction waits for another."""
    until = time.monotonic() + PATIENCE
    with connection.cursor() as cursor:
        while time.monotonic() < until:
            cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
            if cursor.fetchone()[0]:
                return
            time.sleep(0.02)
    raise AssertionError("nobody waited")


def seats(world, quantity="25"):
    """The story's intent on the line as it was signed, whatever became of it since."""
    return [{"action": "quantity", "key": str(world.contract.lines.earliest("pk").key), "quantity": quantity}]


def submitted(world):
    change = changes.draft(deal=world.deal, intents=seats(world), effective=STORY_DAY, by=world.ae, now=world.now)
    return changes.submit(change_id=change.pk, version=1, shown_hash=change.content_hash, by=world.ae, now=world.now)


def approval(world, change, by):
    return lambda: changes.approve(change_id=change.pk, version=change.version, shown_hash=change.content_hash, by=by, now=world.now)


@pytest.mark.req("F01")
def test_of_two_approvals_at_once_one_wins_and_the_other_is_told_who(db):
    world = seed_world()
    for _ in range(ROUNDS):
        change = submitted(world)
        outcomes = at_once(approval(world, change, world.finance), approval(world, change, world.head_of_finance))
        (winner,) = [outcome for outcome in outcomes if isinstance(outcome, Change)]
        (loser,) = [outcome for outcome in outcomes if isinstance(outcome, Exception)]
        assert isinstance(loser, Stale)
        assert Decision.objects.get(change=winner).by.name in loser.message
        assert Document.objects.filter(reference=change.number).count() == 1
        # Back to twenty seats, so that the next round has something to do.
        back = changes.draft(
            deal=world.deal, intents=seats(world, "20"), effective=STORY_DAY, treatment="credit_note", by=world.ae, now=world.now
        )
        changes.submit(change_id=back.pk, version=1, shown_hash=back.content_hash, by=world.ae, now=world.now)
        approval(world, back, world.finance)()


@contextmanager
def without_locks(monkeypatch):
    """Both readers pass the gate before either writes: what the row locks prevent."""
    barrier, real = threading.Barrier(2), gate.regate

    def unlocked(change_id):
        change = Change.objects.select_related("deal__customer", "deal__stage__pipeline", "deal__pipeline", "maker").get(pk=change_id)
        contract = Contract.objects.select_related("legal_entity", "customer__segment").get(deal__pk=change.deal_id)
        change.deal.contract = contract
        return change, contract

    def both_are_through(*given):
        seen = real(*given)
        barrier.wait(PATIENCE)
        return seen

    with monkeypatch.context() as patch:
        patch.setattr(deciding, "lock_change", unlocked)
        patch.setattr(gate, "regate", both_are_through)
        yield


@pytest.mark.req("F01")
def test_negative_control_without_the_locks_both_pass_the_gate_and_only_the_database_is_left(db, monkeypatch):
    """The race is real: take the locks away and the second approver gets no sentence. One effect is kept by the constraints alone."""
    world = seed_world()
    change = submitted(world)
    with without_locks(monkeypatch):
        outcomes = at_once(approval(world, change, world.finance), approval(world, change, world.head_of_finance))
    losers = [outcome for outcome in outcomes if isinstance(outcome, Exception)]
    assert losers
    assert all(isinstance(loser, Error) and not isinstance(loser, Refusal) for loser in losers)
    assert Document.objects.filter(reference=change.number).count() <= 1


@pytest.mark.req("F01", "F08")
def test_an_approval_and_a_recall_at_once_leave_one_outcome(db):
    world = seed_world()
    change = submitted(world)
    recall = {"change_id": change.pk, "version": 1, "by": world.ae, "now": world.now}
    outcomes = at_once(approval(world, change, world.finance), lambda: changes.recall(**recall))
    assert sum(isinstance(outcome, Change) for outcome in outcomes) == 1
    change.refresh_from_db()
    assert change.state in {"applied", "draft"}
    assert Document.objects.filter(reference=change.number).count() == (1 if change.state == "applied" else 0)


@pytest.mark.req("F05")
def test_two_saves_of_one_draft_at_once_keep_one_and_refuse_the_other(db):
    world = seed_world()
    change = changes.draft(deal=world.deal, intents=world.more_seats(), effective=STORY_DAY, by=world.ae, now=world.now)

    def save(quantity):
        return lambda: changes.edit(
            change_id=change.pk, version=1, intents=world.more_seats(quantity), effective=STORY_DAY, by=world.ae, now=world.now
        )

    outcomes = at_once(save("30"), save("40"))
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["Change", "Stale"]
    change.refresh_from_db()
    assert change.version == 2


def test_two_people_drafting_at_once_make_one_change(db):
    world = seed_world()

    def draft(by):
        return lambda: changes.draft(deal=world.deal, intents=world.more_seats(), effective=STORY_DAY, by=by, now=world.now)

    outcomes = at_once(draft(world.ae), draft(world.csm))
    assert sum(isinstance(outcome, Change) for outcome in outcomes) == 1
    (refusal,) = [outcome for outcome in outcomes if isinstance(outcome, Refusal)]
    assert refusal.code == "second_open_change"


@pytest.mark.req("S0-18")
@pytest.mark.parametrize("owner", ["finance", "sales_cs"])
def test_a_double_click_on_submit_makes_one_change(db, owner):
    world = seed_world(owner=owner)
    intents = world.more_seats()
    seen = preview(deal=world.deal, contract=world.contract, intents=intents, effective=STORY_DAY, today=STORY_DAY)

    def click():
        return hand_in(
            deal=world.deal, wanted=Wanted(intents, STORY_DAY), sheet=Sheet(), shown_hash=seen.content_hash, by=world.ae, now=world.now
        )

    first, second = at_once(click, click)
    assert first.pk == second.pk
    assert Change.objects.count() == 1
    assert Document.objects.filter(reference=first.number).count() == (1 if owner == "sales_cs" else 0)
