"""What was answered to a write that carried an Idempotency-Key, so that the same write has one effect and one answer (F03)."""

from __future__ import annotations

from django.conf import settings
from django.db import models


class KeyedRequest(models.Model):
    """One write of one person under one key. It is stored in the transaction of the write: an answer without its effect cannot be."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    key = models.CharField(max_length=200)
    request_hash = models.CharField(max_length=64, help_text="SHA-256 of method, address, version asked for, and body")
    status = models.PositiveSmallIntegerField(null=True, help_text="Empty only inside the transaction that does the work")
    content_type = models.CharField(max_length=80, blank=True)
    etag = models.CharField(max_length=40, blank=True)
    body = models.TextField(blank=True)
    created_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "key"], name="request_key_once")]
        indexes = [models.Index(fields=["user", "created_at"], name="request_by_age")]

    def __str__(self) -> str:
        return self.key
