"""Celery's part of the billing floor: the hourly comparison with accounting."""

from __future__ import annotations

import logging

from celery import shared_task

from billing.clock import now
from billing.handlers.reconcile import everything
from dealops.audit import context

log = logging.getLogger(__name__)

LONGEST = 1800


@shared_task(name="billing.tasks.reconcile", soft_time_limit=LONGEST - 60, time_limit=LONGEST)
def reconcile() -> dict[str, int]:
    """Compare every legal entity with accounting; answers how many differences are open and how many could not be compared."""
    with context.through("task"):
        found, problems = everything(at=now())
    for problem in problems:
        log.warning("%s", problem)
    return {"differences": len(found), "not_compared": len(problems)}
