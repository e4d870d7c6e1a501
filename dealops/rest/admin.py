"""Remembered answers, to read; their bodies stay with the people they were given to."""

from __future__ import annotations

from typing import ClassVar

from django.contrib import admin

from dealops.audit.admin_classes import ReadOnlyAdmin, fields_of
from dealops.rest.models import KeyedRequest


@admin.register(KeyedRequest)
class KeyedRequestAdmin(ReadOnlyAdmin):
    list_display: ClassVar = ["created_at", "user", "key", "status"]
    list_filter: ClassVar = ["status"]
    list_select_related: ClassVar = ["user"]
    ordering: ClassVar = ["-id"]
    fields = fields_of(KeyedRequest, without=["body", "request_hash"])
