"""Which accounting system does not answer at the moment, and what waits for it: everything else goes on as usual."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from billing.connections import gate_name
from billing.models import LegalEntity
from dealops.accounts.models import User
from dealops.outbox.models import OVER, Gate, Message
from expansion.scope import visible


@dataclass(frozen=True, slots=True)
class Away:
    """Accounting of these legal entities is not called before `next_try`; `waiting` messages to accounting are kept for it."""

    entities: tuple[str, ...]
    waiting: int
    next_try: datetime


def away(*, user: User, at: datetime) -> Away | None:
    """What this person has to know at `at`, wall clock; None when everything answers. One query then, three otherwise."""
    shut = {gate.name: gate.shut_until for gate in Gate.objects.filter(name__startswith="accounting:", failures__gt=0, shut_until__gt=at)}
    if not shut:
        return None
    entities = [entity for entity in visible(user, LegalEntity.objects.order_by("name")) if gate_name(entity) in shut]
    if not entities:
        return None
    waiting = visible(user, Message.objects.exclude(state__in=OVER).filter(topic__startswith="accounting.")).count()
    next_try = min(until for entity in entities if (until := shut[gate_name(entity)]))
    return Away(tuple(entity.name for entity in entities), waiting, next_try)
