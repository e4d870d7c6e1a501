"""Numbers on the wire: decimal text, never a JSON number (F75)."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from billing.domain import money


@extend_schema_field({"type": "string", "format": "decimal", "example": "125.00"})
class Amount(serializers.Field):
    """An amount or a unit price with at least the places of its currency; `currency` is the path to it from the same object."""

    def __init__(self, currency: str = "currency", **options: Any) -> None:
        super().__init__(read_only=True, **options)
        self.currency = currency

    def get_attribute(self, instance: Any) -> tuple[Decimal | None, str]:
        currency: Any = instance
        for name in self.currency.split("."):
            currency = getattr(currency, name)
        return super().get_attribute(instance), currency

    def to_representation(self, value: tuple[Decimal | None, str]) -> str | None:
        amount, currency = value
        return None if amount is None else money.text(money.price(amount, currency))


@extend_schema_field({"type": "string", "format": "decimal", "example": "25"})
class Number(serializers.Field):
    """A quantity or a percentage, without superfluous zeros."""

    def __init__(self, **options: Any) -> None:
        super().__init__(read_only=True, **options)

    def to_representation(self, value: Decimal) -> str:
        return money.text(money.plain(value))
