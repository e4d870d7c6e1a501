"""The form at the top of every demo page that moves the demo's clock."""

import pytest
from django.contrib.messages import get_messages
from django.test import Client
from django.utils import timezone

from billing.models import DemoClock
from billing.operations.clock import demo_day
from tests.worlds import STORY_DAY, seed_world

pytestmark = pytest.mark.django_db


@pytest.fixture
def world(settings):
    settings.DEMO = True
    settings.LEDGERLY_URL = ""
    made = seed_world()
    DemoClock.objects.create(day=STORY_DAY, set_at=timezone.now())
    return made


def post(user, **data):
    client = Client()
    client.force_login(user)
    response = client.post("/demo/clock", data)
    return response, [str(message) for message in get_messages(response.wsgi_request)]


def test_moving_the_clock_goes_back_to_where_one_was(world):
    response, said = post(world.ae, day="2026-07-01", next="/deals/DL-1042")
    assert (response.status_code, response["Location"]) == (302, "/deals/DL-1042")
    assert said == ["It is now Wed 1 Jul 2026. 1 recurring invoice issued."]
    assert demo_day().isoformat() == "2026-07-01"


def test_the_way_back_never_leaves_this_host(world):
    response, _ = post(world.ae, day="2026-06-17", next="https://elsewhere.example/")
    assert response["Location"] == "/home"


@pytest.mark.parametrize(
    ("day", "words"),
    [("", "choose a day"), ("tomorrow", "choose a day"), ("2026-06-01", "only moves forward"), ("2040-01-01", "two years")],
)
def test_a_day_that_cannot_be_is_explained(world, day, words):
    _, said = post(world.ae, day=day)
    assert words in said[0]
    assert demo_day() == STORY_DAY


def test_a_silent_ledgerly_is_said_and_the_clock_still_moves(world, settings):
    settings.LEDGERLY_URL = "http://127.0.0.1:9"
    _, said = post(world.ae, day="2026-06-17")
    assert "Ledgerly does not answer" in said[1]
    assert demo_day().isoformat() == "2026-06-17"


def test_the_clock_is_moved_by_post_only_and_only_in_the_demo(world, settings):
    client = Client()
    client.force_login(world.ae)
    assert client.get("/demo/clock").status_code == 405
    settings.DEMO = False
    assert client.post("/demo/clock", {"day": "2026-06-17"}).status_code == 404


def test_every_page_offers_the_usual_moves(world):
    client = Client()
    client.force_login(world.ae)
    page = client.get("/deals").content.decode()
    for words in ("Advance 1 day", "Advance 1 week", "To 1 Jul", 'name="day"'):
        assert words in page
