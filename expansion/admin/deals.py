"""Deals and boards. Which stages there are belongs to the workflow; what they are called belongs to RevOps."""

from __future__ import annotations

from typing import ClassVar

from django.contrib import admin

from billing.admin.columns import money
from dealops.audit.admin_classes import AuditedAdmin, ReadOnlyAdmin, fields_of
from expansion.models import Deal, Pipeline, Stage


@admin.register(Deal)
class DealAdmin(ReadOnlyAdmin):
    list_display: ClassVar = [
        "number",
        "name",
        "customer",
        "owner",
        "pipeline",
        "stage",
        "currency",
        money("amount", "currency"),
        money("mrr", "currency"),
        "is_open",
    ]
    list_filter: ClassVar = ["pipeline", "is_open", "currency"]
    list_select_related: ClassVar = ["customer", "owner", "pipeline", "stage__pipeline"]
    search_fields: ClassVar = ["number", "name", "customer__name"]
    ordering: ClassVar = ["number"]
    fields = fields_of(Deal)


class NamedByRevOps(AuditedAdmin):
    """Rows the workflow relies on: none is added here, and only their words are edited."""

    def has_add_permission(self, request: object, obj: object = None) -> bool:
        return False


@admin.register(Pipeline)
class PipelineAdmin(NamedByRevOps):
    list_display: ClassVar = ["name", "code", "position"]
    ordering: ClassVar = ["position"]
    fields: ClassVar = ["code", "name", "position"]
    fixed = ("code", "position")


@admin.register(Stage)
class StageAdmin(NamedByRevOps):
    list_display: ClassVar = ["name", "pipeline", "code", "position", "is_money", "rot_days"]
    list_filter: ClassVar = ["pipeline", "is_money"]
    list_select_related: ClassVar = ["pipeline"]
    ordering: ClassVar = ["pipeline__position", "position"]
    fields: ClassVar = ["pipeline", "code", "name", "position", "is_money", "is_closed", "rot_days"]
    fixed = ("pipeline", "code", "position", "is_money", "is_closed")
