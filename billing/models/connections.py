"""The connection of one legal entity with its accounting system. Tokens lie sealed; the organisation is pinned on the entity (F43, F44)."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from billing.models.parties import LegalEntity
from dealops.accounts.sealing import EncryptedTextField


class Connection(models.Model):
    """At most one per legal entity. Without a row the connection of the settings is used."""

    class State(models.TextChoices):
        CONNECTED = "connected", "Connected"
        EXPIRED = "expired", "Has to be connected again"
        DISCONNECTED = "disconnected", "Disconnected"

    legal_entity = models.OneToOneField(LegalEntity, on_delete=models.PROTECT, related_name="connection")
    state = models.CharField(max_length=15, choices=State.choices, default=State.CONNECTED)
    organisation = models.CharField(max_length=80, help_text="Accounting's own id of the set of books")
    organisation_name = models.CharField(max_length=200, blank=True)
    access_token = EncryptedTextField(blank=True)
    refresh_token = EncryptedTextField(blank=True)
    access_until = models.DateTimeField(null=True, blank=True)
    refreshes = models.PositiveIntegerField(default=0)
    words = models.TextField(blank=True, help_text="What accounting said last, when it was not good news")
    checked_at = models.DateTimeField(null=True, blank=True)
    connected_at = models.DateTimeField()
    connected_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")

    def __str__(self) -> str:
        return f"{self.legal_entity}: {self.get_state_display()}"
