"""Takes due messages, hands each to its handler, or several that may go in one call to theirs, notes what became of each.

Claim and result are two short transactions; the call in between holds no lock and no snapshot. The lease token fences a
worker that lost its lease: its late result changes nothing (F17, F18, F21). Leases run on the database's clock (F108).
"""

from __future__ import annotations

import logging
import random
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from itertools import takewhile
from typing import Any

from celery.exceptions import SoftTimeLimitExceeded
from django.conf import settings
from django.db import connection, transaction
from django.db.models.functions import Now
from django.utils import timezone

from dealops.outbox import bell, handlers
from dealops.outbox.crash import crash_point
from dealops.outbox.gates import working_on
from dealops.outbox.models import Attempt, Message, State

log = logging.getLogger(__name__)

# A drain ends early enough for its last message to be answered before Celery's soft limit, and rings again when there is more.
DRAIN_SECONDS = 20
# After this many tries that never became certain, a person decides (F33).
MAX_UNKNOWN = 8
# A message whose workers die one after the other is probably what kills them (F28).
MAX_LOST = 3
# A message that was uncertain so often goes alone: should one spoil the call for all, the others are not parked with it.
ALONE_AFTER = 2
BACKOFF_CAP_SECONDS = 900
LONGEST_WAIT_SECONDS = 86_400


class LeaseLost(Exception):
    """Another worker owns the message now; whatever we were about to write must not be written."""


def lease() -> timedelta:
    """How long a claimed message belongs to one worker."""
    return timedelta(seconds=settings.OUTBOX_LEASE_SECONDS)


@dataclass(slots=True)
class Delivery:
    """One claimed message in the hands of a handler."""

    message: Message
    token: uuid.UUID
    # True when an earlier attempt may have reached the other side: look there by our reference before sending (F33).
    look_first: bool
    # Workers do not march in step; messages that went in one call come back together, for the next call.
    jitter: float = field(default_factory=lambda: random.uniform(0.8, 1.2))  # noqa: S311

    @property
    def key(self) -> str:
        return str(self.message.key)

    def checkpoint(self, note: Callable[[], None]) -> None:
        """Commit a step of a longer delivery, only while the lease is ours, and extend the lease. Raises LeaseLost."""
        with transaction.atomic():
            self.renew()
            note()

    def renew(self) -> None:
        """Extend the lease right before a call that changes something over there. Raises LeaseLost."""
        if not Message.objects.filter(pk=self.message.pk, lease_token=self.token).update(lease_until=Now() + lease()):
            raise LeaseLost


# Where a claim goes on: behind the last message taken, so that it never walks over the index entries of those done before (performance 6).
Place = tuple[datetime, int]


def drain(*, queue: str, limit: int = 1000, gives_way_to: str | None = None) -> int:
    """Deliver what is due on `queue`, at most `limit` messages or DRAIN_SECONDS' worth; answers how many were taken.

    With `gives_way_to` it ends early when something is due on that queue, for this worker may be the only one that is free (F29).
    """
    taken, deadline = 0, time.monotonic() + DRAIN_SECONDS
    place: Place | None = None
    while taken < limit and time.monotonic() < deadline:
        batch = claim(queue=queue, size=1, after=place)
        if not batch and place is None:
            return taken
        if not batch:
            place = None  # once more from the start: what was behind another of its subject, and what came back
            continue
        place = (batch[-1].message.available_at, batch[-1].message.pk)
        batch += _company_or_back(batch[0], most=limit - taken)
        if len(batch) > 1:
            deliver_together(batch)
        else:
            deliver(batch[0])
        taken += len(batch)
        if gives_way_to and something_due(gives_way_to):
            break
    bell.ring(queue)
    return taken


def _due(more: str = "") -> str:
    """First of its subject, and due: waiting and its time has come, or left behind by a worker whose lease ran out.

    The latter may have been delivered: it comes back as one to be looked up first.
    """
    return f"""
  SELECT id, state AS was
    FROM outbox_message o
   WHERE queue = %(queue)s
     AND ((state IN ('queued', 'unknown') AND available_at <= now()) OR (state = 'sending' AND lease_until < now()))
     AND NOT EXISTS (SELECT 1 FROM outbox_message e
                      WHERE e.subject = o.subject AND e.id < o.id AND e.state <> 'done' AND e.state <> 'settled')
     {more}
   ORDER BY available_at, id
   LIMIT %(size)s
"""  # noqa: S608 - all parts are ours


def _claim(due: str) -> str:
    """One statement and so one transaction: the leases, the new tries, and what became of the tries of workers that disappeared.

    The first CTE is materialized so that no plan can run the locking select twice and take more than it was asked for.
    """
    return f"""
    WITH due AS MATERIALIZED ({due} FOR UPDATE SKIP LOCKED),
         taken AS (
           UPDATE outbox_message m
              SET state = 'sending', lease_token = gen_random_uuid(), lease_until = now() + %(lease)s, attempts = m.attempts + 1,
                  doubts = m.doubts + (due.was = 'sending')::int
             FROM due
            WHERE m.id = due.id
        RETURNING m.*, due.was),
         lost AS (
           UPDATE outbox_attempt a SET outcome = 'lost', ended_at = now(), words = %(lost)s
             FROM due
            WHERE a.message_id = due.id AND due.was = 'sending' AND a.outcome = 'running'),
         tried AS (
           INSERT INTO outbox_attempt (message_id, number, started_at, outcome, words)
           SELECT id, attempts, now(), 'running', '' FROM taken)
  SELECT * FROM taken ORDER BY id
"""  # noqa: S608 - all parts are ours


DUE = _due()
BEHIND = "AND (available_at, id) > (%(at)s, %(id)s)"
# Of the same topic and place over there; none that a worker died with, for that may be what kills workers.
ALIKE = f"{BEHIND} AND topic = %(topic)s AND payload ->> 'together' = %(together)s AND state <> 'sending' AND doubts < %(alone)s"
CLAIM, CLAIM_BEHIND, CLAIM_ALIKE = _claim(DUE), _claim(_due(BEHIND)), _claim(_due(ALIKE))
LOST = "The worker disappeared; what it sent is looked up first."


def something_due(queue: str) -> bool:
    """Whether the relay would find anything on `queue` now."""
    with connection.cursor() as cursor:
        cursor.execute(DUE, {"queue": queue, "size": 1})
        return cursor.fetchone() is not None


def claim(*, queue: str, size: int, after: Place | None = None) -> list[Delivery]:
    """Take up to `size` due messages behind `after`, first of each subject only, and commit the leases."""
    if after is None:
        return _taken(CLAIM, queue=queue, size=size)
    return _taken(CLAIM_BEHIND, queue=queue, size=size, at=after[0], id=after[1])


def _company_or_back(first: Delivery, *, most: int) -> list[Delivery]:
    """Its company. When the worker's time is up before anything was sent, the message goes back at once, and the limit goes on up."""
    try:
        return company(first, most=most)
    except SoftTimeLimitExceeded:
        _give_back(first)
        raise


def _give_back(delivery: Delivery) -> None:
    """Waiting again as it was before it was claimed, due at once: nothing of it was sent by this worker."""
    state = State.UNKNOWN if delivery.look_first else State.QUEUED
    try:
        _postpone(delivery, state, Attempt.Outcome.LATER, "The time of the worker was up before it was sent.", 0)
    except LeaseLost:
        log.warning("Lease of message %s was taken over; nothing was written.", delivery.message.pk)


def company(first: Delivery, *, most: int) -> list[Delivery]:
    """Take what may go in one call with a claimed message: due, behind it, of the same place over there; `most` with it."""
    message = first.message
    together = handlers.together_of(message.topic)
    word = message.payload.get("together")
    if together is None or not word or message.was == State.SENDING or message.doubts >= ALONE_AFTER:
        return []
    try:
        most = min(together.most(message), most)
    except SoftTimeLimitExceeded:
        raise
    except Exception:
        log.exception("How many of %s go together is not known; it goes alone", message.topic)
        return []
    if most <= 1:
        return []
    alike = {"topic": message.topic, "together": word, "alone": ALONE_AFTER}
    return _taken(CLAIM_ALIKE, queue=message.queue, size=most - 1, at=message.available_at, id=message.pk, **alike)


def _taken(statement: str, **facts: Any) -> list[Delivery]:
    taken = Message.objects.raw(statement, {"lease": lease(), "lost": LOST, **facts})
    return [Delivery(message, message.lease_token, look_first=message.was != State.QUEUED) for message in taken]


def deliver(delivery: Delivery) -> None:
    """Run the handler of one claimed message and note the outcome."""
    crash_point("relay.claimed")
    with working_on(delivery.message.queue):
        try:
            if _kills_workers(delivery.message):
                words = f"{MAX_LOST} workers in a row disappeared with this. A person must look; Retry on Sync lets another one try."
                _finish(delivery, State.PARKED, Attempt.Outcome.UNKNOWN, words=words)
            else:
                _attempt(delivery, lambda this: handlers.handler_for(this.message.topic)(this))
        except LeaseLost:
            log.warning("Lease of message %s was taken over; nothing was written.", delivery.message.pk)


def deliver_together(batch: Sequence[Delivery]) -> None:
    """Run the handler of several claimed messages that go in one call; each is noted by itself, as if it had gone alone."""
    crash_point("relay.claimed")
    together = handlers.together_of(batch[0].message.topic)
    assert together is not None
    with working_on(batch[0].message.queue):
        fates = _fates(together, batch)
        for delivery in batch:
            delivery.jitter = batch[0].jitter
            fate = fates.get(delivery.message.pk, handlers.NoAnswer("What became of it was not said."))
            try:
                _attempt(delivery, partial(_told, fate))
            except LeaseLost:
                log.warning("Lease of message %s was taken over; nothing was written.", delivery.message.pk)


def _fates(together: handlers.Together, batch: Sequence[Delivery]) -> dict[int, handlers.Fate]:
    fate: BaseException
    try:
        return dict(together.deliver(batch))
    except (handlers.TryLater, handlers.NoAnswer, handlers.Refused, SoftTimeLimitExceeded) as error:
        fate = error
    except Exception as error:
        log.exception("Handler of %s failed for %s messages at once", batch[0].message.topic, len(batch))
        fate = handlers.NoAnswer(_our_fault(error))
    return {delivery.message.pk: fate for delivery in batch}


def _our_fault(error: Exception) -> str:
    return f"Internal error while delivering: {type(error).__name__}"


def _told(fate: handlers.Fate, delivery: Delivery) -> Callable[[], None]:
    if isinstance(fate, BaseException):
        raise fate
    return fate


def _attempt(delivery: Delivery, handler: handlers.Handler) -> None:
    message = delivery.message
    try:
        note = handler(delivery)
        crash_point("relay.after_remote_before_commit")
        _finish(delivery, State.DONE, Attempt.Outcome.DELIVERED, words="", note=note)
        crash_point("relay.after_commit")
    except LeaseLost:
        raise
    except handlers.TryLater as wait:
        # This try did nothing, but an earlier one may have: until that is certain every try looks first.
        state = State.UNKNOWN if delivery.look_first else State.QUEUED
        _postpone(delivery, state, Attempt.Outcome.LATER, str(wait), wait.after or _backoff(message.attempts, delivery.jitter))
    except handlers.NoAnswer as silence:
        _unknown(delivery, str(silence))
    except handlers.Refused as refusal:
        _finish(delivery, State.PARKED, Attempt.Outcome.REFUSED, words=str(refusal))
    except SoftTimeLimitExceeded:
        _unknown(delivery, "It took longer than a worker may wait.")
    except Exception as error:
        # A bug of ours: what was sent is uncertain, so it is looked up before anything is sent again.
        log.exception("Handler of %s failed", message.topic)
        _unknown(delivery, _our_fault(error))


def _kills_workers(message: Message) -> bool:
    """Whether the last workers that had it all died, since a person last looked."""
    if message.doubts < MAX_LOST:
        return False
    outcomes = message.tries.filter(number__lt=message.attempts).order_by("-number").values_list("outcome", flat=True)[:MAX_LOST]
    return len(list(takewhile(lambda outcome: outcome == Attempt.Outcome.LOST, outcomes))) == MAX_LOST


def _unknown(delivery: Delivery, words: str) -> None:
    doubts = delivery.message.doubts + 1
    if doubts >= MAX_UNKNOWN:
        words = f"{words} Still not certain after {doubts} tries; a person must look."
        _finish(delivery, State.PARKED, Attempt.Outcome.UNKNOWN, words=words, doubts=doubts)
        return
    delays = settings.OUTBOX_LOOKUP_SECONDS
    _postpone(delivery, State.UNKNOWN, Attempt.Outcome.UNKNOWN, words, delays[min(doubts, len(delays)) - 1], doubts=doubts)


def _backoff(attempts: int, jitter: float) -> float:
    """Seconds until the next try: doubling, capped, with jitter so that workers do not march in step."""
    return min(2.0 ** min(attempts, 20), BACKOFF_CAP_SECONDS) * jitter


def _postpone(delivery: Delivery, state: State, outcome: str, words: str, seconds: float, *, doubts: int | None = None) -> None:
    wait = timedelta(seconds=min(seconds, LONGEST_WAIT_SECONDS))
    _finish(delivery, state, outcome, words=words, available_at=timezone.now() + wait, doubts=doubts)


def _finish(
    delivery: Delivery,
    state: State,
    outcome: str,
    *,
    words: str,
    note: Callable[[], None] | None = None,
    available_at: datetime | None = None,
    doubts: int | None = None,
) -> None:
    """Write the result and what the floors above note about it in one transaction, if the lease is still ours. Raises LeaseLost."""
    now = timezone.now()
    changes = {"state": state, "lease_token": None, "lease_until": None, "last_words": words}
    if available_at:
        changes["available_at"] = available_at
    if doubts is not None:
        changes["doubts"] = doubts
    if state == State.DONE:
        changes["done_at"] = now
    with transaction.atomic():
        if not Message.objects.filter(pk=delivery.message.pk, lease_token=delivery.token).update(**changes):
            raise LeaseLost
        Attempt.objects.filter(message_id=delivery.message.pk, number=delivery.message.attempts).update(
            outcome=outcome, ended_at=now, words=words
        )
        if note:
            note()
