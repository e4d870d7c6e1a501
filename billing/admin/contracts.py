"""Contracts, to read: they change by changes only (F90)."""

from __future__ import annotations

from typing import ClassVar

from django.contrib import admin

from billing.admin.columns import money
from billing.models import Contract, ContractLine, ContractVersion
from dealops.audit.admin_classes import ReadOnlyAdmin, fields_of


@admin.register(Contract)
class ContractAdmin(ReadOnlyAdmin):
    list_display: ClassVar = ["number", "customer", "legal_entity", "currency", "state", "start", "end", "months", "version"]
    list_filter: ClassVar = ["state", "currency", "legal_entity"]
    list_select_related: ClassVar = ["customer", "legal_entity"]
    search_fields: ClassVar = ["number", "customer__name"]
    ordering: ClassVar = ["number"]
    fields = fields_of(Contract)


@admin.register(ContractVersion)
class ContractVersionAdmin(ReadOnlyAdmin):
    list_display: ClassVar = ["contract", "number", "effective", "reference", "created_by", "created_at"]
    list_select_related: ClassVar = ["contract", "created_by"]
    search_fields: ClassVar = ["contract__number", "reference"]
    ordering: ClassVar = ["-id"]
    fields = fields_of(ContractVersion)


@admin.register(ContractLine)
class ContractLineAdmin(ReadOnlyAdmin):
    list_display: ClassVar = [
        "contract",
        "product",
        "quantity",
        money("unit_price", "contract.currency"),
        "starts",
        "ends",
        "added_in",
        "removed_in",
    ]
    list_filter: ClassVar = ["is_recurring"]
    list_select_related: ClassVar = ["contract", "product", "added_in__contract", "removed_in__contract"]
    search_fields: ClassVar = ["contract__number", "product__name"]
    ordering: ClassVar = ["-id"]
    fields = fields_of(ContractLine)
