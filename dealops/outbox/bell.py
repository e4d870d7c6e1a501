"""The doorbell: tells a worker that there is something to look at. Losing a ring delays, never loses (F23, F24)."""

from __future__ import annotations

import logging
import time
from functools import cache
from typing import Any

from celery import current_app
from django.db import transaction
from kombu import pools
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

log = logging.getLogger(__name__)

# A person waits for the ring: one try, no patience. And a broker that is down is left alone for a while, so that it costs one
# request that wait, not every request.
IMPATIENT = {"max_retries": 0, "socket_connect_timeout": 1, "socket_timeout": 2}
SILENCE_SECONDS = 5.0
_broken_until = 0.0


@cache
def _producers() -> Any:
    return pools.producers[current_app.connection_for_write(transport_options=IMPATIENT)]


def ring(queue: str) -> None:
    """Wake the relay for `queue`. Called after commit only; a broker that is down is noted, the sweeper comes by itself."""
    from dealops.outbox.tasks import drain

    global _broken_until
    if time.monotonic() < _broken_until:
        return
    try:
        with _producers().acquire(block=True) as producer:
            drain.apply_async(kwargs={"queue": queue}, queue=queue, producer=producer, retry=False, expires=60)
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
