"""What each resource shows: an explicit list of fields, never all of a model (F87)."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from billing.api.fields import Amount, Number
from billing.models import (
    Contract,
    ContractLine,
    Customer,
    Document,
    DocumentLine,
    FutureInvoice,
    FutureInvoiceVersion,
    Posting,
    PostingStep,
    Price,
    Product,
    Template,
)
from billing.queries import resolve_policies


class CustomerSerializer(serializers.ModelSerializer):
    legal_entity = serializers.CharField(source="legal_entity.code", read_only=True)
    segment = serializers.CharField(source="segment.code", read_only=True, default=None, allow_null=True)

    class Meta:
        model = Customer
        fields = ["number", "name", "legal_entity", "segment", "email", "address", "country", "tax_number", "created_at"]
        read_only_fields = fields


class PriceSerializer(serializers.ModelSerializer):
    unit_price = Amount()

    class Meta:
        model = Price
        fields = ["currency", "months", "unit_price"]
        read_only_fields = fields


class ProductSerializer(serializers.ModelSerializer):
    prices = PriceSerializer(many=True, read_only=True)

    class Meta:
        model = Product
        fields = ["code", "name", "family", "tier", "unit", "is_recurring", "is_active", "description", "prices"]
        read_only_fields = fields


class ContractLineSerializer(serializers.ModelSerializer):
    product = serializers.CharField(source="product.code", read_only=True)
    product_name = serializers.CharField(source="product.name", read_only=True)
    family = serializers.CharField(source="product.family", read_only=True)
    quantity = Number()
    unit_price = Amount(currency="contract.currency")
    discount = Number()
    tax_rate = Number(allow_null=True)

    class Meta:
        model = ContractLine
        fields = [
            "key", "product", "product_name", "family", "quantity", "unit_price", "discount", "tax_rate", "tax_code", "months",
            "is_recurring", "starts", "ends",
        ]  # fmt: skip
        read_only_fields = fields


class ContractSerializer(serializers.ModelSerializer):
    """`lines` are the present terms; `key` is what an edit of a change refers to."""

    customer = serializers.CharField(source="customer.number", read_only=True)
    legal_entity = serializers.CharField(source="legal_entity.code", read_only=True)
    lines = ContractLineSerializer(many=True, read_only=True)
    policies = serializers.SerializerMethodField()

    class Meta:
        model = Contract
        fields = [
            "number", "customer", "legal_entity", "currency", "state", "start", "end", "months", "anchor", "in_advance", "billed_until",
            "version", "parked_reason", "policies", "lines",
        ]  # fmt: skip
        read_only_fields = fields

    @extend_schema_field(
        {"type": "object", "additionalProperties": True, "description": "The policies that hold, and the rule behind each"}
    )
    def get_policies(self, contract: Contract) -> dict[str, Any]:
        return resolve_policies(contract).as_json()


class DocumentLineSerializer(serializers.ModelSerializer):
    quantity = Number()
    unit_price = Amount(currency="document.currency")
    discount = Number()
    net = Amount(currency="document.currency")
    tax_rate = Number(allow_null=True)
    tax = Amount(currency="document.currency")

    class Meta:
        model = DocumentLine
        fields = [
            "position", "product_code", "product_name", "family", "side", "quantity", "unit", "unit_price", "discount", "service_start",
            "service_end", "days", "period_days", "net", "tax_rate", "tax_code", "tax", "explanation",
        ]  # fmt: skip
        read_only_fields = fields


class StepSerializer(serializers.ModelSerializer):
    class Meta:
        model = PostingStep
        fields = ["name", "position", "remote_id", "done_at"]
        read_only_fields = fields


class PostingSerializer(serializers.ModelSerializer):
    """How one document or template fares in accounting: `state` is queued, sending, unknown, done, parked or settled.

    `settled`: a person settled it otherwise, so nothing is sent and nothing was verified; `settled_words` say who and why.
    """

    contract = serializers.CharField(source="contract.number", read_only=True)
    document = serializers.CharField(source="document.number", read_only=True, default=None, allow_null=True)
    state = serializers.CharField(source="message.state", read_only=True)
    words = serializers.CharField(source="message.last_words", read_only=True)
    settled_words = serializers.CharField(source="message.settled_words", read_only=True)
    attempts = serializers.IntegerField(source="message.attempts", read_only=True)
    next_try_at = serializers.DateTimeField(source="message.available_at", read_only=True)
    steps = StepSerializer(many=True, read_only=True)

    class Meta:
        model = Posting
        fields = [
            "id", "kind", "contract", "document", "reference", "state", "words", "settled_words", "attempts", "next_try_at", "remote_id",
            "remote_number", "remote_url", "verified_at", "steps",
        ]  # fmt: skip
        read_only_fields = fields


class DocumentSerializer(serializers.ModelSerializer):
    legal_entity = serializers.CharField(source="legal_entity.code", read_only=True)
    customer = serializers.CharField(source="customer.number", read_only=True)
    contract = serializers.CharField(source="contract.number", read_only=True)
    net = Amount()
    tax = Amount()
    total = Amount()
    lines = DocumentLineSerializer(many=True, read_only=True)
    accounting = serializers.SerializerMethodField()

    class Meta:
        model = Document
        fields = [
            "number", "kind", "origin", "reference", "legal_entity", "customer", "contract", "issue_date", "due_date", "service_start",
            "service_end", "currency", "net", "tax", "total", "seller", "buyer", "content_hash", "issued_at", "lines", "accounting",
        ]  # fmt: skip
        read_only_fields = fields

    @extend_schema_field(PostingSerializer(allow_null=True))
    def get_accounting(self, document: Document) -> Any:
        posting = getattr(document, "posting", None)
        return PostingSerializer(posting).data if posting else None


class FutureInvoiceVersionSerializer(serializers.ModelSerializer):
    net = Amount()
    tax = Amount()
    total = Amount()

    class Meta:
        model = FutureInvoiceVersion
        fields = [
            "number", "contract_version", "invoice_date", "period_start", "period_end", "currency", "lines", "net", "tax", "total",
            "reference", "created_at",
        ]  # fmt: skip
        read_only_fields = fields


class TemplateSerializer(serializers.ModelSerializer):
    net = Amount(currency="version.currency")
    tax = Amount(currency="version.currency")
    total = Amount(currency="version.currency")

    class Meta:
        model = Template
        fields = ["remote_id", "state", "net", "tax", "total", "next_date", "verified_at"]
        read_only_fields = fields


class FutureInvoiceSerializer(serializers.ModelSerializer):
    """`expected` is what dealops says the next invoice will be; `accounting` is the live template as it was last read there."""

    contract = serializers.CharField(source="contract.number", read_only=True)
    customer = serializers.CharField(source="contract.customer.number", read_only=True)
    expected = FutureInvoiceVersionSerializer(source="current", read_only=True, allow_null=True)
    accounting = serializers.SerializerMethodField()

    class Meta:
        model = FutureInvoice
        fields = ["contract", "customer", "expected", "accounting"]
        read_only_fields = fields

    @extend_schema_field(TemplateSerializer(allow_null=True))
    def get_accounting(self, future: FutureInvoice) -> Any:
        live = [template for template in future.contract.templates.all() if template.state == Template.State.LIVE]
        return TemplateSerializer(live[-1]).data if live else None
