"""HubSpot: what was seen, written and proposed, to read; which stage there is which stage here, to edit."""

from __future__ import annotations

from typing import ClassVar

from django.contrib import admin

from dealops.audit.admin_classes import AuditedAdmin, ReadOnlyAdmin, fields_of
from expansion.models import CrmEvent, CrmLink, CrmPortal, CrmProperty, CrmProposal, CrmStage


@admin.register(CrmStage)
class CrmStageAdmin(AuditedAdmin):
    """Stages come from HubSpot; only what they are here is edited."""

    list_display: ClassVar = ["pipeline_name", "stage_name", "stage"]
    list_select_related: ClassVar = ["stage__pipeline"]
    ordering: ClassVar = ["remote_pipeline", "position"]
    fields: ClassVar = ["pipeline_name", "stage_name", "remote_pipeline", "remote_stage", "position", "stage"]
    fixed = ("pipeline_name", "stage_name", "remote_pipeline", "remote_stage", "position")

    def has_add_permission(self, request: object, obj: object = None) -> bool:
        return False


@admin.register(CrmProperty)
class CrmPropertyAdmin(ReadOnlyAdmin):
    """Named under HubSpot, where the name is looked at."""

    list_display: ClassVar = ["group", "name"]
    ordering: ClassVar = ["group"]
    fields = fields_of(CrmProperty)


@admin.register(CrmPortal)
class CrmPortalAdmin(ReadOnlyAdmin):
    list_display: ClassVar = ["name", "portal", "tested_at", "cursor"]
    ordering: ClassVar = ["-tested_at"]
    fields = fields_of(CrmPortal)


@admin.register(CrmEvent)
class CrmEventAdmin(ReadOnlyAdmin):
    list_display: ClassVar = ["kind", "object_id", "property", "occurred_at", "received_at"]
    search_fields: ClassVar = ["object_id", "kind"]
    ordering: ClassVar = ["-id"]
    fields = fields_of(CrmEvent)


@admin.register(CrmLink)
class CrmLinkAdmin(ReadOnlyAdmin):
    list_display: ClassVar = ["deal", "state", "is_dirty", "read_at", "modified", "writes"]
    list_filter: ClassVar = ["state", "is_dirty"]
    list_select_related: ClassVar = ["deal"]
    search_fields: ClassVar = ["deal__number", "deal__name", "deal__crm_id"]
    ordering: ClassVar = ["-id"]
    fields = fields_of(CrmLink)


@admin.register(CrmProposal)
class CrmProposalAdmin(ReadOnlyAdmin):
    list_display: ClassVar = ["deal", "state", "words", "found_at", "change", "closed_by"]
    list_filter: ClassVar = ["state"]
    list_select_related: ClassVar = ["deal", "change", "closed_by"]
    search_fields: ClassVar = ["deal__number", "deal__name"]
    ordering: ClassVar = ["-id"]
    fields = fields_of(CrmProposal)
