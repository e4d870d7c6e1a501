"""Changes and what was decided about them, to read: every move is an operation (F90)."""

from __future__ import annotations

from typing import ClassVar

from django.contrib import admin

from billing.admin.columns import money
from dealops.audit.admin_classes import ReadOnlyAdmin, fields_of
from expansion.models import Change, ChangeCounter, Decision, Handoff


@admin.register(Change)
class ChangeAdmin(ReadOnlyAdmin):
    list_display: ClassVar = [
        "number",
        "deal",
        "state",
        "mechanism",
        "effective",
        "currency",
        money("amount_now", "currency"),
        money("mrr_delta", "currency"),
        "maker",
    ]
    list_filter: ClassVar = ["state", "mechanism", "currency"]
    list_select_related: ClassVar = ["deal", "maker"]
    search_fields: ClassVar = ["number", "deal__number", "deal__name", "document_number"]
    ordering: ClassVar = ["-id"]
    fields = fields_of(Change)


@admin.register(Decision)
class DecisionAdmin(ReadOnlyAdmin):
    list_display: ClassVar = ["change", "change_version", "kind", "by", "via", "at", "reason"]
    list_filter: ClassVar = ["kind", "via"]
    list_select_related: ClassVar = ["change", "by"]
    search_fields: ClassVar = ["change__number", "by__name"]
    ordering: ClassVar = ["-id"]
    fields = fields_of(Decision)


@admin.register(Handoff)
class HandoffAdmin(ReadOnlyAdmin):
    list_display: ClassVar = ["title", "change", "team", "state", "due_on", "acknowledged_by", "closed_at"]
    list_filter: ClassVar = ["state", "team"]
    list_select_related: ClassVar = ["change", "acknowledged_by"]
    search_fields: ClassVar = ["title", "change__number"]
    ordering: ClassVar = ["-id"]
    fields = fields_of(Handoff)


@admin.register(ChangeCounter)
class ChangeCounterAdmin(ReadOnlyAdmin):
    list_display: ClassVar = ["year", "last"]
    ordering: ClassVar = ["-year"]
    fields = fields_of(ChangeCounter)
