"""Future invoices and their templates in accounting, to read."""

from __future__ import annotations

from typing import ClassVar

from django.contrib import admin

from billing.admin.columns import money
from billing.models import FutureInvoice, FutureInvoiceVersion, Template
from dealops.audit.admin_classes import ReadOnlyAdmin, fields_of


@admin.register(FutureInvoice)
class FutureInvoiceAdmin(ReadOnlyAdmin):
    list_display: ClassVar = ["contract", "current"]
    list_select_related: ClassVar = ["contract", "current__future_invoice__contract"]
    search_fields: ClassVar = ["contract__number"]
    ordering: ClassVar = ["contract__number"]
    fields = fields_of(FutureInvoice)


@admin.register(FutureInvoiceVersion)
class FutureInvoiceVersionAdmin(ReadOnlyAdmin):
    list_display: ClassVar = [
        "future_invoice",
        "number",
        "invoice_date",
        "currency",
        money("net", "currency"),
        money("tax", "currency"),
        money("total", "currency"),
        "reference",
    ]
    list_select_related: ClassVar = ["future_invoice__contract"]
    search_fields: ClassVar = ["future_invoice__contract__number", "reference"]
    ordering: ClassVar = ["-id"]
    fields = fields_of(FutureInvoiceVersion)


@admin.register(Template)
class TemplateAdmin(ReadOnlyAdmin):
    list_display: ClassVar = [
        "remote_id",
        "contract",
        "state",
        money("net", "contract.currency"),
        money("tax", "contract.currency"),
        money("total", "contract.currency"),
        "next_date",
        "verified_at",
    ]
    list_filter: ClassVar = ["state"]
    list_select_related: ClassVar = ["contract"]
    search_fields: ClassVar = ["remote_id", "contract__number"]
    ordering: ClassVar = ["-id"]
    fields = fields_of(Template)
