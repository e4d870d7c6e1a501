"""The parties as they are on the day of issue, copied onto the document because an invoice must not change later (M03)."""

from __future__ import annotations

from billing.models import Customer, LegalEntity
from billing.queries.due import Buyer


def seller(entity: LegalEntity) -> dict[str, str]:
    return {
        "name": entity.name,
        "address": entity.address,
        "country": entity.country,
        "tax_name": entity.tax_name,
        "tax_number": entity.tax_number,
    }


def buyer(customer: Customer | Buyer) -> dict[str, str]:
    return {
        "number": customer.number,
        "name": customer.name,
        "address": customer.address,
        "country": customer.country,
        "tax_number": customer.tax_number,
        "email": customer.email,
    }
