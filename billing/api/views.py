"""Read-only resources of the billing floor, and the quote, which needs no database and no log-in."""

from __future__ import annotations

from typing import Any

from django.db.models import Prefetch, QuerySet
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import permissions, viewsets
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from billing.api import filters, serializers
from billing.api.scoped import Scoped
from billing.domain.case import CaseError
from billing.domain.quote import quote
from billing.models import Contract, ContractLine, Customer, Document, FutureInvoice, Posting, Product

# Numbers and codes as they stand in an address; nothing else reaches the database.
IDENTIFIER = r"[A-Za-z0-9_-]{1,40}"


class CustomerViews(Scoped, viewsets.ReadOnlyModelViewSet):
    """Those who pay."""

    serializer_class = serializers.CustomerSerializer
    filterset_class = filters.CustomerFilter
    lookup_field, lookup_value_regex = "number", IDENTIFIER
    ordering = ("number",)
    queryset = Customer.objects.select_related("legal_entity", "segment")


class ProductViews(viewsets.ReadOnlyModelViewSet):
    """What is sold, with the price book."""

    serializer_class = serializers.ProductSerializer
    filterset_class = filters.ProductFilter
    lookup_field, lookup_value_regex = "code", IDENTIFIER
    ordering = ("code",)
    queryset = Product.objects.prefetch_related("prices")


class ContractViews(Scoped, viewsets.ReadOnlyModelViewSet):
    """What was agreed, as it is now. Contracts change by changes only."""

    serializer_class = serializers.ContractSerializer
    filterset_class = filters.ContractFilter
    lookup_field, lookup_value_regex = "number", IDENTIFIER
    ordering = ("number",)

    def get_queryset(self) -> QuerySet[Contract]:
        present = ContractLine.objects.filter(removed_in__isnull=True).select_related("product", "contract").order_by("pk")
        return (
            self.visible(Contract.objects)
            .select_related("customer__segment", "legal_entity")
            .prefetch_related(Prefetch("lines", queryset=present))
        )


class DocumentViews(Scoped, viewsets.ReadOnlyModelViewSet):
    """Issued invoices and credit notes; they never change."""

    serializer_class = serializers.DocumentSerializer
    filterset_class = filters.DocumentFilter
    lookup_field, lookup_value_regex = "number", IDENTIFIER
    ordering = ("-issue_date", "-id")
    queryset = Document.objects.select_related(
        "legal_entity", "customer", "contract", "posting__message__settled_by", "posting__contract", "posting__document"
    ).prefetch_related("lines__document", "posting__steps")


class FutureInvoiceViews(Scoped, viewsets.ReadOnlyModelViewSet):
    """The next recurring invoice of each contract: expected here, and live in accounting."""

    serializer_class = serializers.FutureInvoiceSerializer
    filterset_class = filters.FutureInvoiceFilter
    lookup_field, lookup_url_kwarg, lookup_value_regex = "contract__number", "contract", IDENTIFIER
    ordering = ("pk",)
    queryset = FutureInvoice.objects.select_related("contract__customer", "current").prefetch_related("contract__templates__version")


class PostingViews(Scoped, viewsets.ReadOnlyModelViewSet):
    """What accounting was told, and how far each posting is."""

    serializer_class = serializers.PostingSerializer
    filterset_class = filters.PostingFilter
    lookup_value_regex = r"[0-9]{1,18}"
    ordering = ("-id",)
    queryset = Posting.objects.select_related("contract", "document", "message__settled_by").prefetch_related("steps")


EXAMPLE = {
    "currency": "GBP",
    "effective": "2026-06-16",
    "period": {"start": "2026-06-01", "end": "2026-07-01"},
    "policy": {"basis": "actual_days", "shape": "net"},
    "old": [{"product": "team", "family": "core", "quantity": "20", "unit_price": "50.00"}],
    "new": [{"product": "team", "family": "core", "quantity": "25", "unit_price": "50.00"}],
}


class QuoteView(APIView):
    """What a change costs, from the terms before and after. Stateless: nothing is read or written, so nobody has to sign in."""

    authentication_classes: list[Any] = []
    permission_classes = [permissions.AllowAny]

    @extend_schema(
        operation_id="quotes_create",
        request=OpenApiTypes.OBJECT,
        responses={200: OpenApiTypes.OBJECT},
        examples=[OpenApiExample("Five seats more, halfway through June", value=EXAMPLE, request_only=True)],
    )
    def post(self, request: Request) -> Response:
        answer = quote(request.data)
        error = answer.get("error")
        if error:
            raise CaseError(error["code"], error["field"], error["message"])
        return Response(answer)

    def handle_exception(self, error: Exception) -> Response:
        """Problem details like everywhere, and beside them the object that `manage.py quote` writes for the same case."""
        response: Response = super().handle_exception(error)
        if isinstance(error, CaseError) and isinstance(response.data, dict):
            response.data |= error.as_json()
        return response
