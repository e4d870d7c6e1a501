"""The story's world as Finance finds it: the demo's clock on the story day, changes made by Sales that wait."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.utils import timezone

from billing.models import DemoClock
from expansion.models import Change
from expansion.operations import changes
from tests.worlds import STORY_DAY, World


def set_clock(settings: Any, day: date = STORY_DAY) -> None:
    """Pages take the present day from the demo's clock, so that a test means the same in every year."""
    settings.DEMO = True
    DemoClock.objects.all().delete()
    DemoClock.objects.create(day=day, set_at=timezone.now())


def drafted(world: World, quantity: str = "25", *, effective: date = STORY_DAY, by: Any = None, intents: Any = None, **more: Any) -> Change:
    intents = intents or world.more_seats(quantity)
    return changes.draft(deal=world.deal, intents=intents, effective=effective, by=by or world.ae, now=world.now, **more)


def submitted(world: World, quantity: str = "25", **more: Any) -> Change:
    change = drafted(world, quantity, **more)
    by = more.get("by") or world.ae
    return changes.submit(change_id=change.pk, version=change.version, shown_hash=change.content_hash, by=by, now=world.now)


def approved(world: World, quantity: str = "25", **more: Any) -> Change:
    change = submitted(world, quantity, **more)
    return changes.approve(change_id=change.pk, version=change.version, shown_hash=change.content_hash, by=world.finance, now=world.now)


def rejected(world: World, change: Change) -> Change:
    return changes.reject(change_id=change.pk, version=change.version, reason="Ask again in July", by=world.finance, now=world.now)


def shown(change: Change) -> dict[str, str]:
    """What the form of the review page posts."""
    return {"version": str(change.version), "shown_hash": change.content_hash}
