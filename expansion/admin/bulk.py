"""Bulk jobs, saved views and imported files, to read. People start and cancel jobs on their pages."""

from __future__ import annotations

from typing import ClassVar

from django.contrib import admin

from dealops.audit.admin_classes import ReadOnlyAdmin, fields_of
from expansion.models import BulkJob, BulkRow, ImportFile, SavedView


@admin.register(BulkJob)
class BulkJobAdmin(ReadOnlyAdmin):
    list_display: ClassVar = ["id", "kind", "state", "listing", "by", "created_at", "finished_at"]
    list_filter: ClassVar = ["kind", "state"]
    list_select_related: ClassVar = ["by"]
    search_fields: ClassVar = ["by__name"]
    ordering: ClassVar = ["-id"]
    fields = fields_of(BulkJob)


@admin.register(BulkRow)
class BulkRowAdmin(ReadOnlyAdmin):
    list_display: ClassVar = ["job", "position", "label", "state", "words", "done_at"]
    list_filter: ClassVar = ["state"]
    list_select_related: ClassVar = ["job"]
    search_fields: ClassVar = ["label"]
    ordering: ClassVar = ["-id"]
    fields = fields_of(BulkRow)


@admin.register(SavedView)
class SavedViewAdmin(ReadOnlyAdmin):
    list_display: ClassVar = ["name", "listing", "owner", "team", "created_at"]
    list_filter: ClassVar = ["listing", "team"]
    list_select_related: ClassVar = ["owner"]
    search_fields: ClassVar = ["name", "owner__name"]
    ordering: ClassVar = ["-id"]
    fields = fields_of(SavedView)


@admin.register(ImportFile)
class ImportFileAdmin(ReadOnlyAdmin):
    list_display: ClassVar = ["name", "count", "by", "created_at", "job"]
    list_select_related: ClassVar = ["by", "job"]
    search_fields: ClassVar = ["name"]
    ordering: ClassVar = ["-id"]
    fields = fields_of(ImportFile, without=["text"])
