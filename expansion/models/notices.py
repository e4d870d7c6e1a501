"""What people are told, by which channel. The in-app notice is the guaranteed one; the others are best effort (F60)."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q

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

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["change", "event", "channel", "recipient", "address"], name="notice_once", nulls_distinct=False)
        ]
        indexes = [models.Index(fields=["recipient", "-created_at"], condition=Q(channel="in_app"), name="notice_inbox")]

    def __str__(self) -> str:
        return self.title
