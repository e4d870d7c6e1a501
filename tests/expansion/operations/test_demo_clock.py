"""The demo's clock: moves forward only, wakes what waited for the day, tells Ledgerly over real HTTP."""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.utils import timezone

from billing.adapters.accounting.ledgerly.server import LedgerlyServer
from billing.clock import now
from billing.domain.refusal import NotAllowed, Refusal
from billing.models import DemoClock
from billing.operations.clock import demo_day, set_day
from dealops.audit.models import Entry
from expansion.operations import changes, demo_clock
from tests.worlds import STORY_DAY, seed_world

pytestmark = [pytest.mark.django_db, pytest.mark.req("F112")]

NEXT_DAY = STORY_DAY + timedelta(days=1)


@pytest.fixture
def world(settings):
    settings.DEMO = True
    settings.LEDGERLY_URL = ""
    made = seed_world()
    DemoClock.objects.create(day=STORY_DAY, set_at=timezone.now())
    return made


@pytest.fixture
def ledgerly(tmp_path, settings, world):
    server = LedgerlyServer(tmp_path / "ledgerly").start()
    settings.LEDGERLY_URL = server.url
    yield server
    server.stop()


def move(world, day, by=None):
    return demo_clock.move(day=day, by=by or world.ae, real_now=timezone.now())


def test_the_clock_moves_and_says_who_moved_it(world):
    move(world, NEXT_DAY)
    assert demo_day() == NEXT_DAY
    entry = Entry.objects.get(action="clock.moved")
    assert (entry.actor, entry.after) == (world.ae, {"day": "2026-06-17"})


def test_a_new_demo_day_begins_at_nine(world):
    real = datetime(2030, 1, 1, 3, tzinfo=UTC)
    set_day(day=NEXT_DAY, by=None, real_now=timezone.now())
    assert DemoClock.objects.get().set_at.year != real.year
    assert now().astimezone(UTC).hour == 8


@pytest.mark.parametrize(("day", "code"), [(STORY_DAY - timedelta(days=1), "clock_backwards"), (date(2031, 1, 1), "clock_too_far")])
def test_the_clock_does_not_go_back_nor_leap_years(world, day, code):
    with pytest.raises(Refusal) as caught:
        move(world, day)
    assert (caught.value.code, caught.value.field) == (code, "day")
    assert demo_day() == STORY_DAY


def test_only_the_demos_people_and_revops_move_it(world):
    world.ae.refresh_from_db()
    world.outsider.title = ""
    world.outsider.save()
    with pytest.raises(NotAllowed):
        move(world, NEXT_DAY, by=world.outsider)
    assert move(world, NEXT_DAY, by=world.admin).day == NEXT_DAY


def test_outside_the_demo_nobody_moves_it(world, settings):
    settings.DEMO = False
    with pytest.raises(NotAllowed):
        move(world, NEXT_DAY, by=world.admin)
    with pytest.raises(Refusal):
        set_day(day=NEXT_DAY, by=world.admin, real_now=timezone.now())


@pytest.mark.req("F68")
def test_what_waited_for_the_day_takes_effect(world):
    change = changes.draft(deal=world.deal, intents=world.more_seats(), effective=NEXT_DAY, by=world.ae, now=world.now)
    changes.submit(change_id=change.pk, version=1, shown_hash=change.content_hash, by=world.ae, now=world.now)
    changes.approve(change_id=change.pk, version=1, shown_hash=change.content_hash, by=world.finance, now=world.now)
    assert move(world, NEXT_DAY).applied == [change.number]


def test_ledgerly_hears_of_the_day(world, ledgerly):
    moved = move(world, NEXT_DAY)
    assert moved.ledgerly_problem == ""
    assert _ledgerly_day(ledgerly.url) == "2026-06-17"


def test_a_silent_ledgerly_does_not_hold_the_clock_back(world, settings):
    settings.LEDGERLY_URL = "http://127.0.0.1:9"
    moved = move(world, NEXT_DAY)
    assert moved.ledgerly_problem == "Ledgerly does not answer."
    assert demo_day() == NEXT_DAY


def _ledgerly_day(url):
    import json
    import urllib.request

    with urllib.request.urlopen(f"{url}/health", timeout=10) as answer:
        return json.load(answer)["date"]
