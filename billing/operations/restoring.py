"""After a restore from a backup: whatever waits may have been posted already, later than the backup (F109)."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from dealops.audit.operations import record
from dealops.outbox.models import Message, State

WORDS = "Restored from a backup; looked up before it is sent."


def look_up_everything_first(*, at: datetime) -> int:
    """Every message to accounting that waits becomes one that is looked up first; answers how many. Twice does no harm."""
    with transaction.atomic():
        waiting = Message.objects.filter(topic__startswith="accounting.", state=State.QUEUED)
        ids = list(waiting.select_for_update(skip_locked=True).values_list("pk", flat=True))
        # Queued is only left by way of parked: the table of legal moves knows no shorter one.
        Message.objects.filter(pk__in=ids).update(state=State.PARKED, last_words=WORDS)
        Message.objects.filter(pk__in=ids).update(state=State.UNKNOWN)
        record(
            action="outbox.restored",
            sentence=f"Posting is held after a restore; {len(ids)} waiting messages are looked up first.",
            subjects=["accounting"],
            at=at,
            after={"messages": len(ids)},
        )
    return len(ids)
