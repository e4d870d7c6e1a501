"""`Idempotency-Key`: sent twice, done once, answered alike."""

import json
import threading
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.utils import timezone

from dealops.rest.models import KeyedRequest
from expansion.models import Change, Decision
from tests.expansion.api.conftest import Api
from tests.expansion.desk import set_clock, submitted
from tests.worlds import seed_world

pytestmark = pytest.mark.req("F03")


@pytest.fixture
def world(db, settings):
    made = seed_world()
    set_clock(settings)
    return made


def body(world, **other):
    return {"deal": world.deal.number, "edits": world.more_seats(), "effective": "2026-06-16", **other}


def test_the_same_write_has_one_effect_and_one_answer(world):
    api = Api(world.ae)
    first = api.post("changes/", body(world), Idempotency_Key="k-1")
    second = api.post("changes/", body(world), Idempotency_Key="k-1")
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.content == second.content
    assert (second.headers["ETag"], second.headers["Idempotent-Replayed"]) == ('"1"', "true")
    assert "Idempotent-Replayed" not in first.headers
    assert Change.objects.count() == 1


def test_without_a_key_the_second_write_meets_the_first(world):
    api = Api(world.ae)
    assert [api.post("changes/", body(world)).status_code for _ in range(2)] == [201, 400]
    assert not KeyedRequest.objects.exists()


def test_the_key_with_another_body_is_refused(world):
    api = Api(world.ae)
    api.post("changes/", body(world), Idempotency_Key="k-1")
    answer = api.post("changes/", body(world, goal="Another"), Idempotency_Key="k-1")
    assert (answer.status_code, answer.json()["code"], answer.headers["Content-Type"]) == (422, "key_reused", "application/problem+json")
    other = api.post("changes/CH-2026-0042/discard/", {"version": 1}, Idempotency_Key="k-1")
    assert other.status_code == 422


def test_a_refusal_is_remembered_too(world):
    api = Api(world.ae)
    bad = body(world, effective="2030-01-01")
    first, second = (api.post("changes/", bad, Idempotency_Key="k-2") for _ in range(2))
    assert first.status_code == second.status_code == 400
    assert first.content == second.content
    assert second.headers["Content-Type"] == "application/problem+json"


def test_a_key_belongs_to_one_person(world):
    Api(world.ae).post("changes/", body(world), Idempotency_Key="k-1")
    answer = Api(world.csm).post("changes/", body(world), Idempotency_Key="k-1")
    assert answer.json()["code"] == "second_open_change", "the other person's answer is not shown"


@pytest.mark.parametrize("key", ["", "x" * 201, "k\u00e9y"])
def test_a_key_has_to_be_plain(world, key):
    answer = Api(world.ae).post("changes/", body(world), Idempotency_Key=key)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "Idempotency-Key")
    assert not Change.objects.exists()


def test_a_token_that_may_not_is_refused_before_the_key_is_looked_at(world):
    change = submitted(world)
    Api(world.finance, session=True).post(
        f"changes/{change.number}/approve/", {"version": 1, "content_hash": change.content_hash}, Idempotency_Key="a-1"
    )
    stranger = Api()
    assert stranger.post(f"changes/{change.number}/approve/", {}, Idempotency_Key="a-1").status_code == 401


def test_old_keys_are_forgotten(world):
    api = Api(world.ae)
    api.post("changes/", body(world), Idempotency_Key="k-1")
    KeyedRequest.objects.update(created_at=timezone.now() - timedelta(days=8))
    assert api.post("changes/", body(world), Idempotency_Key="k-1").status_code == 400
    assert KeyedRequest.objects.count() == 1


def test_when_the_work_breaks_neither_effect_nor_key_is_left(world, monkeypatch):
    """The one place where a part is replaced: a defect in our own code cannot be had otherwise."""
    from expansion.operations import changes

    real = changes.draft

    def broken(**given):
        real(**given)
        raise RuntimeError("after the write")

    monkeypatch.setattr(changes, "draft", broken)
    api = Api(world.ae)
    api.client.raise_request_exception = False
    assert api.post("changes/", body(world), Idempotency_Key="k-1").status_code == 500
    assert not Change.objects.exists() and not KeyedRequest.objects.exists()
    monkeypatch.undo()
    assert api.post("changes/", body(world), Idempotency_Key="k-1").status_code == 201


@pytest.mark.django_db(transaction=True)
def test_five_at_once_with_one_key_get_one_answer(settings):
    world = seed_world()
    set_clock(settings)
    start, answers = threading.Barrier(5), []
    apis = [Api(world.ae) for _ in range(5)]
    sent = json.dumps(body(world))

    def send(api):
        start.wait(10)
        answers.append(api.post("changes/", sent, Idempotency_Key="once"))
        connection.close()

    threads = [threading.Thread(target=send, args=(api,)) for api in apis]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert [answer.status_code for answer in answers] == [201] * 5
    assert len({answer.content for answer in answers}) == 1
    assert sum("Idempotent-Replayed" not in answer.headers for answer in answers) == 1
    assert Change.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_while_the_first_is_at_work_the_second_is_told_to_wait(settings):
    world = seed_world()
    set_clock(settings)
    change = submitted(world)
    path, sent = f"changes/{change.number}/approve/", {"version": 1, "content_hash": change.content_hash}
    person, answers = Api(world.finance, session=True), []

    def send():
        with connection.cursor() as cursor:
            cursor.execute("SET lock_timeout = '200ms'")
        answers.append(Api(world.finance, session=True).post(path, sent, Idempotency_Key="held"))
        connection.close()

    with transaction.atomic():
        assert person.post(path, sent, Idempotency_Key="held").status_code == 200
        second = threading.Thread(target=send)
        second.start()
        second.join(30)
    (answer,) = answers
    assert (answer.status_code, answer.json()["code"]) == (409, "in_progress")
    assert person.post(path, sent, Idempotency_Key="held").status_code == 200
    assert Decision.objects.count() == 1
