"""How long a session lasts, asked by the page itself, which alone keeps nobody signed in."""

import time

import pytest

from dealops.accounts.middleware import SEEN
from tests.dealops.accounts.signing_in import sign_in, somebody

pytestmark = [pytest.mark.django_db, pytest.mark.req("F97")]


@pytest.fixture
def ada(settings):
    settings.SESSION_IDLE_SECONDS = 1800
    return somebody()


def unused_for(client, seconds):
    session = client.session
    session[SEEN] = int(time.time() - seconds)
    session.save()


def test_asking_keeps_nothing_alive_and_staying_does(client, ada):
    sign_in(client, ada)
    unused_for(client, 1700)
    asked = client.get("/accounts/session", headers={"X-Background": "yes"}).json()
    assert 0 < asked["left"] <= 100 and asked["can_stay"]
    assert client.get("/accounts/session", headers={"X-Background": "yes"}).json()["left"] <= 100
    assert client.post("/accounts/session", headers={"X-Background": "yes"}).json()["left"] > 1000
    assert client.get("/accounts/session", headers={"X-Background": "yes"}).json()["left"] > 1000


def test_the_live_board_keeps_nobody_signed_in(client, ada):
    sign_in(client, ada)
    unused_for(client, 1700)
    client.get("/board/live", headers={"X-Background": "yes"})
    assert time.time() - client.session[SEEN] >= 1700


def test_near_its_very_end_a_session_cannot_be_made_longer(client, ada, settings):
    settings.SESSION_COOKIE_AGE = 60
    sign_in(client, ada)
    said = client.post("/accounts/session").json()
    assert 0 < said["left"] <= 60 and not said["can_stay"]


def test_a_stranger_is_told_nothing(client):
    assert client.get("/accounts/session").status_code == 302
