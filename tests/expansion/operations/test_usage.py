"""Usage is taken as it comes: late, twice, too high, too early, for unknown things. Nothing is lost and nothing counted twice."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from expansion.models import RefusedFact, UsageReading
from expansion.operations import usage
from expansion.queries.facts import snapshots
from tests.expansion.operations.customers import count, row
from tests.worlds import STORY_DAY, seed_world

pytestmark = pytest.mark.django_db


@pytest.fixture
def world(db):
    return seed_world(billed=False)


def seen(world, on=STORY_DAY):
    return snapshots(on=on)[world.contract.customer_id].use


@pytest.mark.req("S3-14", "S3-23")
def test_a_count_is_taken_and_shown_on_the_deal(world):
    (answer,) = count(world, row(19))
    assert answer.result == "taken"
    world.deal.refresh_from_db()
    assert world.deal.seats_used == 19
    use = seen(world)["team"]
    assert (use.used, use.as_of) == (19, STORY_DAY)


def test_the_same_delivery_twice_is_counted_once(world):
    count(world, row(19))
    (answer,) = count(world, row(19))
    assert answer.result == "repeated"
    assert UsageReading.objects.get().deliveries == 2


def test_counts_out_of_order_end_in_the_same_place(world):
    for back in (1, 9, 0, 4):
        count(world, row(19 - back, STORY_DAY - timedelta(days=back)))
    assert seen(world)["team"].used == 19
    assert UsageReading.objects.count() == 4


def test_the_newer_measurement_of_a_day_wins_in_either_order(world):
    early, late = world.now - timedelta(hours=2), world.now - timedelta(hours=1)
    count(world, row(18, measured_at=late))
    (answer,) = count(world, row(17, measured_at=early))
    assert (answer.result, answer.words) == ("older", "A newer measurement of that day says 18.")
    count(world, row(19, measured_at=world.now))
    assert UsageReading.objects.get().quantity == 19


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (row(5, product="hovercraft"), "There is no product “hovercraft”"),
        (row(5, STORY_DAY + timedelta(days=1)), "is in the future"),
        (row(-1), "never negative"),
        (row(1, kind="guessed"), "Send active"),
        (usage.Row("CU-9", "team", STORY_DAY, Decimal(1)), "There is no customer “CU-9”"),
    ],
)
def test_a_row_that_cannot_be_taken_is_refused_alone_and_kept(world, bad, words):
    first, second = count(world, bad, row(19))
    assert first.result == "refused" and words in first.words
    assert second.result == "taken"
    kept = RefusedFact.objects.get()
    assert kept.reason == first.words and kept.payload["quantity"] == str(bad.quantity)


def test_more_than_was_bought_is_taken_with_a_note(world):
    (answer,) = count(world, row(22))
    assert (answer.result, answer.words) == ("taken", "More than bought: 22 of 20.")
    assert UsageReading.objects.get().note == answer.words


def test_use_of_what_is_on_no_contract_is_noted(world):
    (answer,) = count(world, row(1, product="scheduler"))
    assert answer.words == "Scheduler is used but not on a contract of theirs."


@pytest.mark.req("S4-46")
def test_departments_add_up_and_a_new_one_is_seen(world):
    count(
        world, row(9, STORY_DAY - timedelta(days=40), department="Dispatch"), row(10, department="Dispatch"), row(4, department="Planning")
    )
    use = seen(world)["team"]
    assert (use.used, use.departments, use.new_department) == (14, ("Dispatch", "Planning"), "Planning")


def test_counts_older_than_thirty_days_are_unknown_and_not_zero(world):
    count(world, row(19, STORY_DAY - timedelta(days=31)))
    assert "team" not in seen(world)


def test_a_delivery_of_any_size_takes_the_same_number_of_queries(world):
    def delivery(days):
        return [row(10, STORY_DAY - timedelta(days=n)) for n in range(days)]

    counts = []
    for days in (2, 60):
        UsageReading.objects.all().delete()
        with CaptureQueriesContext(
            connection,
        ) as made:
            count(world, *delivery(days))
        counts.append(len(made))
    assert counts[0] == counts[1]
