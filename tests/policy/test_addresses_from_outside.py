"""What Slack and HubSpot write into their signed messages is never called, however an address is written (F93)."""

import json
import time
from urllib.parse import urlencode

import pytest

from dealops.outbox import relay
from expansion.adapters.hubspot import signing as hubspot_signing
from expansion.adapters.slack import signing
from expansion.domain.slack import APPROVE
from expansion.models import CrmEvent
from tests.policy.forms_of_addresses import FORMS

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.req("F93")]


def test_what_slack_names_to_answer_to_is_not_called(called, client, settings):
    """A signed press may carry any `response_url`; the answer goes to Slack's own address, by settings."""
    settings.SLACK_SIGNING_SECRET, settings.SLACK_TOKEN, settings.SLACK_API_URL = "shh", "xoxb", "http://127.0.0.1:9/api/"
    for form in FORMS:
        press = {
            "type": "block_actions", "user": {"id": "U1"}, "trigger_id": "t", "channel": {"id": "C1"}, "response_url": form,
            "response_urls": [{"response_url": form}], "actions": [{"action_id": APPROVE, "value": form}],
        }  # fmt: skip
        body, now = urlencode({"payload": json.dumps(press)}), str(int(time.time()))
        headers = {"X-Slack-Request-Timestamp": now, "X-Slack-Signature": signing.signature("shh", now, body.encode())}
        answer = client.post("/hooks/slack", body, content_type="application/x-www-form-urlencoded", headers=headers)
        assert answer.status_code == 200
    assert not called, "a press is only noted"
    while relay.drain(queue="notify"):
        pass
    assert set(called) == {("127.0.0.1", 9)}, "only Slack's address is"


def test_what_hubspot_writes_is_not_called(called, client, settings):
    settings.HUBSPOT_WEBHOOK_SECRET, settings.HUBSPOT_TOKEN, settings.HUBSPOT_API_URL = "shh", "pat", "http://127.0.0.1:9"
    events = [
        {"subscriptionType": "deal.propertyChange", "portalId": form, "objectId": form, "propertyName": form, "propertyValue": form,
         "occurredAt": 1, "eventId": number, "sourceUrl": form}
        for number, form in enumerate(FORMS)
    ]  # fmt: skip
    body, now = json.dumps(events).encode(), str(int(time.time() * 1000))
    signed = {"method": "POST", "uri": "http://testserver/hooks/hubspot", "body": body, "timestamp": now}
    headers = {"X-HubSpot-Request-Timestamp": now, "X-HubSpot-Signature-v3": hubspot_signing.signature("shh", **signed)}
    settings.SITE_URL = "http://testserver"
    answer = client.post("/hooks/hubspot", body, content_type="application/json", headers=headers)
    assert answer.status_code == 202
    while sum(relay.drain(queue=queue) for queue in ("bulk", "notify", "post")):
        pass
    assert CrmEvent.objects.count() == len(FORMS)
    assert set(called) <= {("127.0.0.1", 9)}
