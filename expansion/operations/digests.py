"""A storm of notices reaches a person as some messages and one that sums up the rest (F113). In the app each stands by itself.

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


def message_of_window(notice: Notice, *, not_before: datetime | None = None) -> Message:
    """The one message that tells the rest of this window; goes out when the window is over, and not before the end of quiet hours.

    In quiet hours everything until their end is one window.
    """
    began, ends = _window()
    window = began.isoformat()
    if not_before and not_before > ends:
        window, ends = f"quiet until {not_before.isoformat()}", not_before
    identity = f"{notice.channel}|{notice.address}|{window}"
    return enqueue(
        topic=TOPIC,
        identity=identity,
        subject=f"digest:{identity}"[:80],
        payload={"channel": notice.channel, "address": notice.address},
        queue="notify",
        not_before=ends + GRACE,
    )


def _window() -> tuple[datetime, datetime]:
    seconds = int(WINDOW.total_seconds())
    began = datetime.fromtimestamp(int(timezone.now().timestamp()) // seconds * seconds, UTC)
    return began, began + WINDOW
