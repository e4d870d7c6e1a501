"""What people are told, by which channel. The in-app notice is the guaranteed one; the others are best effort (F60)."""

from __future__ import annotations

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q

from dealops.outbox.models import Message
from expansion.models.changes import Change


class Notice(models.Model):
    """One event told to one person or channel, once (F32)."""

    class Channel(models.TextChoices):
        IN_APP = "in_app", "In the app"
        EMAIL = "email", "E-mail"
        SLACK = "slack", "Slack"

    change = models.ForeignKey(Change, on_delete=models.PROTECT, related_name="notices")
    event = models.CharField(max_length=40, help_text="e.g. approval_needed")
    channel = models.CharField(max_length=8, choices=Channel.choices)
    recipient = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="notices")
    address = models.CharField(max_length=200, blank=True, help_text="E-mail address or Slack channel")
    title = models.CharField(max_length=250)
    body = models.TextField()
    blocks = models.JSONField(default=list, blank=True, help_text="Slack's Block Kit")
    why = models.CharField(max_length=200, help_text="Why this person gets it")
    created_at = models.DateTimeField()
    read_at = models.DateTimeField(null=True, blank=True)
    message = models.OneToOneField(Message, null=True, blank=True, on_delete=models.PROTECT, related_name="notice")
    gathered_in = models.ForeignKey(
        Message, null=True, blank=True, on_delete=models.PROTECT, related_name="notices", help_text="It went out together with others"
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["change", "event", "channel", "recipient", "address"], name="notice_once", nulls_distinct=False)
        ]
        indexes = [models.Index(fields=["recipient", "-created_at"], condition=Q(channel="in_app"), name="notice_inbox")]

    def __str__(self) -> str:
        return self.title


class NoticePreference(models.Model):
    """By which channels one person wants to be told of what, beside the task in the app that is always there (S0-21, S20).

    No row means e-mail about everything and no Slack.
    """

    class Topic(models.TextChoices):
        APPROVALS = "approvals", "Approvals I am asked for"
        HANDOFFS = "handoffs", "Future invoices handed to my team"
        MY_CHANGES = "my_changes", "What becomes of my changes"

    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="notice_preference")
    email = ArrayField(models.CharField(max_length=20, choices=Topic.choices), default=list, blank=True)
    slack = ArrayField(models.CharField(max_length=20, choices=Topic.choices), default=list, blank=True)
    slack_id = models.CharField(max_length=40, blank=True, help_text="Your member id in Slack, e.g. U024BE7LH")
    quiet_from = models.TimeField(null=True, blank=True, help_text="No e-mail and no Slack from")
    quiet_until = models.TimeField(null=True, blank=True, help_text="until; it goes out then")

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(slack=[]) | ~Q(slack_id=""), name="slack_needs_a_member_id"),
            models.CheckConstraint(
                condition=Q(quiet_from__isnull=True, quiet_until__isnull=True)
                | Q(quiet_from__isnull=False, quiet_until__isnull=False) & ~Q(quiet_from=F("quiet_until")),
                name="quiet_hours_begin_and_end",
            ),
        ]

    def __str__(self) -> str:
        return f"how {self.user} is told"
