"""Postings and what was compared with accounting, to read. People act on both on the page Sync."""

from __future__ import annotations

from typing import ClassVar

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from billing.models import Connection, Correction, Finding, Posting, PostingStep, Reconciliation, Twin
from dealops.audit.admin_classes import ReadOnlyAdmin, fields_of


@admin.register(Posting)
class PostingAdmin(ReadOnlyAdmin):
    list_display: ClassVar = ["reference", "kind", "contract", "document", "remote_number", "remote_id", "verified_at"]
    list_filter: ClassVar = ["kind"]
    list_select_related: ClassVar = ["contract", "document"]
    search_fields: ClassVar = ["reference", "remote_id", "remote_number", "contract__number", "document__number"]
    ordering: ClassVar = ["-id"]
    fields = fields_of(Posting)


@admin.register(PostingStep)
class PostingStepAdmin(ReadOnlyAdmin):
    list_display: ClassVar = ["posting", "position", "name", "remote_id", "done_at"]
    list_filter: ClassVar = ["name"]
    list_select_related: ClassVar = ["posting"]
    search_fields: ClassVar = ["posting__reference", "remote_id"]
    ordering: ClassVar = ["-id"]
    fields = fields_of(PostingStep)


@admin.register(Reconciliation)
class ReconciliationAdmin(ReadOnlyAdmin):
    list_display: ClassVar = ["legal_entity", "started_at", "ended_at", "contracts", "documents", "differences", "on_the_way", "words"]
    list_filter: ClassVar = ["legal_entity"]
    list_select_related: ClassVar = ["legal_entity"]
    search_fields: ClassVar = ["legal_entity__name", "words"]
    ordering: ClassVar = ["-id"]
    fields = fields_of(Reconciliation)


@admin.register(Finding)
class FindingAdmin(ReadOnlyAdmin):
    list_display: ClassVar = ["words", "kind", "contract", "document", "repair", "found_at", "seen_at", "closed_at", "closed_by"]
    list_filter: ClassVar = ["kind", "repair", "legal_entity"]
    list_select_related: ClassVar = ["contract", "document", "closed_by"]
    search_fields: ClassVar = ["words", "contract__number", "document__number", "remote_id"]
    ordering: ClassVar = ["-id"]
    fields = fields_of(Finding)


@admin.register(Twin)
class TwinAdmin(ReadOnlyAdmin):
    list_display: ClassVar = ["document", "label", "remote_id", "from_template", "status", "total", "paid", "credited", "due", "read_at"]
    list_filter: ClassVar = ["status", "from_template"]
    list_select_related: ClassVar = ["document"]
    search_fields: ClassVar = ["document__number", "remote_id", "label"]
    ordering: ClassVar = ["-id"]
    fields = fields_of(Twin)


@admin.register(Correction)
class CorrectionAdmin(ReadOnlyAdmin):
    list_display: ClassVar = ["number", "document", "kind", "net", "tax", "total", "remote_id", "created_at", "created_by"]
    list_filter: ClassVar = ["kind"]
    list_select_related: ClassVar = ["document", "created_by"]
    search_fields: ClassVar = ["number", "document__number", "remote_id"]
    ordering: ClassVar = ["-id"]
    fields = fields_of(Correction)


@admin.register(Connection)
class ConnectionAdmin(ReadOnlyAdmin):
    list_display: ClassVar = ["legal_entity", "state", "organisation_name", "organisation", "access_until", "checked_at", "words"]
    list_filter: ClassVar = ["state"]
    list_select_related: ClassVar = ["legal_entity"]
    search_fields: ClassVar = ["legal_entity__name", "organisation_name", "organisation"]
    ordering: ClassVar = ["legal_entity__name"]
    fields = fields_of(Connection, without=["access_token", "refresh_token"])

    def get_queryset(self, request: HttpRequest) -> QuerySet[Connection]:
        """Without the tokens: nobody needs them on a page, and a lost key must not close the list."""
        return super().get_queryset(request).defer("access_token", "refresh_token")
