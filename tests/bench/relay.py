"""The relay with a handler that does nothing, beside bare claims of a hundred: what leases, tries and the log of them cost."""

import uuid
from datetime import UTC, datetime

from django.db import connection, transaction

from dealops.outbox import handlers, relay
from dealops.outbox.models import Message
from tests.bench.registry import job, ratio

SIZE, BATCH = 1000, 100
EARLIER = datetime(2026, 1, 1, tzinfo=UTC)
TABLE = """
CREATE SCHEMA IF NOT EXISTS floor;
CREATE TABLE IF NOT EXISTS floor.queue (id bigserial PRIMARY KEY, key uuid NOT NULL UNIQUE, subject text NOT NULL, payload jsonb NOT NULL,
    state text NOT NULL DEFAULT 'queued', available_at timestamptz NOT NULL, lease_token uuid, lease_until timestamptz,
    attempts int NOT NULL DEFAULT 0);
CREATE INDEX IF NOT EXISTS queue_due ON floor.queue (available_at, id) WHERE state = 'queued';
"""
CLAIM = """
UPDATE floor.queue SET state = 'sending', lease_token = gen_random_uuid(), lease_until = now() + interval '60 s', attempts = attempts + 1
 WHERE id IN (SELECT id FROM floor.queue WHERE state = 'queued' AND available_at <= now() ORDER BY available_at, id LIMIT %s
                FOR UPDATE SKIP LOCKED) RETURNING id
"""


def bare():
    with connection.cursor() as cursor:
        while True:
            with transaction.atomic():
                cursor.execute(CLAIM, [BATCH])
                taken = [row[0] for row in cursor.fetchall()]
            if not taken:
                return
            with transaction.atomic():
                cursor.execute("UPDATE floor.queue SET state = 'done' WHERE id = ANY(%s)", [taken])


def fill():
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO floor.queue (key, subject, payload, available_at) "
            "SELECT gen_random_uuid(), 'contract:' || n, '{}', %s FROM generate_series(1, %s) n",
            [EARLIER, SIZE],
        )
    Message.objects.bulk_create(
        Message(key=uuid.uuid4(), topic="bench.effect", queue="bulk", subject=f"bench:{n}", created_at=EARLIER, available_at=EARLIER)
        for n in range(SIZE)
    )


@job("relay")
def drained():
    """Messages of different subjects, so that all are due at once."""
    handlers.register("bench.effect", lambda delivery: lambda: None)
    with connection.cursor() as cursor:
        cursor.execute(TABLE)

    def floor():
        bare()

    def ours():
        while relay.drain(queue="bulk"):
            pass

    figures = []
    for _ in range(3):
        fill()
        figures.append(ratio(floor, ours, pairs=1, per=SIZE))
        assert not Message.objects.filter(topic="bench.effect").exclude(state="done").exists()
    found = sorted(figures, key=lambda one: one["ratio"])[1]
    rate = {"messages_per_second": round(1000 / found["ours_ms"])}
    return {"floor": "claims of 100 with SKIP LOCKED and a lease, no handler, no tries kept", "messages": SIZE, **found, **rate}
