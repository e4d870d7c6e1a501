"""A person has read what they were told."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from dealops.accounts.models import User
from expansion.models import Notice


def mark_read(*, by: User, now: datetime, notices: Sequence[int] | None = None) -> int:
    """Mark these of the person's own in-app notices as read, or all of them; answers how many were unread until now."""
    mine = Notice.objects.filter(recipient=by, channel=Notice.Channel.IN_APP, read_at__isnull=True)
    if notices is not None:
        mine = mine.filter(pk__in=notices)
    return mine.update(read_at=now)
