"""Products and prices. A price that changes makes open changes stale; it never touches what was agreed (F07)."""

from __future__ import annotations

from typing import ClassVar

from django.contrib import admin

from billing.admin.columns import money
from billing.models import DemoClock, Price, Product
from dealops.audit.admin_classes import AuditedAdmin, ReadOnlyAdmin, fields_of


@admin.register(Product)
class ProductAdmin(AuditedAdmin):
    list_display: ClassVar = ["name", "code", "family", "tier", "unit", "is_recurring", "is_active"]
    list_filter: ClassVar = ["family", "is_active", "is_recurring"]
    search_fields: ClassVar = ["name", "code"]
    ordering: ClassVar = ["family", "tier", "name"]
    fields: ClassVar = ["code", "name", "family", "tier", "unit", "is_recurring", "is_active", "description"]
    # Contracts and documents name a product by these; what was sold under them stays what it was.
    fixed = ("code", "is_recurring")


@admin.register(Price)
class PriceAdmin(AuditedAdmin):
    list_display: ClassVar = ["product", "currency", "months", money("unit_price", "currency")]
    list_filter: ClassVar = ["currency", "months"]
    list_select_related: ClassVar = ["product"]
    search_fields: ClassVar = ["product__name", "product__code"]
    autocomplete_fields: ClassVar = ["product"]
    ordering: ClassVar = ["product__name", "currency", "months"]
    fields: ClassVar = ["product", "currency", "months", "unit_price"]
    fixed = ("product", "currency", "months")


@admin.register(DemoClock)
class DemoClockAdmin(ReadOnlyAdmin):
    list_display: ClassVar = ["day", "set_at"]
    fields = fields_of(DemoClock)
