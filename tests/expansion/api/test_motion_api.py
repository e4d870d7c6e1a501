"""Facts come in by the API: each row answered, each sent twice counted once; signals logged and handed off."""

import pytest

from expansion.models import EngagementEvent, Intake, Introduction, UsageReading
from expansion.operations import signals
from tests.expansion.api.conftest import Api
from tests.expansion.operations.customers import live, tell_brightwave
from tests.worlds import STORY_DAY

pytestmark = pytest.mark.django_db


def usage(**change):
    return {"customer": "CU-1042", "product": "team", "day": "2026-06-16", "quantity": "19", **change}


@pytest.mark.req("S3-14", "S3-23")
def test_usage_is_answered_row_by_row(world, sales):
    rows = [usage(), usage(), usage(product="hovercraft"), usage(day="2026-06-17"), usage(department="Depot", quantity="5")]
    answer = sales.post("usage/", {"rows": rows})
    assert answer.status_code == 200
    assert [a["result"] for a in answer.json()["answers"]] == ["taken", "repeated", "refused", "refused", "taken"]
    assert UsageReading.objects.count() == 2


@pytest.mark.parametrize(
    ("rows", "field"), [([], "rows"), ([usage(quantity=19)], "quantity"), ([usage(colour="red")], "colour"), ([usage(day="soon")], "day")]
)
def test_a_delivery_that_cannot_be_read_is_refused_whole_and_names_the_field(world, sales, rows, field):
    answer = sales.post("usage/", {"rows": rows})
    assert answer.status_code == 400 and field in answer.content.decode()
    assert not UsageReading.objects.exists()


def test_facts_are_delivered_by_those_who_work_with_customers(world):
    assert Api(world.auditor).post("usage/", {"rows": [usage()]}).status_code == 403
    assert Api().post("usage/", {"rows": [usage()]}).status_code == 401


@pytest.mark.req("S3-24", "S4-72")
def test_an_engagement_event_sent_twice_is_one(world, sales):
    event = {
        "customer": "CU-1042", "reference": "E-1", "document": "Business plan", "kind": "higher_plan", "viewer": "Dana",
        "department": "Dispatch",
        "at": "2026-06-15T10:00:00Z",
    }  # fmt: skip
    assert sales.post("engagement/", event).json() == {"reference": "E-1", "is_new": True}
    assert sales.post("engagement/", event).json()["is_new"] is False
    assert EngagementEvent.objects.count() == 1
    late = {**event, "reference": "E-2", "at": "2026-07-01T10:00:00Z"}
    assert sales.post("engagement/", late).status_code in {400, 409, 422}


@pytest.mark.req("S3-18", "S3-41")
def test_an_intake_has_six_fields_and_says_how_complete_it_is(world, sales):
    intake = {"customer": "CU-1042", "reference": "F-1", "source": "form", "goal": "Plan ahead", "problem": "Nobody plans", "team_size": 12}
    answer = sales.post("intake/", {**intake, "product": "scheduler"})
    assert answer.status_code == 201 and answer.json()["completeness"] == "50"
    assert Intake.objects.get().product.code == "scheduler"
    assert sales.post("intake/", {**intake, "reference": "F-2", "shoe_size": "44"}).status_code == 400
    assert sales.post("intake/", {"customer": "CU-1042", "reference": "F-3"}).status_code in {400, 409, 422}


@pytest.mark.req("S1-22", "S1-24")
def test_a_signal_is_logged_and_handed_off(world):
    tell_brightwave(world)
    success = Api(world.csm)
    logged = success.post("signals/", {"customer": "CU-1042", "quote": "We hire five people", "kind": "growing", "product": "team"})
    assert logged.status_code == 201, logged.content
    signal = logged.json()
    assert (signal["state"], signal["mechanism"], signal["value"], signal["seen"]) == ("open", "upsell", "250.00", "1")
    empty = success.post(f"signals/{signal['id']}/hand-off/", {"version": 1})
    assert empty.status_code in {400, 409, 422} and "Still missing" in empty.content.decode()
    answers = {
        "version": 1, "goal": "New depot", "problem": "No seats", "evidence": "19 of 20", "contact": "Dana Price",
        "scores": {"budget": 2, "timing": 2, "need": 3},
    }  # fmt: skip
    done = success.post(f"signals/{signal['id']}/hand-off/", answers)
    assert done.status_code == 201 and done.json()["to"]["name"] == "Ada Ellis"
    assert set(done.json()["context"]) == {"offer", "need", "product", "routing"}
    assert Introduction.objects.count() == 1


def test_signals_plays_and_offers_are_read_and_filtered(world, sales):
    tell_brightwave(world)
    live(world, "TM2")
    signals.run(on=STORY_DAY, at=world.now)
    (signal,) = sales.get("signals/", state="open", play="tm2").json()["results"]
    assert signal["because"].startswith("Because Brightwave Logistics is on Team")
    assert sales.get("signals/", state="held").json()["results"] == []
    assert sales.get("signals/", quota="1").status_code == 400
    assert sales.get("plays/", code="tm2").json()["results"][0]["versions"][0]["state"] == "live"
    assert sales.get("offers/").json()["results"] == []


def test_a_key_sent_twice_logs_one_signal(world):
    tell_brightwave(world)
    said = {"customer": "CU-1042", "quote": "We hire five people"}
    first, second = (Api(world.csm).post("signals/", said, Idempotency_Key="k-1") for _ in range(2))
    assert first.json()["id"] == second.json()["id"]


@pytest.mark.req("S3-45")
def test_an_offer_is_told_answered_and_read(world, sales):
    tell_brightwave(world)
    offer = {
        "deal": "DL-1042", "product": "team", "quantity": "25", "why_now": "Because 19 of 20 seats are in use", "words": "Five more seats?",
        "value": "Nobody waits for a seat", "goal": "The northern depot", "is_good": True, "is_good_because": "Five are hired",
    }  # fmt: skip
    told = sales.post("offers/", offer)
    assert told.status_code == 201, told.content
    shown = told.json()
    assert (shown["deal"], shown["mechanism"], shown["response"], shown["figures"]["mrr_delta"]) == ("DL-1042", "upsell", "open", "250.00")
    second = sales.post("offers/", {**offer, "product": "scheduler", "quantity": "1"})
    assert second.status_code in {400, 409, 422} and "Another offer is open" in second.content.decode()
    no = sales.post(f"offers/{shown['id']}/answer/", {"response": "declined", "words": "Not this year"})
    assert no.status_code == 200 and no.json()["decline_reason"] == "Not this year"
    assert sales.get(f"offers/{shown['id']}/").json()["response"] == "declined"
    assert Api(world.finance).post("offers/", offer).status_code == 403
    assert sales.post("offers/", {**offer, "deal": "DL-9"}).status_code in {400, 404, 409, 422}
