"""Asking too often is answered with 429 and the time to come back (F101, ASVS 2.4.1)."""

import pytest
from django.core.cache import cache
from django.test import Client

from tests.dealops.rest.tokens import header_for
from tests.expansion.web import makers

pytestmark = [pytest.mark.django_db, pytest.mark.req("F101")]


@pytest.fixture(autouse=True)
def no_memory_of_earlier_tests():
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
def few(settings):
    settings.API_RATES = {"read": "3/min", "write": "2/min", "stranger": "2/min"}


def test_reads_and_writes_are_counted_per_person(client, few):
    one, other = header_for(makers.person()), header_for(makers.person(name="Other"))
    answers = [client.get("/api/v1/deals/", headers=one) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert int(answers[3].headers["Retry-After"]) > 0
    assert answers[3].json()["detail"]
    assert client.get("/api/v1/deals/", headers=other).status_code == 200
    writes = [client.post("/api/v1/changes/", {}, content_type="application/json", headers=one).status_code for _ in range(3)]
    assert writes[2] == 429 and 429 not in writes[:2]


def test_strangers_are_counted_by_their_address_and_cannot_make_one_up(client, few):
    def ask(**said):
        return client.post("/api/v1/quotes/", {}, content_type="application/json", **said).status_code

    assert [ask(), ask(), ask()][2] == 429
    assert ask(headers={"X-Forwarded-For": "203.0.113.9"}) == 429
    assert ask(REMOTE_ADDR="203.0.113.9") == 400


def test_without_the_cache_requests_pass(client, few, settings):
    settings.CACHES = {"default": {**settings.CACHES["default"], "LOCATION": "redis://127.0.0.1:1/0"}}
    headers = header_for(makers.person())
    assert [client.get("/api/v1/deals/", headers=headers).status_code for _ in range(5)] == [200] * 5


def test_signing_in_and_resetting_too_often_shows_a_page_of_ours(client):
    answers = [Client().post("/accounts/password/reset/", {"email": f"p{n}@example.test"}) for n in range(21)]
    assert answers[-1].status_code == 429
    assert answers[-1].headers["Retry-After"] == "60"
    assert "Wait a minute" in answers[-1].content.decode()
