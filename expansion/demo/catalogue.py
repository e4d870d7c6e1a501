"""The demo's sellers, products and prices."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from billing.adapters.accounting.ledgerly.organisations import DEMO_ORGANISATIONS
from billing.models import LegalEntity, Owner, Price, Product, Segment

ENTITIES: tuple[dict[str, Any], ...] = (
    {
        "code": "northbeam-uk",
        "name": "Northbeam Software Ltd",
        "address": "14 Finsbury Square\nLondon EC2A 1HP",
        "country": "GB",
        "currency": "GBP",
        "tax_name": "VAT",
        "tax_number": "GB 417 2201 63",
        "tax_rate": Decimal(20),
        "tax_code": "OUTPUT2",
        "time_zone": "Europe/London",
        "number_prefix": "",
        "future_invoice_owner": Owner.FINANCE,
    },
    {
        "code": "northbeam-us",
        "name": "Northbeam Inc.",
        "address": "88 Pine Street\nNew York, NY 10005",
        "country": "US",
        "currency": "USD",
        "tax_name": "Sales tax",
        "tax_number": "",
        "tax_rate": Decimal(0),
        "tax_code": "NONE",
        "time_zone": "America/New_York",
        "number_prefix": "US-",
        "future_invoice_owner": Owner.SALES_CS,
    },
    {
        "code": "northbeam-eu",
        "name": "Northbeam Europe GmbH",
        "address": "Hopfenmarkt 3\n20457 Hamburg",
        "country": "DE",
        "currency": "EUR",
        "tax_name": "USt",
        "tax_number": "DE 318 440 992",
        "tax_rate": Decimal(19),
        "tax_code": "OUTPUT",
        "time_zone": "Europe/Berlin",
        "number_prefix": "EU-",
        "future_invoice_owner": Owner.FINANCE,
    },
)

# code, name, family, tier, unit, recurring, monthly price per currency
PRODUCTS = (
    ("starter", "Starter", "core", 1, "seat", True, {"GBP": 20, "USD": 25, "EUR": 23, "JPY": 3000}),
    ("team", "Team", "core", 2, "seat", True, {"GBP": 50, "USD": 60, "EUR": 56, "JPY": 8000}),
    ("business", "Business", "core", 3, "seat", True, {"GBP": 80, "USD": 95, "EUR": 90, "JPY": 13000}),
    ("enterprise", "Enterprise", "core", 4, "seat", True, {"GBP": 120, "USD": 145, "EUR": 135, "JPY": 20000}),
    ("route-analytics", "Route Analytics", "analytics", 0, "licence", True, {"GBP": 300, "USD": 360, "EUR": 340, "JPY": 48000}),
    ("scheduler", "Scheduler", "scheduling", 0, "licence", True, {"GBP": 180, "USD": 215, "EUR": 205, "JPY": 29000}),
    ("api-access", "API access", "platform", 0, "licence", True, {"GBP": 150, "USD": 180, "EUR": 170, "JPY": 24000}),
    ("premium-support", "Premium support", "support", 0, "licence", True, {"GBP": 250, "USD": 300, "EUR": 285, "JPY": 40000}),
    ("onboarding", "Onboarding", "services", 0, "package", False, {"GBP": 1500, "USD": 1800, "EUR": 1700, "JPY": 240000}),
    ("training-day", "Training day", "services", 0, "day", False, {"GBP": 900, "USD": 1100, "EUR": 1000, "JPY": 145000}),
)
# Longer periods are paid ahead: a quarter costs three months, a year ten.
PERIOD_MONTHS = {1: 1, 3: 3, 6: 6, 12: 10}


def build_entities() -> dict[str, LegalEntity]:
    """The three sellers, with an Enterprise segment each."""
    entities = {}
    organisations = {name: id for id, name, *_ in DEMO_ORGANISATIONS}
    for facts in ENTITIES:
        entity, _ = LegalEntity.objects.get_or_create(
            code=facts["code"],
            defaults={
                **facts,
                "proration_basis": "actual_days",
                "proration_shape": "net",
                "minimum_amount": Decimal(0),
                "organisation": organisations[facts["name"]],
            },
        )
        Segment.objects.get_or_create(
            legal_entity=entity, code="enterprise", defaults={"name": "Enterprise", "future_invoice_owner": Owner.FINANCE}
        )
        Segment.objects.get_or_create(
            legal_entity=entity, code="self-serve", defaults={"name": "Self-serve", "future_invoice_owner": Owner.SALES_CS}
        )
        entities[entity.code] = entity
    return entities


def build_products() -> dict[str, Product]:
    """The plan ladder and the add-ons, with a price book in four currencies."""
    products = {}
    for code, name, family, tier, unit, recurring, prices in PRODUCTS:
        product, made = Product.objects.get_or_create(
            code=code, defaults={"name": name, "family": family, "tier": tier, "unit": unit, "is_recurring": recurring}
        )
        if made:
            periods = PERIOD_MONTHS if recurring else {0: 1}
            Price.objects.bulk_create(
                Price(product=product, currency=currency, months=months, unit_price=Decimal(price) * factor)
                for currency, price in prices.items()
                for months, factor in periods.items()
            )
        products[code] = product
    return products
