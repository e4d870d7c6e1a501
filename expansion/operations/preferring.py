"""How a person wants to be told, beside the task in the app that is always there (S20, S0-21)."""

from __future__ import annotations

import re
from collections.abc import Collection
from datetime import time

from django.db import transaction

from billing.domain.refusal import Refusal
from dealops.accounts.models import User
from expansion.models import NoticePreference

TOPICS = tuple(NoticePreference.Topic.values)
MEMBER_ID = re.compile(r"[UW][A-Z0-9]{5,20}")


def prefer(
    *, user: User, email: Collection[str], slack: Collection[str], slack_id: str = "", quiet_from: str = "", quiet_until: str = ""
) -> NoticePreference:
    """Keep which topics come by e-mail and which by Slack, and from when until when neither does ("22:00", "07:00"; both or none).

    Raises Refusal: unknown_topic, slack_id_missing, wrong_slack_id, wrong_hours.
    """
    wrong = sorted({*email, *slack} - set(TOPICS))
    if wrong:
        raise Refusal("unknown_topic", "topic", "Choose from the topics on the page.")
    slack_id = (slack_id or "").strip().upper()
    if slack and not slack_id:
        raise Refusal("slack_id_missing", "slack_id", "Enter your member id in Slack, or switch Slack off.")
    if slack_id and not MEMBER_ID.fullmatch(slack_id):
        raise Refusal("wrong_slack_id", "slack_id", "A member id starts with U or W and has letters and digits, e.g. U024BE7LH.")
    chosen = {
        "email": [topic for topic in TOPICS if topic in email],
        "slack": [topic for topic in TOPICS if topic in slack],
        "slack_id": slack_id,
        "quiet_from": _hour(quiet_from, "quiet_from"),
        "quiet_until": _hour(quiet_until, "quiet_until"),
    }
    if (chosen["quiet_from"] is None) != (chosen["quiet_until"] is None):
        missing = "quiet_from" if chosen["quiet_from"] is None else "quiet_until"
        raise Refusal("wrong_hours", missing, "Quiet hours have a beginning and an end. Enter both, or leave both empty.")
    if chosen["quiet_from"] is not None and chosen["quiet_from"] == chosen["quiet_until"]:
        words = "Quiet hours that end when they begin would be the whole day. Untick the topics instead."
        raise Refusal("wrong_hours", "quiet_until", words)
    with transaction.atomic():
        return NoticePreference.objects.update_or_create(user=user, defaults=chosen)[0]


def _hour(text: str, field: str) -> time | None:
    """An hour and minute of the day; None for nothing."""
    text = (text or "").strip()
    try:
        return time.fromisoformat(text).replace(second=0, microsecond=0, tzinfo=None) if text else None
    except ValueError:
        raise Refusal("wrong_hours", field, "Enter the time as hour and minute, e.g. 22:00.") from None
