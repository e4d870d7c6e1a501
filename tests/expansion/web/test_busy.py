"""Somebody else holds the contract: people and programs are told to try again, and nothing is half done (F10, F13)."""

import threading

import pytest
from django.db import connection, transaction
from django.urls import reverse

from billing.operations import contracts
from expansion.models import Decision
from tests.expansion.api.conftest import Api
from tests.expansion.desk import set_clock, shown, submitted
from tests.worlds import seed_world

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.req("F10", "F13")]


@pytest.fixture
def held(settings):
    """The story's world with a submitted change, its contract locked by somebody else until the test is over."""
    world = seed_world()
    set_clock(settings)
    change = submitted(world)
    locked, over = threading.Event(), threading.Event()

    def hold():
        with transaction.atomic():
            contracts.lock(world.contract.pk)
            locked.set()
            over.wait(60)
        connection.close()

    holder = threading.Thread(target=hold)
    holder.start()
    assert locked.wait(30)
    with connection.cursor() as cursor:
        cursor.execute("SET lock_timeout = '200ms'")
    yield world, change, lambda: (over.set(), holder.join(30))
    over.set()
    holder.join(30)
    with connection.cursor() as cursor:
        cursor.execute("RESET lock_timeout")


def test_the_page_says_busy_and_keeps_the_change_as_it_was(client, held):
    world, change, _ = held
    client.force_login(world.finance)
    answer = client.post(reverse("approval_approve", args=[change.number]), shown(change))
    assert answer.status_code == 503
    assert "Nothing was written; try again in a few seconds." in answer.content.decode()
    assert not Decision.objects.exists()


def test_the_api_says_busy_with_a_time_to_come_back(held):
    world, change, let_go = held
    person = Api(world.finance, session=True)
    body = {"version": 1, "content_hash": change.content_hash}
    for headers in ({}, {"Idempotency_Key": "once"}):
        answer = person.post(f"changes/{change.number}/approve/", body, **headers)
        assert (answer.status_code, answer.headers["Content-Type"]) == (503, "application/problem+json")
        assert (answer.json()["code"], answer.headers["Retry-After"]) == ("busy", "2")
    assert not Decision.objects.exists()
    let_go()
    assert person.post(f"changes/{change.number}/approve/", body, Idempotency_Key="once").status_code == 200, "the key was not used up"
    assert Decision.objects.count() == 1
