"""The doorbell: tells a worker that there is something to look at. Losing a ring delays, never loses (F23, F24)."""

from __future__ import annotations

import logging

from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

log = logging.getLogger(__name__)


def ring(queue: str) -> None:
    """Wake the relay for `queue`. Called after commit only; a broker that is down is noted, the sweeper comes by itself."""
    from dealops.outbox.tasks import drain

    try:
        drain.apply_async(kwargs={"queue": queue}, queue=queue, retry=False, expires=60)
    except (OperationalError, RedisError, OSError) as error:
        log.warning("The bell for %s did not ring (%s); the sweeper will find the rows.", queue, error)
