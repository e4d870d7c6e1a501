"""Who sells and who pays, with the billing policies that hang on them."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin
from django.http import HttpRequest
from django.utils import timezone

from billing.models import Customer, Document, LegalEntity, Segment
from dealops.audit.admin_classes import AuditedAdmin

POLICIES = ("future_invoice_owner", "proration_basis", "proration_shape", "downgrade_treatment", "minimum_amount")


@admin.register(LegalEntity)
class LegalEntityAdmin(AuditedAdmin):
    list_display: ClassVar = ["name", "code", "country", "currency", "future_invoice_owner", "tax_rate"]
    search_fields: ClassVar = ["name", "code"]
    ordering: ClassVar = ["name"]
    fields: ClassVar = [
        "code", "name", "address", "country", "currency", "time_zone", "tax_name", "tax_number", "tax_rate", "tax_code", "revenue_account",
        "payment_days", "number_prefix", "accounting", "organisation", *POLICIES,
    ]  # fmt: skip
    fixed = ("code",)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """What numbers, days and amounts of issued documents rest on stays as it is once there are any."""
        issued = obj is not None and Document.objects.filter(legal_entity=obj).exists()
        frozen = ("currency", "time_zone", "number_prefix", "accounting", "organisation", "proration_basis") if issued else ()
        return (*super().get_readonly_fields(request, obj), *frozen)


@admin.register(Segment)
class SegmentAdmin(AuditedAdmin):
    list_display: ClassVar = ["name", "code", "legal_entity", "future_invoice_owner"]
    list_filter: ClassVar = ["legal_entity"]
    list_select_related: ClassVar = ["legal_entity"]
    search_fields: ClassVar = ["name", "code"]
    ordering: ClassVar = ["legal_entity__name", "name"]
    fields: ClassVar = ["legal_entity", "code", "name", *POLICIES]
    fixed = ("legal_entity", "code")


@admin.register(Customer)
class CustomerAdmin(AuditedAdmin):
    list_display: ClassVar = ["name", "number", "legal_entity", "segment", "country"]
    list_filter: ClassVar = ["legal_entity", "segment"]
    list_select_related: ClassVar = ["legal_entity", "segment"]
    search_fields: ClassVar = ["name", "number", "email"]
    autocomplete_fields: ClassVar = ["segment"]
    ordering: ClassVar = ["name"]
    fields: ClassVar = ["number", "name", "legal_entity", "segment", "email", "address", "country", "tax_number"]
    fixed = ("number", "legal_entity")

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        if not change:
            obj.created_at = timezone.now()
        super().save_model(request, obj, form, change)
