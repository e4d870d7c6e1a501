"""What people are told, by which channel. The in-app notice is the guaranteed one; the others are best effort (F60)."""

from __future__ import annotations

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q

from billing.models import Customer
from dealops.outbox.models import Message
from expansion.models.changes import Change
from expansion.models.signals import Signal


def page_of(about: Change | Signal) -> str:
    """The address of what a notice tells of, within the site."""
    return f"/changes/{about.number}" if isinstance(about, Change) else f"/signals/{about.pk}"


class Notice(models.Model):
    """One event told to one person or channel, once (F32): what becomes of a change, or a signal that presses (S1-20)."""

    class Channel(models.TextChoices):
        IN_APP = "in_app", "In the app"
        EMAIL = "email", "E-mail"
        SLACK = "slack", "Slack"

    change = models.ForeignKey(Change, null=True, blank=True, on_delete=models.PROTECT, related_name="notices")
    signal = models.ForeignKey(Signal, null=True, blank=True, on_delete=models.PROTECT, related_name="notices")
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
            models.UniqueConstraint(
                fields=["change", "signal", "event", "channel", "recipient", "address"], name="notice_once", nulls_distinct=False
            ),
            models.CheckConstraint(
                condition=Q(change__isnull=False, signal__isnull=True) | Q(change__isnull=True, signal__isnull=False),
                name="notice_about_one_thing",
            ),
        ]
        indexes = [models.Index(fields=["recipient", "-created_at"], condition=Q(channel="in_app"), name="notice_inbox")]

    def __str__(self) -> str:
        return self.title

    @property
    def about(self) -> Change | Signal:
        """What it tells of."""
        about = self.change or self.signal
        assert about is not None  # held by the database
        return about

    @property
    def customer(self) -> Customer:
        if self.change:
            return self.change.deal.customer
        assert self.signal is not None
        return self.signal.customer

    @property
    def path(self) -> str:
        """The page it leads to."""
        return page_of(self.about)

    @property
    def label(self) -> str:
        """What that page is called in a link."""
        return self.change.number if self.change else "Signal"


class NoticePreference(models.Model):
    """By which channels one person wants to be told of what, beside the task in the app that is always there (S0-21, S20).

    No row means e-mail about everything and no Slack.
    """

    class Topic(models.TextChoices):
        APPROVALS = "approvals", "Approvals I am asked for"
        HANDOFFS = "handoffs", "Future invoices handed to my team"
        MY_CHANGES = "my_changes", "What becomes of my changes"
        SIGNALS = "signals", "Customers of mine who come near a limit"

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
