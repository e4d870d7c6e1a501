"""The business log in the admin, to read and never to change (F98); and people, because every change of one is in that log."""

from __future__ import annotations

from typing import Any, ClassVar

from django.apps import apps
from django.contrib import admin
from django.http import HttpRequest

from dealops.accounts.models import User
from dealops.audit.admin_classes import AuditedAdmin, ReadOnlyAdmin, fields_of
from dealops.audit.models import Anchor, Chain, Entry

# Nothing is deleted in bulk anywhere.
admin.site.disable_action("delete_selected")
# What libraries put here does not know our rules: groups open nothing, and a page of tokens would show what works like a password.
for model in apps.get_models(include_auto_created=True):
    if admin.site.is_registered(model):
        admin.site.unregister(model)

from dealops.audit import history_admin  # noqa: E402, F401 - after that, its pages are registered


@admin.register(User)
class UserAdmin(AuditedAdmin):
    """Who works here, in which role, up to which amount. Passwords are set by the person, by the way of the log-in page."""

    asks_again = True
    list_display: ClassVar = ["name", "email", "role", "approval_limit", "approval_currency", "is_active", "last_login"]
    list_filter: ClassVar = ["role", "is_active"]
    search_fields: ClassVar = ["name", "email"]
    ordering: ClassVar = ["name"]
    fields: ClassVar = [
        "name",
        "email",
        "role",
        "title",
        "approval_limit",
        "approval_currency",
        "is_active",
        "person",
        "last_login",
        "date_joined",
    ]
    readonly_fields: ClassVar = ["person", "last_login", "date_joined"]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Nobody gives themselves a role, a limit or a way back in."""
        own = ("role", "approval_limit", "approval_currency", "is_active") if obj is not None and obj.person == request.user.person else ()
        return (*super().get_readonly_fields(request, obj), *own)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        if not change:
            obj.set_unusable_password()
        super().save_model(request, obj, form, change)


@admin.register(Entry)
class EntryAdmin(ReadOnlyAdmin):
    list_display: ClassVar = ["at", "sentence", "actor_name", "via", "action", "chain", "sequence"]
    list_filter: ClassVar = ["via", "chain"]
    list_select_related: ClassVar = ["chain"]
    search_fields: ClassVar = ["sentence", "actor_name", "action", "request_id"]
    ordering: ClassVar = ["-id"]
    fields = fields_of(Entry)


@admin.register(Chain)
class ChainAdmin(ReadOnlyAdmin):
    list_display: ClassVar = ["name", "last_sequence", "last_hash"]
    ordering: ClassVar = ["name"]
    fields = fields_of(Chain)


@admin.register(Anchor)
class AnchorAdmin(ReadOnlyAdmin):
    list_display: ClassVar = ["chain", "day", "sequence", "hash", "made_at"]
    list_filter: ClassVar = ["chain"]
    list_select_related: ClassVar = ["chain"]
    ordering: ClassVar = ["-day", "chain__name"]
    fields = fields_of(Anchor)
