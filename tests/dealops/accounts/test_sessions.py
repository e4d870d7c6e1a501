"""How long one stays signed in, where, and how one ends it (F85, F97)."""

import time

import pytest
from django.test import Client

from dealops.accounts.middleware import SEEN, STARTED
from tests.dealops.accounts.signing_in import is_in, sign_in, somebody

pytestmark = [pytest.mark.django_db, pytest.mark.req("F97")]


@pytest.fixture
def ada():
    return somebody()


def ago(client, *, seen, started):
    """The session as if it had been begun and used that many seconds ago."""
    session = client.session
    session[SEEN], session[STARTED] = int(time.time() - seen), int(time.time() - started)
    session.save()


@pytest.mark.parametrize(
    ("seen", "started", "stays"),
    [(10, 10, True), (1700, 3000, True), (1801, 3000, False), (10, 43_100, True), (10, 43_201, False)],
)
def test_a_session_ends_when_idle_and_when_old(client, ada, settings, seen, started, stays):
    settings.SESSION_IDLE_SECONDS = 1800
    sign_in(client, ada)
    ago(client, seen=seen, started=started)
    assert (client.get("/home").status_code == 200) is stays
    assert is_in(client) is stays


def test_the_person_reads_why(client, ada, settings):
    settings.SESSION_IDLE_SECONDS = 1800
    sign_in(client, ada)
    ago(client, seen=4000, started=5000)
    assert "You were away for a while" in client.get("/home", follow=True).content.decode()


def test_use_is_noted_once_a_minute_and_costs_nothing_in_between(client, ada, django_assert_num_queries):
    sign_in(client, ada)
    noted = client.session[SEEN]
    client.get("/home")
    assert client.session[SEEN] == noted
    ago(client, seen=61, started=100)
    client.get("/home")
    assert client.session[SEEN] >= noted


def test_signing_in_gives_a_new_session(client, ada):
    client.get("/accounts/login/")
    before = client.session.session_key
    sign_in(client, ada)
    assert client.session.session_key != before


def test_other_sessions_are_seen_and_ended(client, ada):
    phone = Client(headers={"User-Agent": "Telephone/1.0"})
    sign_in(phone, ada)
    sign_in(client, ada)
    page = client.get("/accounts/sessions/").content.decode()
    assert "Telephone/1.0" in page and "This browser" in page
    client.post("/accounts/sessions/")
    assert is_in(client)
    assert phone.get("/home").status_code == 302


def test_nobody_sees_the_sessions_of_another(client, ada):
    other = somebody(email="fay@example.test", name="Fay")
    sign_in(Client(headers={"User-Agent": "Secret browser"}), other)
    sign_in(client, ada)
    assert "Secret browser" not in client.get("/accounts/sessions/").content.decode()


def test_a_new_password_ends_the_other_sessions(client, ada):
    phone = Client()
    sign_in(phone, ada)
    sign_in(client, ada)
    answer = client.post(
        "/accounts/password/change/",
        {"oldpassword": "correct horse battery", "password1": "another horse battery", "password2": "another horse battery"},
    )
    assert answer.status_code == 302
    assert client.get("/home").status_code == 200
    assert phone.get("/home").status_code == 302


def changed_to(client, password):
    """The status of a change of password: 302 when it was taken, 200 with the form when not."""
    form = {"oldpassword": "correct horse battery", "password1": password, "password2": password}
    return client.post("/accounts/password/change/", form).status_code


@pytest.mark.parametrize("password", ["short one", "adaellis@example", "qwerty123456"])
def test_weak_passwords_are_refused(client, ada, password):
    sign_in(client, ada)
    assert changed_to(client, password) == 200


@pytest.mark.parametrize("password", ["four words in a row", "zażółć gęślą jaźń", "s" * 70 + " and more"])
def test_long_ones_are_taken_whatever_they_are_made_of(client, ada, password):
    sign_in(client, ada)
    assert changed_to(client, password) == 302


@pytest.mark.req("F85")
def test_a_person_who_is_switched_off_is_out_at_the_next_click(client, ada):
    sign_in(client, ada)
    ada.is_active = False
    ada.save()
    assert client.get("/home").status_code == 302


def test_signing_out_ends_the_session_on_the_server(client, ada):
    sign_in(client, ada)
    copied = client.cookies["sid"].value
    client.post("/accounts/logout/")
    thief = Client()
    thief.cookies["sid"] = copied
    assert thief.get("/home").status_code == 302
