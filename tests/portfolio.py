"""Many contracts at once, written straight into the tables: for tests of what is done in bulk."""

import uuid
from datetime import UTC, date, datetime
from decimal import Decimal

from billing.models import Contract, ContractLine, ContractVersion, Customer, FutureInvoice, LegalEntity
from expansion.demo import catalogue

SIGNED = datetime(2026, 1, 1, 8, tzinfo=UTC)


def portfolio(count, *, entity="northbeam-uk", start=date(2026, 1, 1), end=date(2029, 1, 1), first=1, lines=3, **contract):
    """`count` contracts of a few lines each, billed until they start; answers them in order of their numbers."""
    seller = catalogue.build_entities()[entity]
    products = list(catalogue.build_products().values())[:lines]
    numbers = [f"B-{first + place}" for place in range(count)]
    customers = Customer.objects.bulk_create(
        Customer(number=f"K{number}", name=f"Customer {number}", legal_entity=seller, country="GB", created_at=SIGNED) for number in numbers
    )
    terms = {"start": start, "end": end, "anchor": start, "billed_until": start, "currency": seller.currency, **contract}
    contracts = Contract.objects.bulk_create(
        Contract(number=number, customer=customer, legal_entity=seller, **terms)
        for number, customer in zip(numbers, customers, strict=True)
    )
    versions = ContractVersion.objects.bulk_create(
        ContractVersion(contract=one, number=1, effective=start, reason="Signed", created_at=SIGNED) for one in contracts
    )
    ContractLine.objects.bulk_create(
        ContractLine(
            contract=one, key=uuid.uuid5(uuid.NAMESPACE_URL, f"{one.number}/{product.code}"), product=product, quantity=Decimal(3 + place),
            unit_price=Decimal("49.99"), tax_rate=seller.tax_rate, tax_code=seller.tax_code, starts=start, added_in=version,
        )
        for one, version in zip(contracts, versions, strict=True)
        for place, product in enumerate(products)
    )  # fmt: skip
    FutureInvoice.objects.bulk_create(FutureInvoice(contract=one) for one in contracts)
    return contracts


def entity(code="northbeam-uk"):
    return LegalEntity.objects.get(code=code)
