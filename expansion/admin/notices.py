"""What people were told, to read."""

from __future__ import annotations

from typing import ClassVar

from django.contrib import admin

from dealops.audit.admin_classes import ReadOnlyAdmin, fields_of
from expansion.models import Notice


@admin.register(Notice)
class NoticeAdmin(ReadOnlyAdmin):
    list_display: ClassVar = ["title", "channel", "recipient", "address", "event", "created_at", "read_at"]
    list_filter: ClassVar = ["channel"]
    list_select_related: ClassVar = ["recipient"]
    search_fields: ClassVar = ["title", "address", "change__number", "signal__customer__name"]
    ordering: ClassVar = ["-id"]
    fields = fields_of(Notice)
