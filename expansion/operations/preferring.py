"""How a person wants to be told, beside the task in the app that is always there (S20, S0-21)."""

from __future__ import annotations

import re
from collections.abc import Collection

from django.db import transaction

from billing.domain.refusal import Refusal
from dealops.accounts.models import User
from expansion.models import NoticePreference

TOPICS = tuple(NoticePreference.Topic.values)
MEMBER_ID = re.compile(r"[UW][A-Z0-9]{5,20}")


def prefer(*, user: User, email: Collection[str], slack: Collection[str], slack_id: str = "") -> NoticePreference:
    """Keep which topics come by e-mail and which by Slack. Raises Refusal: unknown_topic, slack_id_missing, wrong_slack_id."""
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
    }
    with transaction.atomic():
        return NoticePreference.objects.update_or_create(user=user, defaults=chosen)[0]
