"""Closings of the books, to read. `manage.py close_books` makes them."""

from __future__ import annotations

from typing import ClassVar

from django.contrib import admin

from billing.models import Closing
from dealops.audit.admin_classes import ReadOnlyAdmin, fields_of


@admin.register(Closing)
class ClosingAdmin(ReadOnlyAdmin):
    list_display: ClassVar = ["legal_entity", "before", "documents", "closed_by", "closed_at"]
    list_filter: ClassVar = ["legal_entity"]
    list_select_related: ClassVar = ["legal_entity", "closed_by"]
    search_fields: ClassVar = ["legal_entity__name"]
    ordering: ClassVar = ["-before"]
    fields = fields_of(Closing)
