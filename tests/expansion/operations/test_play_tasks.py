"""The tasks of a fired play: whose, by when, ticked off and taken back, and with whom they go along (S1-21)."""

from datetime import date, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from billing.domain.refusal import NotAllowed, Refusal
from dealops.audit.models import Entry
from expansion.models import Introduction, PlayTask, Signal
from expansion.operations import inbox_of_signals, play_tasks, qualifying
from expansion.operations.qualifying import Answers
from expansion.queries import play_tasks as queries
from tests.expansion import many
from tests.expansion.operations.customers import live, run, tell_many, told_world
from tests.worlds import STORY_DAY

pytestmark = [pytest.mark.django_db, pytest.mark.req("S1-21")]
DAY = timedelta(days=1)
ASK = {"title": "Ask who else needs a seat", "days": 3}
ANSWERS = Answers(
    goal="Grow", problem="No seats", evidence="19 of 20", contact="Dana Doyle", product="team",
    scores={"budget": 2, "timing": 2, "need": 3, "commitment": 2},
)  # fmt: skip


@pytest.fixture
def world(db):
    return told_world(billed=False)


def fired(world, *tasks):
    live(world, "TM2", tasks=list(tasks or [ASK]))
    run(world)
    return Signal.objects.get()


def whose(signal, world):
    return [(row.task.title, row.owner) for row in queries.of_signals([signal.pk], user=world.csm, today=STORY_DAY)[signal.pk]]


def tick(world, task, *, done=True, by=None):
    return play_tasks.tick(task_id=task.pk, done=done, by=by or world.csm, now=world.now)


def hand_off(world, signal):
    signal.refresh_from_db()
    return qualifying.hand_off(
        signal_id=signal.pk, version=signal.version_number, answers=ANSWERS, by=world.csm, on=STORY_DAY, now=world.now
    )


def test_a_play_that_fires_begins_its_tasks_once_in_working_days(world):
    signal = fired(world, ASK, {"title": "Read the account", "days": 0})
    assert [(t.title, t.due_on) for t in signal.tasks.order_by("place")] == [
        ("Ask who else needs a seat", date(2026, 6, 19)),
        ("Read the account", STORY_DAY),
    ]
    run(world, STORY_DAY + DAY)
    assert PlayTask.objects.count() == 2, "seen again, it asks for nothing anew"


@pytest.mark.parametrize(("on", "days", "due"), [
    (date(2026, 6, 19), 1, date(2026, 6, 22)),
    (date(2026, 6, 20), 0, date(2026, 6, 22)),
    (date(2026, 12, 24), 1, date(2026, 12, 29)),
])  # fmt: skip
def test_weekends_and_the_holidays_of_the_seller_do_not_count(world, on, days, due):
    signal = fired(world)
    signal.tasks.all().delete()
    version = signal.version
    type(version).objects.filter(pk=version.pk).update(state="retired")
    copy = type(version).objects.create(
        play=version.play, number=2, created_at=world.now, definition=version.definition | {"tasks": [ASK | {"days": days}]}
    )
    Signal.objects.update(version=copy)
    assert play_tasks.begin(plays=[version.play_id], on=on) == 1
    assert signal.tasks.get().due_on == due


def test_each_task_belongs_to_whom_the_play_names_and_else_goes_along_with_the_signal(world):
    signal = fired(
        world, ASK, {"title": "Check the price", "days": 1, "owner": "deal_owner"},
        {"title": "Keep them warm", "days": 2, "owner": "success_manager"},
    )  # fmt: skip
    names = ["Ask who else needs a seat", "Check the price", "Keep them warm"]
    assert whose(signal, world) == list(zip(names, (world.csm, world.ae, world.csm), strict=True))
    given = hand_off(world, signal)
    assert whose(signal, world) == list(zip(names, (world.ae, world.ae, world.csm), strict=True))
    assert [task.title for task in queries.due_for(world.ae)[0]] == ["Check the price", "Ask who else needs a seat"]
    assert [task.title for task in queries.due_for(world.csm)[0]] == ["Keep them warm"]
    qualifying.give_back(introduction_id=given.pk, question="Who pays?", by=world.ae, now=world.now)
    assert whose(signal, world)[0][1] == world.csm, "returned, it is the success manager's again"


def test_a_task_that_waits_stays_with_the_deal_after_the_hand_off_until_it_is_closed(world):
    signal = fired(world)
    given = hand_off(world, signal)
    qualifying.accept(introduction_id=given.pk, by=world.ae, now=world.now)
    (row,) = queries.of_deal(world.deal.pk, user=world.ae, at=world.now, today=STORY_DAY + 10 * DAY)
    assert (row.owner, row.may_tick, row.is_late) == (world.ae, True, True)
    qualifying.close(introduction_id=given.pk, outcome="Signed", won=True, by=world.ae, now=world.now)
    assert queries.due_for(world.ae) == ((), 0)
    assert queries.of_deal(world.deal.pk, user=world.ae, at=world.now, today=STORY_DAY) == []


def test_ticked_off_and_taken_back_is_told_once_each_on_the_deal_and_the_account(world):
    signal = fired(world)
    task = signal.tasks.get()
    tick(world, task)
    tick(world, task, by=world.ae)
    task.refresh_from_db()
    assert (task.done_by, task.done_at) == (world.csm, world.now), "the second changes nothing"
    assert queries.due_for(world.csm) == ((), 0)
    tick(world, task, done=False)
    assert queries.due_for(world.csm)[1] == 1
    told = Entry.objects.filter(action__startswith="signal.task").order_by("pk")
    assert [entry.sentence for entry in told] == [
        "Carl Moss ticked off “Ask who else needs a seat” of the play “Seats nearly used up”.",
        "Carl Moss opened again “Ask who else needs a seat” of the play “Seats nearly used up”.",
    ]
    assert told[0].subjects == [signal.permalink, world.contract.customer.permalink, world.deal.permalink]


def test_who_neither_owns_it_nor_works_on_signals_ticks_nothing(world):
    task = fired(world).tasks.get()
    for person in (world.finance, world.auditor):
        with pytest.raises(NotAllowed, match="Its owner ticks a task off"):
            tick(world, task, by=person)
    assert not PlayTask.objects.filter(done_at__isnull=False).exists()


def test_of_a_settled_signal_only_what_was_done_is_left_and_nothing_is_ticked(world):
    signal = fired(world, ASK, {"title": "Read the account", "days": 0})
    first, second = signal.tasks.order_by("place")
    tick(world, first)
    inbox_of_signals.dismiss(signal_id=signal.pk, version=1, reason="They leave", by=world.csm, now=world.now)
    assert [name for name, _ in whose(signal, world)] == ["Ask who else needs a seat"]
    assert queries.due_for(world.csm) == ((), 0)
    with pytest.raises(Refusal, match="This signal is dismissed"):
        tick(world, second)


def test_put_off_a_signal_takes_its_tasks_along_to_a_working_day(world):
    signal = fired(world)
    saturday = date(2026, 6, 27)
    inbox_of_signals.snooze(
        signal_id=signal.pk, version=1, until=saturday, reason="Holidays", by=world.csm, on=STORY_DAY, now=world.now
    )  # fmt: skip
    assert signal.tasks.get().due_on == date(2026, 6, 29)
    assert queries.due_for(world.csm) == ((), 0), "it does not press before"


def test_what_a_gate_holds_back_asks_for_nothing_until_it_is_let_through(world):
    world.contract.customer.milestones.all().delete()
    signal = fired(world)
    assert (signal.state, PlayTask.objects.count()) == ("held", 0)
    inbox_of_signals.let_through(
        signal_id=signal.pk, version=1, reason="Their result was in spring", by=world.csm, on=STORY_DAY, now=world.now
    )  # fmt: skip
    assert signal.tasks.get().due_on == STORY_DAY + 3 * DAY


def test_the_tasks_of_many_begin_in_a_number_of_statements_that_does_not_grow(world):
    live(world, "TM2", tasks=[ASK])
    counts = []
    for size in (10, 40):
        tell_many([deal.contract for deal in many.deals(size, owner=world.ae)], "1")
        with CaptureQueriesContext(connection) as made:
            run(world)
        counts.append((PlayTask.objects.count(), len(made)))
    (few, statements), (more, statements_for_more) = counts
    assert more - few == 40
    assert statements_for_more <= statements
    signals = list(Signal.objects.values_list("pk", flat=True))
    with CaptureQueriesContext(connection) as asked:
        queries.of_signals(signals, user=world.csm, today=STORY_DAY)
    assert len(asked) == 2
    assert not Introduction.objects.exists()
