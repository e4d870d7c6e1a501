"""Effects outside dealops, written as rows in the transaction that caused them and delivered afterwards (reliability section 2)."""

from __future__ import annotations

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import Q


class State(models.TextChoices):
    """The life of a message. Only a look-up by our reference may leave `unknown` (F33)."""

    QUEUED = "queued", "Queued"
    SENDING = "sending", "Sending"
    UNKNOWN = "unknown", "Unknown, asking"
    DONE = "done", "Done"
    PARKED = "parked", "Needs a person"
    # A person said that this effect is no longer to happen by way of us. Never the same as done: nothing was delivered or verified.
    SETTLED = "settled", "Settled otherwise"


# Nothing more goes out for these, and what stands behind them on the same subject goes on.
OVER = (State.DONE, State.SETTLED)


class Message(models.Model):
    """One effect. `key` is the idempotency key, stored before the first call and never regenerated."""

    key = models.UUIDField(unique=True, editable=False)
    topic = models.CharField(max_length=60, help_text="noun.verb; names the handler")
    queue = models.CharField(max_length=10, default="post", help_text="post, notify or bulk: bulk work never delays an approval (F29)")
    subject = models.CharField(max_length=80, help_text="Messages of one subject are delivered in order, e.g. contract:C-1042")
    payload = models.JSONField(default=dict, help_text="Ids and a schema version only")
    state = models.CharField(max_length=10, choices=State.choices, default=State.QUEUED)
    created_at = models.DateTimeField()
    available_at = models.DateTimeField()
    attempts = models.PositiveIntegerField(default=0)
    doubts = models.PositiveSmallIntegerField(default=0, help_text="Tries since a person last looked of which nobody knows what they did")
    lease_token = models.UUIDField(null=True, blank=True, editable=False)
    lease_until = models.DateTimeField(null=True, blank=True)
    last_words = models.TextField(blank=True, help_text="What the other side, or we, said last, in plain words")
    done_at = models.DateTimeField(null=True, blank=True)
    # No index: next to no message has one, and every message that is written would pay for it.
    settled_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        db_index=False,
        on_delete=models.PROTECT,
        related_name="+",
        help_text="Who settled it otherwise",
    )
    settled_at = models.DateTimeField(null=True, blank=True, help_text="By the clock of the business, as the decision it is")
    settled_reason = models.TextField(blank=True, default="", db_default="", help_text="Why nothing more is sent, in that person's words")

    class Meta:
        indexes = [
            models.Index(fields=["queue", "available_at", "id"], condition=~Q(state__in=["done", "parked"]), name="outbox_due"),
            models.Index(fields=["subject", "id"], condition=~Q(state="done"), name="outbox_open_by_subject"),
            # What was delivered today, or in a month: never by reading all there ever was.
            models.Index(fields=["done_at"], condition=Q(state="done"), name="outbox_done_at"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(state="sending", lease_token__isnull=False, lease_until__isnull=False)
                | (~Q(state="sending") & Q(lease_token__isnull=True)),
                name="outbox_lease_only_while_sending",
            ),
            models.CheckConstraint(
                condition=(
                    Q(state="settled", settled_by__isnull=False, settled_at__isnull=False, done_at__isnull=True) & ~Q(settled_reason="")
                )
                | (~Q(state="settled") & Q(settled_by__isnull=True, settled_at__isnull=True)),
                name="outbox_settled_by_somebody",
            ),
        ]
        triggers = [
            pgtrigger.Protect(name="never_deleted", operation=pgtrigger.Delete),
            pgtrigger.Protect(name="key_and_body_fixed", operation=pgtrigger.UpdateOf("key", "topic", "subject", "payload")),
            pgtrigger.FSM(
                name="legal_moves",
                field="state",
                transitions=[
                    ("queued", "sending"),
                    ("unknown", "sending"),
                    ("sending", "done"),
                    ("sending", "queued"),
                    ("sending", "unknown"),
                    ("sending", "parked"),
                    ("sending", "sending"),
                    ("queued", "parked"),
                    ("unknown", "parked"),
                    ("parked", "queued"),
                    ("parked", "unknown"),
                    ("parked", "settled"),
                    ("settled", "queued"),
                    ("settled", "unknown"),
                ],
            ),
        ]

    def __str__(self) -> str:
        return f"{self.topic} {self.subject}"

    def waiting_behind(self) -> models.QuerySet[Message]:
        """What goes on once this one is over: later ones of its subject that are not, in their order."""
        return Message.objects.filter(subject=self.subject, pk__gt=self.pk).exclude(state__in=OVER).order_by("pk")

    @property
    def settled_words(self) -> str:
        """Who settled it otherwise and why; "" for every other message. Load it with `settled_by`."""
        if self.state != State.SETTLED:
            return ""
        return f"Settled otherwise by {self.settled_by}: {self.settled_reason}"


class Attempt(models.Model):
    """One try at delivering a message, kept so that the story of a posting can be read later."""

    class Outcome(models.TextChoices):
        RUNNING = "running", "Running"
        DELIVERED = "delivered", "Delivered"
        LATER = "later", "Try again later"
        UNKNOWN = "unknown", "No answer"
        REFUSED = "refused", "Refused"
        LOST = "lost", "Worker lost"

    message = models.ForeignKey(Message, on_delete=models.PROTECT, related_name="tries")
    number = models.PositiveIntegerField()
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)
    outcome = models.CharField(max_length=10, choices=Outcome.choices, default=Outcome.RUNNING)
    words = models.TextField(blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["message", "number"], name="outbox_attempt_number")]

    def __str__(self) -> str:
        return f"{self.message} #{self.number}: {self.outcome}"


class Gate(models.Model):
    """The way out to one system: how fast it may be called, and whether it is shut for a while. Shared by all workers of all hosts.

    It lives here and not in Redis so that an emptied Redis neither forgets what was used of a day's allowance nor opens a shut gate.
    """

    name = models.CharField(max_length=100, unique=True, help_text="e.g. accounting:northbeam-uk")
    paid_until = models.DateTimeField(help_text="Every call moves it on by its share of a minute; how far it lies ahead is the queue")
    bulk_until = models.DateTimeField(help_text="The last place given to a waiting bulk call")
    day = models.DateField(help_text="The day (UTC) that `used` counts")
    used = models.PositiveIntegerField(default=0, help_text="Calls on that day")
    failures = models.PositiveIntegerField(default=0, help_text="Calls in a row that were not answered")
    shut_until = models.DateTimeField(null=True, blank=True)
    held = models.TextField(blank=True, help_text="Why nothing is written there until a person releases it")
    words = models.TextField(blank=True, help_text="Why it is shut, in plain words")

    def __str__(self) -> str:
        return self.name


class Pulse(models.Model):
    """When somebody last showed a sign of life, so that a silence is noticed though nothing fails (F117, F118)."""

    name = models.CharField(max_length=40, unique=True, help_text="e.g. clock")
    beaten_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.name
