"""What is of no use any more goes: ended sessions, answers kept for a repeated request, webhooks that were worked off (F114).

Money, decisions, messages to other systems and the audit log stay for good; their pages and the relay read by index, however many there
are. Rows go in slices of their own transaction, so that nothing is held for long.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from allauth.usersessions.models import UserSession as SignedIn
from django.contrib.sessions.models import Session
from django.db.models import Exists, OuterRef, QuerySet

from dealops.rest.idempotency import KEPT_FOR
from dealops.rest.models import KeyedRequest
from expansion.models import CrmEvent

SLICE = 5000
# HubSpot repeats an event for three days at most; the rest is for looking something up.
WEBHOOKS_KEPT = timedelta(days=90)
# From where somebody signed in before is what makes another place a new one.
PLACES_KEPT = timedelta(days=90)


def forget(*, now: datetime, slices: int = 100) -> dict[str, int]:
    """Remove what is too old at the wall clock's `now`, at most `slices` of each kind; answers how many rows of each went.

    A merge of two HubSpot records is kept: later events still name the record that is gone.
    """
    old = {
        "sessions": Session.objects.filter(expire_date__lt=now),
        "sign-ins": SignedIn.objects.filter(last_seen_at__lt=now - PLACES_KEPT).exclude(
            Exists(Session.objects.filter(session_key=OuterRef("session_key")))
        ),
        "repeated requests": KeyedRequest.objects.filter(created_at__lt=now - KEPT_FOR),
        "webhooks": CrmEvent.objects.filter(received_at__lt=now - WEBHOOKS_KEPT).exclude(kind="deal.merge"),
    }
    return {name: _remove(rows, slices) for name, rows in old.items()}


def _remove(rows: QuerySet, slices: int) -> int:  # type: ignore[type-arg]
    gone = 0
    for _ in range(slices):
        keys = list(rows.order_by("pk").values_list("pk", flat=True)[:SLICE])
        if not keys:
            break
        gone += rows.model._base_manager.filter(pk__in=keys).delete()[0]
    return gone
