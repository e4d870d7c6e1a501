"""`manage.py slack_test`: does the token work, and can we post to the channel?"""

from __future__ import annotations

import uuid
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from expansion.adapters.slack import RefusedBySlack, RetryLater, Slack, Unknown


class Command(BaseCommand):
    help = "Say the name of the Slack workspace and post one line to SLACK_CHANNEL."

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.SLACK_TOKEN:
            raise CommandError("SLACK_TOKEN is not set; see docs/connect-slack.md.")
        slack = Slack(settings.SLACK_TOKEN, settings.SLACK_API_URL)
        try:
            self.stdout.write(f"Workspace: {slack.workspace()}")
            slack.post(settings.SLACK_CHANNEL, "dealops can post here.", [], key=str(uuid.uuid4()))
        except (RefusedBySlack, RetryLater, Unknown) as error:
            raise CommandError(f"{error} Check SLACK_TOKEN, SLACK_CHANNEL and that the bot is in the channel.") from None
        self.stdout.write(f"Posted to {settings.SLACK_CHANNEL}.")
