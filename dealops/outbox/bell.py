"""The doorbell: tells a worker that there is something to look at. Losing a ring delays, never loses (F23, F24)."""

from __future__ import annotations

import logging
import time

from django.db import transaction
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

log = logging.getLogger(__name__)

# A broker that is down costs one request the wait for it, not every request and not once per message.
SILENCE_SECONDS = 5.0
_broken_until = 0.0


def ring(queue: str) -> None:
    """Wake the relay for `queue`. Called after commit only; a broker that is down is noted, the sweeper comes by itself."""
    from dealops.outbox.tasks import drain

    global _broken_until
    if time.monotonic() < _broken_until:
        return
    try:
        drain.apply_async(kwargs={"queue": queue}, queue=queue, retry=False, expires=60)
    except (OperationalError, RedisError, OSError) as error:
        _broken_until = time.monotonic() + SILENCE_SECONDS
        log.warning("The bell for %s did not ring (%s); the sweeper will find the rows.", queue, error)


class Ring:
    """One ring of one queue, after commit; equal ones of one transaction are one."""

    def __init__(self, queue: str) -> None:
        self.queue = queue

    def __call__(self) -> None:
        ring(self.queue)


def ring_after_commit(queue: str) -> None:
    """Ring once when the present transaction has committed, however many messages it wrote."""
    waiting = transaction.get_connection().run_on_commit
    if not any(isinstance(function, Ring) and function.queue == queue for _, function, _ in waiting):
        transaction.on_commit(Ring(queue), robust=True)
