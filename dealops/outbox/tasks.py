"""Celery's part: wake the relay. Arguments are names and ids only."""

from __future__ import annotations

from celery import shared_task

from dealops.audit import context
from dealops.outbox import bell, relay

QUEUES = ("post", "notify", "bulk")


@shared_task(name="dealops.outbox.tasks.drain")
def drain(queue: str = "post") -> int:
    """Deliver what is due on one queue; answers how many messages were taken."""
    with context.through("task"):
        return relay.drain(queue=queue, gives_way_to="post" if queue == "bulk" else None)


@shared_task(name="dealops.outbox.tasks.sweep")
def sweep() -> None:
    """Ring for every queue that has something due, in case a ring was lost."""
    for queue in QUEUES:
        if relay.something_due(queue):
            bell.ring(queue)
