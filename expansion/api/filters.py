"""The filters of each list."""

from __future__ import annotations

from django_filters import rest_framework as filters

from expansion.models import Change, Deal, Handoff


class DealFilter(filters.FilterSet):
    customer = filters.CharFilter(field_name="customer__number")
    contract = filters.CharFilter(field_name="contract__number")
    pipeline = filters.CharFilter(field_name="pipeline__code")
    stage = filters.CharFilter(field_name="stage__code")
    owner = filters.CharFilter(field_name="owner__email", lookup_expr="iexact")

    class Meta:
        model = Deal
        fields = ["number", "customer", "contract", "pipeline", "stage", "owner", "currency", "is_open"]


class ChangeFilter(filters.FilterSet):
    deal = filters.CharFilter(field_name="deal__number")
    customer = filters.CharFilter(field_name="deal__customer__number")
    maker = filters.CharFilter(field_name="maker__email", lookup_expr="iexact")
    effective_from = filters.DateFilter(field_name="effective", lookup_expr="gte")
    effective_before = filters.DateFilter(field_name="effective", lookup_expr="lt")

    class Meta:
        model = Change
        fields = ["number", "deal", "customer", "state", "mechanism", "maker", "currency", "effective_from", "effective_before"]


class HandoffFilter(filters.FilterSet):
    change = filters.CharFilter(field_name="change__number")
    due_before = filters.DateFilter(field_name="due_on", lookup_expr="lt")

    class Meta:
        model = Handoff
        fields = ["change", "team", "state", "due_before"]
