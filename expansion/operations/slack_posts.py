"""Our messages in Slack: noted when they stand there, brought up to date when what they ask is decided anywhere (F59)."""

from __future__ import annotations

from typing import Final

from django.db import transaction

from dealops.outbox.operations import enqueue
from expansion.domain.workflow import State
from expansion.models import Change, Notice, SlackPost

SETTLE_TOPIC: Final = "slack.settle"
ASKING: Final = ("approval_needed", "second_needed", "decision_")


def noted(*, notice_id: int, channel: str, ts: str) -> None:
    """Slack has the message. When the change was decided while it was on its way, it is brought up to date at once."""
    with transaction.atomic():
        notice = Notice.objects.select_related("change").get(pk=notice_id)
        post, _ = SlackPost.objects.get_or_create(notice=notice, defaults={"channel": channel, "ts": ts})
        if notice.change and _asks(notice.event) and not still_asks(notice.change, notice.event):
            _enqueue(post, notice.change, posted=False)


def settle(change: Change, *, posted: bool = False) -> bool:
    """Bring every request about this change up to date that stands in Slack; answers whether there is one. In the caller's transaction.

    `posted` says that accounting has all of it.
    """
    posts = SlackPost.objects.filter(notice__change=change).select_related("notice")
    asking = [post for post in posts if _asks(post.notice.event)]
    for post in asking:
        _enqueue(post, change, posted)
    return bool(asking)


def settled(*, post_id: int, state: str) -> None:
    """Slack shows this state now."""
    SlackPost.objects.filter(pk=post_id).update(settled=state)


def still_asks(change: Change, event: str) -> bool:
    """Whether what the message asks is still open: submitted, and in the version it spoke of."""
    version = event.split(".")[1] if "." in event else ""
    return change.state == State.SUBMITTED and version == str(change.version)


def _asks(event: str) -> bool:
    return event.startswith(ASKING)


def _enqueue(post: SlackPost, change: Change, posted: bool) -> None:
    state = f"{change.state}.{change.version}{'.posted' if posted else ''}"
    enqueue(
        topic=SETTLE_TOPIC,
        identity=f"{post.pk}|{state}",
        subject=f"slack:{post.channel}:{post.ts}"[:80],
        payload={"post": post.pk, "state": state},
        queue="notify",
    )
