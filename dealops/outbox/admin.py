"""The outbox in the admin: to read. People act on a message on the page Sync, through the operations."""

from __future__ import annotations

from typing import ClassVar

from django.contrib import admin

from dealops.audit.admin_classes import ReadOnlyAdmin, fields_of
from dealops.outbox.models import Attempt, Gate, Message, Pulse


@admin.register(Message)
class MessageAdmin(ReadOnlyAdmin):
    list_display: ClassVar = ["id", "topic", "subject", "state", "attempts", "available_at", "last_words"]
    list_filter: ClassVar = ["state", "queue", "topic"]
    search_fields: ClassVar = ["subject", "topic", "last_words"]
    ordering: ClassVar = ["-id"]
    fields = fields_of(Message, without=["lease_token"])


@admin.register(Attempt)
class AttemptAdmin(ReadOnlyAdmin):
    list_display: ClassVar = ["message", "number", "started_at", "ended_at", "outcome", "words"]
    list_filter: ClassVar = ["outcome"]
    list_select_related: ClassVar = ["message"]
    search_fields: ClassVar = ["message__subject", "words"]
    ordering: ClassVar = ["-id"]
    fields = fields_of(Attempt)


@admin.register(Gate)
class GateAdmin(ReadOnlyAdmin):
    list_display: ClassVar = ["name", "shut_until", "words", "failures", "used", "day", "held"]
    search_fields: ClassVar = ["name", "words"]
    ordering: ClassVar = ["name"]
    fields = fields_of(Gate)


@admin.register(Pulse)
class PulseAdmin(ReadOnlyAdmin):
    list_display: ClassVar = ["name", "beaten_at"]
    search_fields: ClassVar = ["name"]
    ordering: ClassVar = ["name"]
    fields = fields_of(Pulse)
