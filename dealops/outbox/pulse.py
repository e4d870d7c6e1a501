"""Signs of life: when the clock last struck, and how long what is due has waited (F117, F118). All on the database's clock (F108)."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import close_old_connections, connection

from dealops.outbox.relay import DUE

CLOCK = "clock"
# Beat notes its strokes itself, for a busy worker would be late; so may a busy machine, by this much.
LATE_STROKE_SECONDS = 20.0
# How long something may be due before it counts as stuck. Bulk work waits for its turn by design (F29).
LATE_SECONDS = {"post": 300.0, "notify": 300.0, "bulk": 3600.0}

NOTE = """
INSERT INTO outbox_pulse (name, beaten_at) VALUES (%s, clock_timestamp())
ON CONFLICT (name) DO UPDATE SET beaten_at = excluded.beaten_at
"""
SILENCE = "SELECT extract(epoch FROM clock_timestamp() - beaten_at)::float8 FROM outbox_pulse WHERE name = %s"
WAITED = f"""
SELECT extract(epoch FROM now() - greatest(m.available_at, m.lease_until))::float8
  FROM outbox_message m JOIN ({DUE}) AS due USING (id)
"""  # noqa: S608 - both halves are ours


def note(name: str) -> None:
    """Somebody of this name is alive now."""
    with connection.cursor() as cursor:
        cursor.execute(NOTE, [name])


def silence(name: str) -> float | None:
    """Seconds since the last sign of life; None when there never was one."""
    with connection.cursor() as cursor:
        cursor.execute(SILENCE, [name])
        row = cursor.fetchone()
    return row[0] if row else None


def silent_after() -> float:
    """Seconds without a stroke after which the clock counts as silent: two strokes and a half, as set, and some time for a busy machine."""
    return 2.5 * settings.OUTBOX_SWEEP_SECONDS + LATE_STROKE_SECONDS


def longest_wait(queue: str) -> float:
    """Seconds for which the first message of `queue` has been due; 0 when nothing is due. What is parked, or behind that, is not due."""
    with connection.cursor() as cursor:
        cursor.execute(WAITED, {"queue": queue, "size": 1})
        row = cursor.fetchone()
    return max(row[0], 0.0) if row else 0.0


def clock_struck(**_: Any) -> None:
    """Beat has rung for the sweeper, and the broker took it."""
    close_old_connections()
    note(CLOCK)
