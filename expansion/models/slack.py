"""Who somebody is in Slack, and where our messages stand there, so that they can be brought up to date (F59)."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from expansion.models.notices import Notice


class SlackAccount(models.Model):
    """A member of the Slack workspace who is this person: proved by a link shown only to the member and opened while signed in here."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="slack_account")
    member = models.CharField(max_length=40, unique=True, help_text="Slack's member id, e.g. U024BE7LH")
    connected_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.member} is {self.user}"


class SlackPost(models.Model):
    """Where a notice stands in Slack. `settled` is the last version of its words: empty while its buttons are live."""

    notice = models.OneToOneField(Notice, on_delete=models.PROTECT, related_name="slack_post")
    channel = models.CharField(max_length=40)
    ts = models.CharField(max_length=40, help_text="Slack's time stamp, the message's identity in its channel")
    settled = models.CharField(max_length=60, blank=True, help_text="e.g. applied.3.posted: the state and version it shows")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["channel", "ts"], name="slack_post_once")]

    def __str__(self) -> str:
        return f"{self.notice} in {self.channel}"
