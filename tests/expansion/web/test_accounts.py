"""The list of accounts and the page of one: drivers, four questions, use, windows; unknown is never green, old data says so."""

from datetime import timedelta

import pytest

from expansion.models import HealthReading, UsageReading
from expansion.operations import facts
from tests.expansion.desk import set_clock
from tests.expansion.operations.customers import told_world
from tests.worlds import STORY_DAY

pytestmark = pytest.mark.django_db


@pytest.fixture
def world(db, settings):
    set_clock(settings)
    return told_world(billed=False)


def text(answer):
    assert answer.status_code == 200
    return " ".join(answer.content.decode().split())


def page(client, world):
    client.force_login(world.csm)
    return text(client.get("/accounts/CU-1042"))


@pytest.mark.req("S1-19", "S3-10", "S3-64", "S3-65", "S4-49")
def test_the_account_from_all_sides(client, world):
    shown = page(client, world)
    for words in (
        "82", "First result in March", "Two tickets in May", "19 of 20 seats (95 %)", "At or above the threshold of 90 %",
        "Bought?", "Which goal does it serve?", "What is not supported yet?", "Does it close the gap?",
        "Late deliveries down by a fifth", "Onboarding done", "Dana Price", "Dispatch",
        "Take on the northern depot without overtime", "Their use has outgrown what they have (Team 95 %): upsell.",
        "Three to six weeks after the purchase", "22 Jan 2026",
    ):  # fmt: skip
        assert words in shown, words


@pytest.mark.req("S3-64", "S3-65")
def test_the_product_that_closes_a_gap_is_named_with_the_goal(client, world):
    facts.set_goal(customer=world.contract.customer, title="Plan every route the day before", capabilities=["scheduling"], at=world.now)
    shown = page(client, world)
    assert "Closes the gap" in shown and "Plan every route the day before" in shown


@pytest.mark.req("K23")
def test_unknown_health_is_not_green_and_a_persons_colour_stands_above_the_score(client, world):
    HealthReading.objects.all().delete()
    shown = page(client, world)
    assert (
        "No health score yet" in shown
        and 'do-tone-ok"><svg class="do-icon" aria-hidden="true"><use href="/static/vendor/lucide/icons.svg#heart-pulse' not in shown
    )
    facts.override_health(customer=world.contract.customer, colour="red", reason="Their champion left", by=world.csm, now=world.now)
    assert "Their champion left" in page(client, world)


def test_an_old_feed_says_so(client, world):
    assert "may be out of date" not in page(client, world)
    UsageReading.objects.filter(day__gt=STORY_DAY - timedelta(days=5)).delete()
    assert "may be out of date" in page(client, world)


def test_the_list_finds_by_name_and_says_what_to_do_when_nothing_matches(client, world):
    client.force_login(world.csm)
    assert "Brightwave Logistics" in text(client.get("/accounts?q=bright"))
    assert "No account matches" in text(client.get("/accounts?q=nobody"))
    assert client.get("/accounts/CU-9999").status_code == 404


def test_the_page_stays_within_its_queries(client, world, django_assert_max_num_queries):
    client.force_login(world.csm)
    with django_assert_max_num_queries(58):
        client.get("/accounts/CU-1042")
