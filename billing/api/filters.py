"""The filters of each list; the pages use the same words in their addresses."""

from __future__ import annotations

from django_filters import rest_framework as filters

from billing.models import Contract, Customer, Document, FutureInvoice, Posting, Product
from dealops.outbox.models import State


class CustomerFilter(filters.FilterSet):
    name = filters.CharFilter(lookup_expr="icontains")
    legal_entity = filters.CharFilter(field_name="legal_entity__code")
    segment = filters.CharFilter(field_name="segment__code")

    class Meta:
        model = Customer
        fields = ["number", "name", "legal_entity", "segment", "country"]


class ProductFilter(filters.FilterSet):
    class Meta:
        model = Product
        fields = ["code", "family", "is_active", "is_recurring"]


class ContractFilter(filters.FilterSet):
    customer = filters.CharFilter(field_name="customer__number")
    legal_entity = filters.CharFilter(field_name="legal_entity__code")
    ends_before = filters.DateFilter(field_name="end", lookup_expr="lt")

    class Meta:
        model = Contract
        fields = ["number", "customer", "legal_entity", "currency", "state", "ends_before"]


class DocumentFilter(filters.FilterSet):
    customer = filters.CharFilter(field_name="customer__number")
    contract = filters.CharFilter(field_name="contract__number")
    legal_entity = filters.CharFilter(field_name="legal_entity__code")
    state = filters.ChoiceFilter(field_name="posting__message__state", choices=State.choices)
    issued_from = filters.DateFilter(field_name="issue_date", lookup_expr="gte")
    issued_before = filters.DateFilter(field_name="issue_date", lookup_expr="lt")

    class Meta:
        model = Document
        fields = [
            "number",
            "customer",
            "contract",
            "legal_entity",
            "kind",
            "origin",
            "currency",
            "reference",
            "state",
            "issued_from",
            "issued_before",
        ]


class FutureInvoiceFilter(filters.FilterSet):
    contract = filters.CharFilter(field_name="contract__number")
    customer = filters.CharFilter(field_name="contract__customer__number")
    due_before = filters.DateFilter(field_name="current__invoice_date", lookup_expr="lt")

    class Meta:
        model = FutureInvoice
        fields = ["contract", "customer", "due_before"]


class PostingFilter(filters.FilterSet):
    contract = filters.CharFilter(field_name="contract__number")
    document = filters.CharFilter(field_name="document__number")
    state = filters.ChoiceFilter(field_name="message__state", choices=State.choices)

    class Meta:
        model = Posting
        fields = ["kind", "contract", "document", "reference", "state"]
