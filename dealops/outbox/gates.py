"""Before every call to a system with limits: is the gate open, and is it our turn? After it: what the answer says about the next one.

One row per system, moved by single statements on the database's clock, so that any number of workers on any number of hosts share one
allowance (F34), stop together when the other side is down (F35), and stop writing together when a person says so (F44, F109).
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection
from django.db.models import F

from dealops.outbox.models import Gate

# So many unanswered calls in a row shut the gate, for longer and longer.
FAILURES = 10
LONGEST_SHUT_SECONDS = 600
# How often a held message asks whether it is released.
HELD_SECONDS = 300.0
# A call whose turn comes within this long waits for it; longer waits go back to the queue.
PATIENCE_SECONDS = 2.0
# Bulk work leaves this share of the burst to people who wait for an approval (F29).
KEPT_FOR_PEOPLE = 0.5

# The queue of the work in hand: of the message that is being delivered, or of work that says so itself.
queue_in_hand: ContextVar[str] = ContextVar("queue_in_hand", default="post")


@contextmanager
def working_on(queue: str) -> Iterator[None]:
    """For the length of a block the work in hand is that of `queue`: it waits like it, and what it causes is queued with it (F29)."""
    token = queue_in_hand.set(queue)
    try:
        yield
    finally:
        queue_in_hand.reset(token)


class Shut(Exception):
    """Not now; nothing was sent. `after` is seconds until it is worth asking again."""

    def __init__(self, words: str, after: float) -> None:
        super().__init__(words)
        self.after = after


@dataclass(frozen=True, slots=True)
class Limits:
    """What the other side allows. In any minute no more than `per_minute` calls are made: `burst` at once, the rest evenly."""

    per_minute: int
    per_day: int
    burst: int = 10

    @property
    def seconds_each(self) -> float:
        return 60 / (self.per_minute - self.burst)


ENTER = """
INSERT INTO outbox_gate AS g (name, paid_until, bulk_until, day, used, failures, held, words)
     VALUES (%(name)s, clock_timestamp() + %(each)s * interval '1 second', clock_timestamp(),
             (clock_timestamp() AT TIME ZONE 'UTC')::date, 1, 0, '', '')
ON CONFLICT (name) DO UPDATE
        SET paid_until = greatest(g.paid_until, clock_timestamp()) + %(each)s * interval '1 second',
            used = CASE WHEN g.day = excluded.day THEN g.used + 1 ELSE 1 END,
            day = excluded.day
      WHERE (g.shut_until IS NULL OR g.shut_until <= clock_timestamp())
        AND (g.held = '' OR NOT %(writes)s)
        AND (%(each)s = 0 OR g.paid_until <= clock_timestamp() + %(ahead)s * interval '1 second')
        AND (%(per_day)s = 0 OR g.day <> excluded.day OR g.used < %(per_day)s)
  RETURNING 1
"""
LOOK = """
SELECT held, words, extract(epoch FROM shut_until - clock_timestamp())::float8,
       extract(epoch FROM paid_until - clock_timestamp())::float8,
       day = (clock_timestamp() AT TIME ZONE 'UTC')::date AND %(per_day)s > 0 AND used >= %(per_day)s,
       extract(epoch FROM (((clock_timestamp() AT TIME ZONE 'UTC')::date + 1)::timestamp - (clock_timestamp() AT TIME ZONE 'UTC')))::float8
  FROM outbox_gate WHERE name = %(name)s
"""
PLACE = """
UPDATE outbox_gate SET bulk_until = greatest(bulk_until, paid_until, clock_timestamp()) + %(each)s * %(calls)s * interval '1 second'
 WHERE name = %(name)s RETURNING extract(epoch FROM bulk_until - clock_timestamp())::float8
"""
# What one message costs on average: look up, create, read back, delete, read back.
CALLS_OF_A_MESSAGE = 4


def enter(name: str, *, limits: Limits | None, writes: bool) -> None:
    """Take one call's share, waiting briefly. Raises Shut when the gate is shut, held, used up for today, or the turn is far off."""
    bulk = queue_in_hand.get() == "bulk"
    each = limits.seconds_each if limits else 0.0
    burst = (limits.burst if limits else 0) * (1 - KEPT_FOR_PEOPLE if bulk else 1)
    asked = {"name": name, "each": each, "ahead": each * max(burst - 1, 0), "per_day": limits.per_day if limits else 0, "writes": writes}
    deadline = time.monotonic() + PATIENCE_SECONDS
    while (wait := _try(asked)) > 0:
        if time.monotonic() + wait > deadline:
            raise Shut("It waits for its turn: the other side takes only so many calls a minute.", _place(asked) if bulk else wait)
        time.sleep(wait)


def _try(asked: dict[str, Any]) -> float:
    """0 when the share is taken, else seconds until it is worth trying again. Raises Shut where waiting here makes no sense."""
    with connection.cursor() as cursor:
        cursor.execute(ENTER, asked)
        if cursor.fetchone():
            return 0
        cursor.execute(LOOK, asked)
        held, words, shut, ahead, used_up, until_tomorrow = cursor.fetchone()
    if held and asked["writes"]:
        raise Shut(f"Nothing is written there for now: {held}", HELD_SECONDS)
    if shut and shut > 0:
        raise Shut(words or "The other side asked to wait.", shut)
    if used_up:
        raise Shut(f"The allowance of {asked['per_day']} calls for today is used up; it goes on at midnight UTC.", until_tomorrow)
    return max(ahead - asked["ahead"], 0.01)


def _place(asked: dict[str, Any]) -> float:
    """A place of its own for each bulk message that waits, so that they do not all come back at the same moment."""
    with connection.cursor() as cursor:
        cursor.execute(PLACE, {**asked, "calls": CALLS_OF_A_MESSAGE})
        return float(cursor.fetchone()[0])


def answered(name: str) -> None:
    """The other side answered: it is there."""
    Gate.objects.filter(name=name, failures__gt=0).update(failures=0, shut_until=None, words="")


def asked_to_wait(name: str, *, seconds: float, words: str) -> None:
    """It named a time to come back (429, 503): nobody calls before that."""
    _shut(name, seconds, words)


def not_answered(name: str, *, words: str) -> None:
    """No answer, or none that helps. From FAILURES in a row on the gate is shut, for longer with each further one (F35)."""
    Gate.objects.filter(name=name).update(failures=F("failures") + 1)
    failures = Gate.objects.filter(name=name).values_list("failures", flat=True).first() or 0
    if failures >= FAILURES:
        seconds = min(15.0 * 2 ** min(failures - FAILURES, 10), LONGEST_SHUT_SECONDS)
        _shut(name, seconds, f"{failures} calls in a row were not answered; the next try is in {seconds:.0f} s. Last: {words}")


SHUT = """
UPDATE outbox_gate SET words = %(words)s,
       shut_until = greatest(coalesce(shut_until, clock_timestamp()), clock_timestamp() + %(seconds)s * interval '1 second')
 WHERE name = %(name)s
"""


def _shut(name: str, seconds: float, words: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(SHUT, {"name": name, "seconds": seconds, "words": words})


def hold(name: str, *, reason: str, at: datetime) -> None:
    """Let nothing be written there until `release`; reading goes on."""
    defaults = {"paid_until": at, "bulk_until": at, "day": at.date(), "held": reason}
    Gate.objects.update_or_create(name=name, defaults={"held": reason}, create_defaults=defaults)


def release(name: str) -> None:
    """Let writing go on."""
    Gate.objects.filter(name=name).update(held="")


__all__ = ["Limits", "Shut", "answered", "asked_to_wait", "enter", "hold", "not_answered", "queue_in_hand", "release", "working_on"]
