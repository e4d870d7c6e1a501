"""Celery's part of the floor: the work of the business day, by the clock."""

from __future__ import annotations

import logging
from dataclasses import asdict

from celery import shared_task
from django.utils import timezone

from billing.clock import business_date, now
from billing.models import LegalEntity
from dealops.audit import context
from expansion.operations import crm_inbox, daily, forgetting, importing, motion
from expansion.queries import crm

log = logging.getLogger(__name__)

LONDON = "Europe/London"
# A first run over a large portfolio takes minutes; stopped, the next one goes on where it stopped.
LONGEST = 3600


@shared_task(name="expansion.tasks.business_day", soft_time_limit=LONGEST - 60, time_limit=LONGEST)
def business_day() -> dict[str, int]:
    """Do what is due at every legal entity by its own business date; answers how many invoices each got. Once, however many clocks run."""
    issued: dict[str, int] = {}
    moment = now()
    importing.forget(now=moment)
    with context.through("task"):
        for entity in LegalEntity.objects.order_by("code"):
            with daily.alone(entity) as held:
                if not held:
                    continue
                done = daily.catch_up(on=business_date(entity.time_zone, moment), at=lambda _: moment, entity=entity)
            issued[entity.code] = done.issued
            if done.failed:
                log.warning("%s contracts of %s could not be billed: %s", len(done.failed), entity.code, ", ".join(sorted(done.failed)))
    return issued


@shared_task(name="expansion.tasks.crm_poll")
def crm_poll() -> None:
    """Once an hour, have the relay look for what no webhook of HubSpot told (F57)."""
    if crm.is_connected():
        crm_inbox.ask_poll(now=timezone.now())


@shared_task(name="expansion.tasks.forget")
def forget() -> dict[str, int]:
    """Once an hour, remove what is of no use any more (F114)."""
    return forgetting.forget(now=timezone.now())


@shared_task(name="expansion.tasks.plays")
def plays() -> dict[str, int]:
    """Evaluate the plays when the last evaluation is an hour old, and look at what was expanded."""
    moment = now()
    if not motion.is_due(at=moment):
        return {}
    with context.through("task"):
        done = motion.hour(on=business_date(LONDON, moment), at=moment)
    return asdict(done)
