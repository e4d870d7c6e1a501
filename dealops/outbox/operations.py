"""Putting an effect into the outbox, and the decisions of people about a parked one."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils import timezone

from dealops.accounts.models import User
from dealops.audit.operations import record
from dealops.outbox import bell
from dealops.outbox.gates import queue_in_hand
from dealops.outbox.models import OVER, Message, State

NAMESPACE = uuid.UUID("6f0f4d0e-6a0c-5b57-9d1c-8b1f3a5c2e11")
SCHEMA_VERSION = 1
BULK = "bulk"


class NotWaiting(Exception):
    """The message is not in a state in which a person can act on it."""


def enqueue(
    *,
    topic: str,
    identity: str,
    subject: str,
    payload: Mapping[str, Any],
    at: datetime | None = None,
    queue: str | None = None,
    not_before: datetime | None = None,
) -> Message:
    """Write one effect into the present transaction and ring the worker after commit.

    Unless `queue` says another, what bulk work causes is bulk work itself, and everything else goes to `post`.

    `identity` names the effect for ever (entity, change, kind, revision); its UUIDv5 is the idempotency key, so the same
    effect is written once however often it is asked for.
    """
    if not transaction.get_connection().in_atomic_block:
        raise RuntimeError("An outbox message belongs to the transaction of the change that causes it.")
    queue = queue or queue_of_what_is_caused()
    # Leases and waits run on the wall clock; business dates never come from here.
    now = at or timezone.now()
    message, created = Message.objects.get_or_create(
        key=uuid.uuid5(NAMESPACE, f"{topic}|{identity}"),
        defaults={
            "topic": topic,
            "queue": queue,
            "subject": subject,
            "payload": {"v": SCHEMA_VERSION, **payload},
            "created_at": now,
            "available_at": not_before or now,
        },
    )
    if created:
        if queue != BULK:
            _bring_forward(subject, queue)
        bell.ring_after_commit(queue)
    return message


def queue_of_what_is_caused() -> str:
    """`bulk` while bulk work is in hand, so that ten thousand approvals in one go never delay a single one (F29); else `post`."""
    return BULK if queue_in_hand.get() == BULK else "post"


def _bring_forward(subject: str, queue: str) -> None:
    """Bulk work of the same subject goes first, so it leaves the bulk queue: nobody's approval waits behind ten thousand others (F29)."""
    Message.objects.filter(subject=subject, queue=BULK).exclude(state__in=OVER).update(queue=queue)


@dataclass(frozen=True, slots=True)
class Effect:
    """One effect that was never asked for before; see `enqueue` for its parts."""

    identity: str
    subject: str
    payload: Mapping[str, Any]


def enqueue_new(*, topic: str, effects: Sequence[Effect], queue: str = "post") -> list[Message]:
    """Write many effects in one statement and ring once. An effect that was written before is an IntegrityError."""
    if not transaction.get_connection().in_atomic_block:
        raise RuntimeError("An outbox message belongs to the transaction of the change that causes it.")
    now = timezone.now()
    made = Message.objects.bulk_create(
        Message(
            key=uuid.uuid5(NAMESPACE, f"{topic}|{effect.identity}"),
            topic=topic,
            queue=queue,
            subject=effect.subject,
            payload={"v": SCHEMA_VERSION, **effect.payload},
            created_at=now,
            available_at=now,
        )
        for effect in effects
    )
    if made:
        bell.ring_after_commit(queue)
    return made


def retry(*, message_id: int, by: User | None = None, at: datetime | None = None) -> Message:
    """A person lets a parked message go again, or a waiting one at once. Whatever was sent before is looked up first."""
    with transaction.atomic():
        message = Message.objects.select_for_update().get(pk=message_id)
        if message.state not in {State.PARKED, State.UNKNOWN, State.QUEUED}:
            raise NotWaiting(f"This is {message.get_state_display().lower()} and cannot be retried.")
        if message.state == State.PARKED:
            message.state = _again(message)
        message.available_at, message.doubts = timezone.now(), 0
        message.save(update_fields=["state", "available_at", "doubts"])
        _tell(message, "outbox.retried", f"{by or 'dealops'} let {message.topic} go again.", by=by, at=at)
        bell.ring_after_commit(message.queue)
    return message


def park(*, message_id: int, reason: str, by: User | None = None, at: datetime | None = None) -> Message:
    """A person stops a waiting message; everything behind it on the same subject waits too (rule 5: park, do not guess)."""
    with transaction.atomic():
        message = Message.objects.select_for_update().get(pk=message_id)
        if message.state not in {State.QUEUED, State.UNKNOWN}:
            raise NotWaiting(f"This is {message.get_state_display().lower()} and cannot be parked.")
        message.state, message.last_words = State.PARKED, reason
        message.save(update_fields=["state", "last_words"])
        _tell(message, "outbox.parked", f"{by or 'dealops'} parked {message.topic}: {reason}", by=by, at=at, reason=reason)
    return message


def settle(*, message_id: int, reason: str, what: str, subjects: Sequence[str], chain: str, by: User, at: datetime) -> Message:
    """A person answers for a parked message: it is never sent, and what stands behind it goes on. It does not count as done.

    `what` is the thing it tells, in words; `subjects` and `chain` are where the log says so. The floor above asks who may and for which
    messages. Raises NotWaiting.
    """
    with transaction.atomic():
        message = Message.objects.select_for_update().get(pk=message_id)
        if message.state != State.PARKED:
            state = message.get_state_display().lower()
            raise NotWaiting(f"This is {state}; only what needs a person can be settled otherwise. Park it first if it shall not go out.")
        message.state, message.settled_by, message.settled_at, message.settled_reason = State.SETTLED, by, at, reason
        message.save(update_fields=["state", "settled_by", "settled_at", "settled_reason"])
        sentence = f"{by} settled {what} otherwise; it is not sent any more: {reason}"
        _tell(message, "outbox.settled", sentence, by=by, at=at, reason=reason, subjects=subjects, chain=chain)
        _ring_behind(message)
    return message


def take_up(*, message_id: int, what: str, subjects: Sequence[str], chain: str, by: User, at: datetime) -> Message:
    """The way back: what was settled otherwise is sent after all, looked up first when it was ever tried. Raises NotWaiting."""
    with transaction.atomic():
        message = Message.objects.select_for_update().get(pk=message_id)
        if message.state != State.SETTLED:
            raise NotWaiting(f"This is {message.get_state_display().lower()}, not settled otherwise; there is nothing to take up again.")
        # Held so that no worker begins one of them beside this message, whose turn comes before theirs.
        if State.SENDING in {other.state for other in message.waiting_behind().select_for_update()}:
            raise NotWaiting("Something else of the same contract is being sent this moment. Try again in a few seconds.")
        before = {"settled_by": str(message.settled_by), "settled_reason": message.settled_reason}
        message.state, message.settled_by, message.settled_at, message.settled_reason = _again(message), None, None, ""
        message.available_at, message.doubts = timezone.now(), 0
        message.save(update_fields=["state", "settled_by", "settled_at", "settled_reason", "available_at", "doubts"])
        sentence = f"{by} had {what} sent after all; it had been settled otherwise."
        _tell(message, "outbox.taken_up", sentence, by=by, at=at, before=before, subjects=subjects, chain=chain)
        bell.ring_after_commit(message.queue)
    return message


def _again(message: Message) -> State:
    """What was ever tried is looked up first (F33)."""
    return State.UNKNOWN if message.attempts else State.QUEUED


def _ring_behind(message: Message) -> None:
    for queue in sorted(set(message.waiting_behind().order_by().values_list("queue", flat=True))):
        bell.ring_after_commit(queue)


def _tell(
    message: Message,
    action: str,
    sentence: str,
    *,
    by: User | None,
    at: datetime | None,
    reason: str = "",
    before: Mapping[str, Any] | None = None,
    subjects: Sequence[str] = (),
    chain: str = "main",
) -> None:
    record(
        action=action,
        sentence=sentence,
        subjects=[message.subject, *subjects],
        chain=chain,
        at=at or timezone.now(),
        by=by,
        before=before,
        after={"message": message.pk, "state": message.state},
        reason=reason,
    )
