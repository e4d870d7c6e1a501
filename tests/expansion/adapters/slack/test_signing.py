"""What counts as a request from Slack: every changed byte, every old or early clock and every missing part is refused."""

import pytest

from expansion.adapters.slack.signing import is_genuine, signature

pytestmark = pytest.mark.req("F52", "F59")
SECRET, BODY, NOW = "8f742231b10e8888abcd99yyyzzz85a5", b"payload=%7B%22type%22%3A%22block_actions%22%7D", 1_700_000_000


def genuine(secret=SECRET, timestamp=str(NOW), given=None, body=BODY, now=NOW):
    given = signature(SECRET, str(NOW), BODY) if given is None else given
    return is_genuine(secret, timestamp=timestamp, given=given, body=body, now=now)


def test_slacks_own_example_of_its_documentation_is_genuine():
    body = (
        b"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar"
        b"&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com"
        b"%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c"
    )
    given = "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503"
    assert is_genuine(SECRET, timestamp="1531420618", given=given, body=body, now=1531420618)


def test_every_single_changed_byte_is_noticed():
    for place in range(len(BODY)):
        changed = BODY[:place] + bytes([BODY[place] ^ 1]) + BODY[place + 1 :]
        assert not genuine(body=changed)
    right = signature(SECRET, str(NOW), BODY)
    for place in range(len(right)):
        assert not genuine(given=right[:place] + chr(ord(right[place]) ^ 1) + right[place + 1 :])


@pytest.mark.parametrize(("seconds", "answer"), [(-301, False), (-300, True), (0, True), (300, True), (301, False)])
def test_five_minutes_either_way_are_the_limit(seconds, answer):
    assert genuine(now=NOW + seconds) is answer


@pytest.mark.parametrize("timestamp", ["", "soon", "-1700000000", "1e9", "٣", "9" * 40])
def test_a_clock_that_is_none_is_refused(timestamp):
    assert not genuine(timestamp=timestamp, given=signature(SECRET, timestamp, BODY))


def test_without_a_secret_or_a_signature_nothing_is_genuine():
    assert not is_genuine("", timestamp=str(NOW), given=signature("", str(NOW), BODY), body=BODY, now=NOW)
    assert not genuine(given="")
    assert not genuine(given="v0=ünïcödé")
