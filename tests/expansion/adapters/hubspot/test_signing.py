"""What counts as a request from HubSpot: every changed byte, every old or early clock, another host and every missing part is refused."""

import base64
import hmac

import pytest

from expansion.adapters.hubspot.signing import is_genuine, signature

pytestmark = pytest.mark.req("F52")
SECRET, NOW, TIMESTAMP = "yyyyyyyy-yyyy-yyyy-yyyy-yyyyyyyyyyyy", 1_700_000_000, "1700000000000"
URI, BODY = "https://dealops.example/hooks/hubspot", b'[{"eventId":1,"subscriptionType":"deal.deletion","objectId":77}]'
RIGHT = signature(SECRET, method="POST", uri=URI, body=BODY, timestamp=TIMESTAMP)


def genuine(**other):
    given = {"method": "POST", "uri": URI, "body": BODY, "timestamp": TIMESTAMP, "given": RIGHT, "now": NOW} | other
    return is_genuine(given.pop("secret", SECRET), **given)


def test_the_signature_is_the_hmac_over_method_address_body_and_moment():
    assert base64.b64encode(hmac.digest(SECRET.encode(), b"POST" + URI.encode() + BODY + TIMESTAMP.encode(), "sha256")).decode() == RIGHT
    assert genuine()


def test_every_single_changed_byte_is_noticed():
    for place in range(len(BODY)):
        assert not genuine(body=BODY[:place] + bytes([BODY[place] ^ 1]) + BODY[place + 1 :])
    for place in range(len(RIGHT)):
        assert not genuine(given=RIGHT[:place] + chr(ord(RIGHT[place]) ^ 1) + RIGHT[place + 1 :])
    for place in range(len(URI)):
        assert not genuine(uri=URI[:place] + chr(ord(URI[place]) ^ 1) + URI[place + 1 :])


@pytest.mark.parametrize(("seconds", "answer"), [(-301, False), (-300, True), (0, True), (300, True), (301, False)])
def test_five_minutes_either_way_are_the_limit(seconds, answer):
    assert genuine(now=NOW + seconds) is answer


@pytest.mark.parametrize(
    "missing", [{"timestamp": ""}, {"given": ""}, {"secret": ""}, {"method": "GET"}, {"uri": "https://elsewhere.example/hooks/hubspot"}]
)
def test_a_missing_header_another_method_or_another_host_is_refused(missing):
    assert not genuine(**missing)


@pytest.mark.parametrize("timestamp", ["soon", "-1700000000000", "1e12", "٣", "9" * 40, "1700000000001"])
def test_a_strange_or_changed_moment_is_refused(timestamp):
    assert not genuine(timestamp=timestamp)


def test_the_address_is_signed_with_hubspots_escapes_undone_and_no_others():
    plain = signature(SECRET, method="POST", uri=f"{URI}?a=x:y&b=%20", body=BODY, timestamp=TIMESTAMP)
    assert genuine(uri=f"{URI}?a=x%3Ay&b=%20", given=plain)
    assert not genuine(uri=f"{URI}?a=x%3Ay&b= ", given=plain)
