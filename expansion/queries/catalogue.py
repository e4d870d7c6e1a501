"""What can be sold on one contract, at the prices of its currency and billing period (F87)."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from billing.models import Contract, Price


@dataclass(frozen=True, slots=True)
class Sellable:
    """One product with the price of one unit for one billing period of the contract, or once."""

    code: str
    name: str
    family: str
    tier: int
    unit: str
    is_recurring: bool
    unit_price: Decimal


def sellable_on(contract: Contract) -> tuple[Sellable, ...]:
    """Every active product that has a price for this contract, plans by family and tier. One query."""
    prices = (
        Price.objects.filter(currency=contract.currency, months__in=[0, contract.months], product__is_active=True)
        .select_related("product")
        .order_by("product__family", "product__tier", "product__name")
    )
    return tuple(
        Sellable(
            code=price.product.code,
            name=price.product.name,
            family=price.product.family,
            tier=price.product.tier,
            unit=price.product.unit,
            is_recurring=price.product.is_recurring,
            unit_price=price.unit_price,
        )
        for price in prices
        if (price.months == 0) != price.product.is_recurring
    )
