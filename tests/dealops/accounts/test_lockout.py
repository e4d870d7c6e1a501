"""Guessing gets slow, with the time to try again; a stranger locks nobody out (F96)."""

import pytest
from django.core.cache import cache
from django.test import Client

from dealops.accounts import lockout
from tests.dealops.accounts.signing_in import is_in, sign_in, somebody

pytestmark = [pytest.mark.django_db, pytest.mark.req("F96")]
HOME, STRANGER = {"REMOTE_ADDR": "192.0.2.10"}, {"REMOTE_ADDR": "198.51.100.66"}


@pytest.fixture
def ada():
    return somebody()


def pair(place="192.0.2.10", email="ada@example.test", known=True):
    return lockout.counts(email=email, place=place, known_place=known)


def test_after_five_wrong_tries_the_page_says_when_to_come_back_and_the_right_one_waits_too(client, ada):
    pages = [sign_in(client, ada, "wrong", **HOME).content.decode() for _ in range(6)]
    assert all("are not correct" in page for page in pages[:5])
    assert "Try again in a minute" in pages[5]
    sign_in(client, ada, **HOME)
    assert not is_in(client)


def test_an_unknown_e_mail_is_held_back_the_same_way(client):
    for _ in range(5):
        client.post("/accounts/login/", {"login": "nobody@example.test", "password": "wrong"}, **HOME)
    assert (
        "Try again in a minute"
        in client.post("/accounts/login/", {"login": "nobody@example.test", "password": "wrong"}, **HOME).content.decode()
    )


def test_a_stranger_elsewhere_does_not_lock_the_person_out(ada):
    stranger, home = Client(), Client()
    for _ in range(8):
        sign_in(stranger, ada, "wrong", **STRANGER)
    sign_in(home, ada, **HOME)
    assert is_in(home)


def test_many_strangers_slow_down_unknown_places_but_never_a_known_one(ada):
    for number in range(99):
        lockout.enter(pair(place=f"198.51.100.{number}", known=False))
    assert lockout.enter(pair(place="203.0.113.1", known=False)) == 0
    assert lockout.enter(pair(place="203.0.113.2", known=False)) > 0
    assert lockout.enter(pair(place="192.0.2.10", known=True)) == 0


def test_a_place_at_which_the_person_was_signed_in_is_known(ada):
    first = Client()
    sign_in(first, ada, **HOME)
    for number in range(120):
        lockout.enter(pair(place=f"198.51.100.{number}", known=False))
    again = Client()
    sign_in(again, ada, **HOME)
    assert is_in(again)


def test_one_place_cannot_try_one_password_on_everybody(client):
    for number in range(31):
        held = lockout.enter(pair(place="198.51.100.66", email=f"person{number}@example.test"))
    assert held > 0


def test_waits_double_up_to_a_quarter_of_an_hour_and_are_forgotten():
    count = lockout.Count("pair", "x", free=4)
    waits, now = [], 1_000_000.0
    for _ in range(4):
        assert lockout.enter([count], at=now) == 0
    for _ in range(7):
        assert lockout.enter([count], at=now) == 0
        cache.touch(count.gate, 3600)
        waits.append(lockout.enter([count], at=now))
        now += waits[-1] + 1
        cache.delete(count.gate)
    assert waits == [60, 120, 240, 480, 900, 900, 900]
    cache.delete(count.tries)
    assert lockout.enter([count], at=now) == 0


def test_the_right_password_begins_anew(ada):
    browser = Client()
    for _ in range(3):
        for _ in range(4):
            sign_in(browser, ada, "wrong", **HOME)
        fresh = Client()
        sign_in(fresh, ada, **HOME)
        assert is_in(fresh)


@pytest.mark.parametrize(("seconds", "words"), [(1, "in a minute"), (60, "in a minute"), (61, "in 2 minutes"), (900, "in 15 minutes")])
def test_the_sentence(seconds, words):
    assert words in lockout.sentence(seconds)
