"""Remembered answers and API tokens, to read; bodies and hashes stay out of sight."""

from __future__ import annotations

from typing import ClassVar

from django.contrib import admin

from dealops.accounts.models import ApiToken
from dealops.audit.admin_classes import ReadOnlyAdmin, fields_of
from dealops.rest.models import KeyedRequest


@admin.register(KeyedRequest)
class KeyedRequestAdmin(ReadOnlyAdmin):
    list_display: ClassVar = ["created_at", "user", "key", "status"]
    list_filter: ClassVar = ["status"]
    list_select_related: ClassVar = ["user"]
    ordering: ClassVar = ["-id"]
    fields = fields_of(KeyedRequest, without=["body", "request_hash"])


@admin.register(ApiToken)
class ApiTokenAdmin(ReadOnlyAdmin):
    """Who holds which token. Each person revokes their own; switching a person off stops all of theirs."""

    list_display: ClassVar = ["name", "user", "start", "access", "expires_at", "last_used_at", "revoked_at"]
    list_filter: ClassVar = ["access"]
    list_select_related: ClassVar = ["user"]
    search_fields: ClassVar = ["name", "user__name", "start"]
    ordering: ClassVar = ["-id"]
    fields = fields_of(ApiToken, without=["digest"])
