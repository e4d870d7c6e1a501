"""Slack accounts and posts, to read. People connect and disconnect on the page Slack."""

from __future__ import annotations

from typing import ClassVar

from django.contrib import admin

from dealops.audit.admin_classes import ReadOnlyAdmin, fields_of
from expansion.models import SlackAccount, SlackPost


@admin.register(SlackAccount)
class SlackAccountAdmin(ReadOnlyAdmin):
    list_display: ClassVar = ["user", "member", "connected_at"]
    list_select_related: ClassVar = ["user"]
    search_fields: ClassVar = ["user__name", "member"]
    ordering: ClassVar = ["user__name"]
    fields = fields_of(SlackAccount)


@admin.register(SlackPost)
class SlackPostAdmin(ReadOnlyAdmin):
    list_display: ClassVar = ["notice", "channel", "ts", "settled"]
    list_select_related: ClassVar = ["notice"]
    search_fields: ClassVar = ["notice__title", "channel", "ts"]
    ordering: ClassVar = ["-id"]
    fields = fields_of(SlackPost)
