"""Documents, to read: issued ones never change, not even here (M04)."""

from __future__ import annotations

from typing import ClassVar

from django.contrib import admin

from billing.admin.columns import money
from billing.models import CreditAllocation, Document, DocumentLine, DocumentSeries, PendingLine
from dealops.audit.admin_classes import ReadOnlyAdmin, fields_of


@admin.register(Document)
class DocumentAdmin(ReadOnlyAdmin):
    list_display: ClassVar = [
        "number",
        "customer",
        "kind",
        "origin",
        "reference",
        "issue_date",
        "currency",
        money("net", "currency"),
        money("tax", "currency"),
        money("total", "currency"),
    ]
    list_filter: ClassVar = ["kind", "origin", "currency", "legal_entity"]
    list_select_related: ClassVar = ["customer"]
    search_fields: ClassVar = ["number", "reference", "customer__name"]
    ordering: ClassVar = ["-id"]
    fields = fields_of(Document)


@admin.register(DocumentLine)
class DocumentLineAdmin(ReadOnlyAdmin):
    list_display: ClassVar = [
        "document",
        "position",
        "product_name",
        "side",
        "quantity",
        money("unit_price", "document.currency"),
        money("net", "document.currency"),
        money("tax", "document.currency"),
        "explanation",
    ]
    list_filter: ClassVar = ["side"]
    list_select_related: ClassVar = ["document"]
    search_fields: ClassVar = ["document__number", "product_name"]
    ordering: ClassVar = ["-id"]
    fields = fields_of(DocumentLine)


@admin.register(CreditAllocation)
class CreditAllocationAdmin(ReadOnlyAdmin):
    list_display: ClassVar = [
        "credit_line",
        "invoice_line",
        money("net", "credit_line.document.currency"),
        money("tax", "credit_line.document.currency"),
    ]
    list_select_related: ClassVar = ["credit_line__document", "invoice_line__document"]
    ordering: ClassVar = ["-id"]
    fields = fields_of(CreditAllocation)


@admin.register(DocumentSeries)
class DocumentSeriesAdmin(ReadOnlyAdmin):
    list_display: ClassVar = ["prefix", "year", "legal_entity", "last"]
    list_filter: ClassVar = ["legal_entity", "year"]
    list_select_related: ClassVar = ["legal_entity"]
    ordering: ClassVar = ["-year", "prefix"]
    fields = fields_of(DocumentSeries)


@admin.register(PendingLine)
class PendingLineAdmin(ReadOnlyAdmin):
    list_display: ClassVar = ["contract", "reference", "billed_in"]
    list_select_related: ClassVar = ["contract"]
    search_fields: ClassVar = ["contract__number", "reference"]
    ordering: ClassVar = ["-id"]
    fields = fields_of(PendingLine)
