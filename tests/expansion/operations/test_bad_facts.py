"""Facts that are wrong, late or twice, and rules that make no sense: nothing is lost, nothing fires twice, and the rest goes on."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from dealops.audit.models import Entry
from expansion.models import Play, PlayVersion, RefusedFact, Signal, UsageReading
from expansion.operations import plays, usage
from tests.expansion.desk import set_clock
from tests.expansion.operations.customers import count, live, row, run, tell_many, told_world
from tests.portfolio import portfolio
from tests.worlds import STORY_DAY

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


@pytest.fixture
def world(db):
    return told_world(billed=False)


def test_a_bad_delivery_between_good_ones_changes_nothing_that_fires(world):
    live(world, "TM2")
    assert run(world).fired == 1
    told = Signal.objects.get().because
    tomorrow = STORY_DAY + DAY
    bad = (row(5, product="hovercraft"), row(5, tomorrow), usage.Row("CU-9", "team", STORY_DAY, Decimal(1)), row(-3))
    answers = count(world, *bad, row(19), row(19), row(17, STORY_DAY - 20 * DAY))
    assert [answer.result for answer in answers[:4]] == ["refused"] * 4
    assert RefusedFact.objects.count() == 4
    again = run(world)
    assert (again.fired, again.held, Signal.objects.get().because) == (0, 0, told)


def test_more_used_than_bought_fires_once_and_says_so(world):
    UsageReading.objects.filter(day=STORY_DAY).delete()
    live(world, "TM2")
    (answer,) = count(world, row(23))
    assert answer.words == "More than bought: 23 of 20."
    assert run(world).fired == 1
    assert "23 of 20 Team seats (115 %)" in Signal.objects.get().because
    assert run(world).fired == 0


def test_a_live_play_whose_field_is_gone_is_stopped_with_its_reason_and_the_others_go_on(client, settings, world):
    set_clock(settings)
    live(world, "TM2")
    odd = Play.objects.create(code="odd", name="Odd one", created_at=world.now)
    definition = PlayVersion.objects.get().definition | {"live": [{"field": "moon_phase", "op": ">=", "value": "1"}]}
    moment = {"created_at": world.now, "backtested_at": world.now, "live_at": world.now}
    PlayVersion.objects.create(play=odd, number=1, state="live", definition=definition, **moment)
    done = run(world)
    assert (done.plays, done.fired) == (1, 1)
    odd.refresh_from_db()
    assert not odd.is_on and "There is no field “moon_phase”" in odd.stopped_reason
    assert Entry.objects.filter(action="play.stopped", subjects__contains=["play:odd"]).count() == 1
    assert run(world).plays == 1
    client.force_login(world.admin)
    assert client.get("/plays").status_code == 200
    assert "There is no field “moon_phase”" in client.get("/plays/odd").content.decode()


def test_ten_accounts_and_two_hundred_take_the_same_statements(world):
    """Every preset at once, with what the accounts own, use and want."""
    for code in ("W1", "W2", "TM1", "TM2", "TM6"):
        version = plays.start_from_preset(code=code, by=world.admin, now=world.now)
        PlayVersion.objects.filter(pk=version.pk).update(state="live", backtested_at=world.now, live_at=world.now)
    run(world)
    statements = []
    for first, size in ((1, 10), (1000, 200)):
        tell_many(portfolio(size, lines=1, first=first), "1")
        with CaptureQueriesContext(connection) as made:
            run(world)
        statements.append(len(made))
    assert statements[0] == statements[1]
