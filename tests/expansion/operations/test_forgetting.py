"""What grows without end either goes in slices or is read by index (F114)."""

import json
from datetime import timedelta

import pytest
from django.contrib.sessions.models import Session
from django.db import connection
from django.utils import timezone

from dealops.outbox import relay
from dealops.outbox.models import Message
from dealops.rest.models import KeyedRequest
from expansion.models import CrmEvent
from expansion.operations import forgetting
from tests.expansion.web import makers

pytestmark = [pytest.mark.django_db, pytest.mark.req("F114")]

NOW = timezone.now()


def session(name, *, ends):
    return Session(session_key=name, session_data="", expire_date=NOW + ends)


def webhook(name, *, age, kind="deal.propertyChange"):
    return CrmEvent(portal="1", kind=kind, object_id=name, occurred_at=1, event_id=name, received_at=NOW - age)


def test_what_is_of_no_use_goes_in_slices_and_the_rest_stays(monkeypatch):
    monkeypatch.setattr(forgetting, "SLICE", 3)
    day = timedelta(days=1)
    Session.objects.bulk_create([session(f"over{n}", ends=-day) for n in range(7)] + [session("living", ends=day)])
    person = makers.person()
    KeyedRequest.objects.bulk_create(
        [KeyedRequest(user=person, key=str(n), request_hash="x", created_at=NOW - 40 * n * day) for n in range(2)]
    )
    CrmEvent.objects.bulk_create(
        [webhook("old", age=91 * day), webhook("young", age=89 * day), webhook("merged", age=400 * day, kind="deal.merge")]
    )
    assert forgetting.forget(now=NOW) == {"sessions": 7, "sign-ins": 0, "repeated requests": 1, "webhooks": 1}
    assert list(Session.objects.values_list("pk", flat=True)) == ["living"]
    assert set(CrmEvent.objects.values_list("object_id", flat=True)) == {"young", "merged"}
    assert set(forgetting.forget(now=NOW).values()) == {0}


def test_one_run_removes_no_more_than_its_slices(monkeypatch):
    monkeypatch.setattr(forgetting, "SLICE", 2)
    Session.objects.bulk_create([session(f"over{n}", ends=-timedelta(days=1)) for n in range(7)])
    assert forgetting.forget(now=NOW, slices=2)["sessions"] == 4


DELIVERED = """
INSERT INTO outbox_message (key, topic, queue, subject, payload, state, created_at, available_at, attempts, doubts, last_words, done_at)
SELECT gen_random_uuid(), 'test.done', 'post', 'contract:C-' || n %% 500, '{}', 'done', now(), now() - interval '1 day', 1, 0, '', now()
  FROM generate_series(1, %s) n
"""


def test_the_relay_reads_no_more_pages_with_fifty_thousand_delivered_messages_than_with_none():
    def pages():
        with connection.cursor() as cursor:
            cursor.execute("EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) " + relay.DUE, {"queue": "post", "size": 20})
            (found,) = json.loads(plan) if isinstance(plan := cursor.fetchone()[0], str) else plan
        return found["Plan"]["Shared Hit Blocks"] + found["Plan"]["Shared Read Blocks"]

    with connection.cursor() as cursor:
        cursor.execute(DELIVERED, [50_000])
        Message.objects.bulk_create(
            Message(
                key=f"00000000-0000-0000-0000-{n:012}",
                topic="test.due",
                subject=f"contract:D-{n}",
                created_at=NOW,
                available_at=NOW - timedelta(days=2),
            )
            for n in range(20)
        )
        cursor.execute("ANALYZE outbox_message")
    assert pages() < 200, "a thousand pages hold the delivered ones"
