"""The business log: who did what, through which door, before and after, why. Append-only and hash-chained (M26, M27, F98)."""

from __future__ import annotations

import pgtrigger
from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models

from dealops.accounts.models import User
from dealops.audit.history import keep


class Chain(models.Model):
    """The head of one hash chain (one per legal entity; `main` for the rest). Locked last in every transaction."""

    name = models.CharField(max_length=40, unique=True)
    last_sequence = models.PositiveBigIntegerField(default=0)
    last_hash = models.CharField(max_length=64, default="", blank=True)

    def __str__(self) -> str:
        return self.name


class Entry(models.Model):
    """One thing that happened. `subjects` are the permalinks it belongs to, e.g. `deal:DL-1042`, `change:CH-2026-0042`."""

    chain = models.ForeignKey(Chain, on_delete=models.PROTECT, related_name="entries")
    sequence = models.PositiveBigIntegerField()
    at = models.DateTimeField(db_index=True)
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    actor_name = models.CharField(max_length=120, help_text="The name at the time; 'dealops' for what the system did by itself.")
    via = models.CharField(max_length=10, help_text="web, api, slack, task, admin, command or system")
    request_id = models.CharField(max_length=64, blank=True)
    action = models.CharField(max_length=60, help_text="noun.verb, e.g. change.approved")
    sentence = models.TextField(help_text="What a person reads on the timeline.")
    subjects = ArrayField(models.CharField(max_length=80))
    before = models.JSONField(default=dict, blank=True)
    after = models.JSONField(default=dict, blank=True)
    reason = models.TextField(blank=True)
    previous_hash = models.CharField(max_length=64, blank=True)
    hash = models.CharField(max_length=64)

    class Meta:
        verbose_name_plural = "entries"
        constraints = [models.UniqueConstraint(fields=["chain", "sequence"], name="audit_entry_sequence")]
        indexes = [GinIndex(fields=["subjects"], name="audit_entry_subjects")]
        triggers = [pgtrigger.Protect(name="append_only", operation=pgtrigger.Update | pgtrigger.Delete)]

    def __str__(self) -> str:
        return self.sentence


class Anchor(models.Model):
    """The head of a chain on one day, signed and mailed away: whoever rewrites the log cannot rewrite what was sent (F98)."""

    chain = models.ForeignKey(Chain, on_delete=models.PROTECT, related_name="anchors")
    day = models.DateField()
    sequence = models.PositiveBigIntegerField(help_text="The newest entry of the chain then")
    hash = models.CharField(max_length=64)
    signature = models.CharField(max_length=120)
    made_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["chain", "day"], name="audit_anchor_once_a_day")]
        triggers = [pgtrigger.Protect(name="anchor_append_only", operation=pgtrigger.Update | pgtrigger.Delete)]

    def __str__(self) -> str:
        return f"{self.chain} on {self.day}: {self.sequence}"

    def facts(self) -> dict[str, object]:
        """What the signature is over."""
        return {"chain": self.chain.name, "day": self.day.isoformat(), "sequence": self.sequence, "hash": self.hash}


# Here, because people are known to everybody above them. What decides what somebody may do, and no password, name or address.
USER_COLUMNS = ("id", "person", "role", "is_active", "is_staff", "is_superuser", "approval_limit", "approval_currency")
keep(User, added=True, only=USER_COLUMNS, app="audit")
