"""Closed books: what was issued for days before a closing is counted and summed up, and nothing is added to it any more (M21)."""

from __future__ import annotations

import pgtrigger
from django.conf import settings
from django.db import models

from billing.models.parties import LegalEntity


class Closing(models.Model):
    """The books of one legal entity, closed for every day before `before`, with a checksum over the documents of those days."""

    legal_entity = models.ForeignKey(LegalEntity, on_delete=models.PROTECT, related_name="closings")
    before = models.DateField(help_text="The first day that is still open")
    documents = models.PositiveIntegerField(help_text="How many documents are dated before it")
    checksum = models.CharField(max_length=64, help_text="SHA-256 over their numbers, dates and totals")
    closed_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    closed_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["legal_entity", "before"], name="closing_once")]
        triggers = [pgtrigger.Protect(name="append_only", operation=pgtrigger.Update | pgtrigger.Delete)]

    def __str__(self) -> str:
        return f"{self.legal_entity}: closed before {self.before}"
