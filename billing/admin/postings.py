"""Postings, to read. People retry and park on the page Sync."""

from __future__ import annotations

from typing import ClassVar

from django.contrib import admin

from billing.models import Posting, PostingStep
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
