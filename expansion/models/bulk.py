"""One action over many rows: what was chosen and shown, and what became of each row."""

from __future__ import annotations

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import Q

from billing.models import fields


class BulkJob(models.Model):
    """A confirmed selection at work. Its rows are pinned when the confirmation page is made; nothing moves before `start`."""

    class Kind(models.TextChoices):
        APPROVE = "approve", "Approve"
        REJECT = "reject", "Reject"
        REMIND = "remind", "Remind"
        ASSIGN = "assign", "Assign owner"
        RETRY = "retry", "Retry postings"
        IMPORT = "import", "Import deals"

    class State(models.TextChoices):
        SHOWN = "shown", "To be confirmed"
        RUNNING = "running", "Running"
        DONE = "done", "Done"
        CANCELLED = "cancelled", "Cancelled"

    kind = models.CharField(max_length=10, choices=Kind.choices)
    state = models.CharField(max_length=10, choices=State.choices, default=State.SHOWN)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    listing = models.CharField(max_length=20, blank=True, help_text="The list it was chosen from")
    query = models.CharField(max_length=2000, blank=True, help_text="The filters of that list; the way back")
    settings = models.JSONField(default=dict, blank=True, help_text="What the action needs: the reason, the new owner")
    repeats = models.ForeignKey("self", null=True, blank=True, on_delete=models.PROTECT, related_name="repeated_by")
    request_id = models.CharField(max_length=64, blank=True)
    created_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        triggers = [
            pgtrigger.FSM(
                name="legal_moves",
                field="state",
                transitions=[("shown", "running"), ("shown", "cancelled"), ("running", "done"), ("running", "cancelled")],
            )
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} #{self.pk}"

    @property
    def permalink(self) -> str:
        return f"bulk:{self.pk}"


class BulkRow(models.Model):
    """One row of a job with what was shown of it. Done once: its operation and its state are one transaction."""

    class State(models.TextChoices):
        LEFT_OUT = "left_out", "Left out"
        WAITING = "waiting", "Waiting"
        DONE = "done", "Done"
        REFUSED = "refused", "Refused"
        FAILED = "failed", "Failed"

    job = models.ForeignKey(BulkJob, on_delete=models.CASCADE, related_name="rows")
    position = models.PositiveIntegerField()
    target = models.BigIntegerField(null=True, blank=True, help_text="Primary key of the row it acts on")
    label = models.CharField(max_length=250, help_text="What people call it, e.g. CH-2026-0042 Brightwave Logistics")
    path = models.CharField(max_length=200, blank=True)
    currency = models.CharField(max_length=3, blank=True)
    amount = fields.amount(null=True, blank=True)
    shown = models.JSONField(default=dict, blank=True, help_text="What was shown: versions and hashes the operation is bound to")
    state = models.CharField(max_length=8, choices=State.choices, default=State.WAITING)
    words = models.TextField(blank=True, help_text="Why it was left out, refused or failed; or what was done")
    tries = models.PositiveSmallIntegerField(default=0)
    done_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["job", "position"], name="bulk_row_position")]
        indexes = [models.Index(fields=["job", "tries", "position"], condition=Q(state="waiting"), name="bulk_row_waiting")]

    def __str__(self) -> str:
        return self.label
