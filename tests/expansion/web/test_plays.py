"""Plays in pages: from a preset to live, the kill switch, the builder and what it refuses."""

import pytest

from expansion.models import Play, PlayVersion
from tests.expansion.desk import set_clock
from tests.expansion.operations.customers import told_world

pytestmark = pytest.mark.django_db

FIELDS = {
    "name": "Nearly full",
    "static_field": ["plan"],
    "static_op": ["in"],
    "static_value": ["team, business"],
    "live_field": ["utilisation"],
    "live_op": [">="],
    "live_value": ["0.90"],
    "live_rearm": ["0.85"],
    "mechanism": "upsell",
    "product": "same",
    "because": "Because {customer} {plan} and {utilisation}.",
    "message": "",
    "offer_type": "upsell",
    "complexity": "straightforward",
    "health": "60",
    "cool_down_days": "30",
    "stop_after_days": "30",
    "task_title": ["Talk to the customer"],
    "task_days": ["3"],
}


@pytest.fixture
def world(db, settings):
    set_clock(settings)
    return told_world(billed=False)


def text(answer):
    return " ".join(answer.content.decode().split())


@pytest.mark.req("S3-22", "S3-46")
def test_from_a_preset_over_the_past_to_live_and_stopped(client, world):
    client.force_login(world.admin)
    assert "Seats nearly used up" in text(client.get("/plays"))
    where = client.post("/plays/start", {"preset": "TM2"}).url
    assert "Not tried yet" in text(client.get(where))
    client.post(f"{where}/act", {"act": "live"})
    assert PlayVersion.objects.get().state == "draft"
    client.post(f"{where}/act", {"act": "test"})
    assert "Would have fired 1 time" in text(client.get(where))
    client.post(f"{where}/act", {"act": "live"})
    assert PlayVersion.objects.get().state == "live"
    client.post(f"{where}/act", {"act": "stop", "reason": ""})
    assert Play.objects.get().is_on
    client.post(f"{where}/act", {"act": "stop", "reason": "Too many"})
    assert "Too many" in text(client.get(where))
    client.post(f"{where}/act", {"act": "restart"})
    assert Play.objects.get().is_on


@pytest.mark.req("S3-22")
def test_the_builder_makes_what_the_domain_reads(client, world):
    client.force_login(world.admin)
    answer = client.post("/plays/new", FIELDS)
    assert answer.url == "/plays/nearly-full"
    definition = PlayVersion.objects.get().definition
    assert definition["static"] == [{"field": "plan", "op": "in", "value": ["team", "business"]}]
    assert definition["live"] == [{"field": "utilisation", "op": ">=", "value": "0.90", "rearm": "0.85"}]
    assert definition["tasks"] == [{"title": "Talk to the customer", "days": 3}]
    again = client.post("/plays/nearly-full/edit", {**FIELDS, "seen": "1", "health": "70"})
    assert again.status_code == 302
    assert PlayVersion.objects.get().definition["health"] == 70


@pytest.mark.req("S3-22", "S3-42")
@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"live_field": [""]}, "Name at least one live signal"),
        ({"static_field": [""]}, "Name at least one static trait"),
        ({"because": "They are nearly full."}, "begins with “Because ”"),
        ({"live_value": [""]}, "Say from which number on"),
        ({"health": "many"}, "whole number from 0 to 365"),
        ({"name": " "}, "Give the play a name"),
    ],
)
def test_the_builder_refuses_with_the_sentence_and_keeps_what_was_typed(client, world, change, words):
    client.force_login(world.admin)
    answer = client.post("/plays/new", FIELDS | {"message": "Kept as typed"} | change)
    assert answer.status_code == 422
    assert words in text(answer) and "Kept as typed" in text(answer)
    assert not Play.objects.exists()


def test_others_read_and_do_not_write(client, world):
    client.force_login(world.csm)
    assert client.get("/plays").status_code == 200
    assert client.get("/plays/new").status_code == 403
    client.post("/plays/start", {"preset": "TM2"})
    assert not Play.objects.exists()


@pytest.mark.req("S3-19")
def test_a_new_play_opens_with_what_customers_own_and_use(client, world):
    client.force_login(world.admin)
    answer = client.get("/plays/new")
    opened = [(row.get("field"), row.get("value")) for row in answer.context["form"]["static"]]
    assert opened[:2] == [("product_count", "1"), ("adoption", "0.60")]
    page = text(answer)
    assert page.index('<optgroup label="What they own and use">') < page.index('<optgroup label="Who and where they are">')
