"""Facts come in by the API: each row answered, each sent twice counted once; signals logged and handed off."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from expansion.models import EngagementEvent, Intake, Introduction, PlayTask, UsageReading
from expansion.operations import inbox_of_signals, signals
from tests.expansion import many
from tests.expansion.api.conftest import Api
from tests.expansion.operations.customers import live, run, tell_brightwave, tell_many
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


@pytest.mark.req("S1-21")
def test_a_signal_lists_what_its_play_asks_for_which_is_ticked_off_and_taken_back(world, sales):
    tell_brightwave(world)
    tasks = [{"title": "Ask who else needs a seat", "days": 3}, {"title": "Check the price", "days": 0, "owner": "deal_owner"}]
    live(world, "TM2", tasks=tasks)
    run(world)
    (signal,) = sales.get("signals/").json()["results"]
    first, second = signal["tasks"]
    carl, ada = ({"name": p.name, "email": p.email} for p in (world.csm, world.ae))
    assert first == {
        "id": first["id"], "title": "Ask who else needs a seat", "owner": carl, "due_on": "2026-06-19", "is_late": False,
        "done_by": None, "done_at": None,
    }  # fmt: skip
    assert (second["title"], second["owner"], second["due_on"]) == ("Check the price", ada, "2026-06-16")
    here = f"signals/{signal['id']}/"
    done = sales.post(f"{here}tick/", {"task": first["id"]})
    assert done.status_code == 200, done.content
    assert [(t["done_by"], bool(t["done_at"])) for t in done.json()["tasks"]] == [(ada, True), (None, False)]
    assert sales.get(here).json()["tasks"] == done.json()["tasks"]
    again = sales.post(f"{here}tick/", {"task": first["id"], "done": False})
    assert again.json()["tasks"][0] == first, "taken back, it is as it was"


@pytest.mark.req("S1-21")
def test_a_task_is_ticked_off_by_whom_the_page_would_let_and_only_at_its_own_signal(world, sales):
    tell_brightwave(world)
    live(world, "TM2", tasks=[{"title": "Ask who else needs a seat", "days": 3}])
    run(world)
    task = PlayTask.objects.get()
    here = f"signals/{task.signal_id}/tick/"
    refused = Api(world.finance).post(here, {"task": task.pk})
    assert refused.status_code == 403 and "Its owner ticks a task off" in refused.content.decode()
    said = Api(world.csm).post("signals/", {"customer": "CU-1042", "quote": "We hire five people"}).json()
    assert said["tasks"] == []
    for path, body, words in (
        (f"signals/{said['id']}/tick/", {"task": task.pk}, f"This signal has no task {task.pk}"),
        (here, {"task": 10**18}, "has no task"), (here, {}, "task"), (here, {"task": 1.5}, "task"), (here, {"task": "1"}, "task"),
        (here, {"task": 2**63}, "task"), (here, {"task": task.pk, "done": "perhaps"}, "done"), (here, {"tick": task.pk}, "tick"),
    ):  # fmt: skip
        answer = sales.post(path, body)
        assert answer.status_code == 400 and words in answer.content.decode(), (path, body, answer.content)
    inbox_of_signals.dismiss(signal_id=task.signal_id, version=1, reason="They leave", by=world.csm, now=world.now)
    settled = sales.post(here, {"task": task.pk})
    assert settled.status_code in {400, 409, 422} and "This signal is dismissed" in settled.content.decode()
    assert not PlayTask.objects.filter(done_at__isnull=False).exists()


@pytest.mark.req("S1-21")
def test_signals_with_their_tasks_take_the_same_queries_however_many(world, sales):
    live(world, "TM2", tasks=[{"title": "Ask who else needs a seat", "days": 3}])
    counts = []
    for size in (2, 8):
        tell_many([deal.contract for deal in many.deals(size, owner=world.ae)], "1")
        run(world)
        with CaptureQueriesContext(connection) as asked:
            rows = sales.get("signals/").json()["results"]
        counts.append((sum(len(row["tasks"]) for row in rows), len(asked)))
    (few, queries), (more, queries_for_more) = counts
    assert (few, more) == (2, 10)
    assert queries_for_more <= queries


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
