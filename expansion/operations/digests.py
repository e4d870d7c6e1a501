"""What reaches a person together: the rest of a storm of notices, and what quiet hours held back (F113). In the app each stands by itself.

A storm is measured in the moments of what happened; the windows in which the rest is gathered run on the wall clock.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from django.utils import timezone

from dealops.outbox.models import Message
from dealops.outbox.operations import enqueue
from expansion.models import Notice

TOPIC = "notice.digest"
# From so many on within a window, what comes is gathered.
A_STORM = 30
WINDOW = timedelta(minutes=10)
# Whatever was begun in a window has been committed by then.
GRACE = timedelta(minutes=1)
# Decisions whose time runs out or is over stand by themselves in the morning as well.
PRESSING = ("decision_soon", "decision_late", "decision_escalated")


def is_storm(notice: Notice) -> bool:
    """Whether this person was told of so much lately that the rest comes together. A team's channel is never gathered: it decides there.

    Counted by the notices in the app, of which there is one for each event. One query.
    """
    if notice.recipient is None:
        return False
    lately = Notice.objects.filter(
        recipient=notice.recipient,
        channel=Notice.Channel.IN_APP,
        created_at__gt=notice.created_at - WINDOW,
        created_at__lte=notice.created_at,
    )
    return lately.count() > A_STORM


def goes_with_others(notice: Notice, *, quiet_until: datetime | None) -> bool:
    """Whether this is told together with others: in a storm, and in quiet hours unless it presses. At most one query."""
    is_held_back = quiet_until is not None and not notice.event.startswith(PRESSING)
    return is_held_back or is_storm(notice)


def message_of_window(notice: Notice, *, not_before: datetime | None = None) -> Message:
    """The one message that tells the rest of this window; goes out when the window is over.

    In quiet hours everything until their end (`not_before`) is one window.
    """
    began, ends = _window()
    window = began.isoformat()
    if not_before:
        window, ends = f"quiet until {not_before.isoformat()}", not_before
    identity = f"{notice.channel}|{notice.address}|{window}"
    return enqueue(
        topic=TOPIC,
        identity=identity,
        subject=f"digest:{identity}"[:80],
        payload={"channel": notice.channel, "address": notice.address, "is_quiet": not_before is not None},
        queue="notify",
        not_before=ends + GRACE,
    )


def _window() -> tuple[datetime, datetime]:
    seconds = int(WINDOW.total_seconds())
    began = datetime.fromtimestamp(int(timezone.now().timestamp()) // seconds * seconds, UTC)
    return began, began + WINDOW
