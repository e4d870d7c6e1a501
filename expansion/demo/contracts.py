"""Signs one customer up: contract, first lines, future invoice, deal. The demo's way in, through the same operations as everything else."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal

from django.db import transaction

from billing.domain.terms import Line
from billing.models import Contract, ContractVersion, Customer, FutureInvoice, LegalEntity, Price, Product, Segment
from billing.operations.contracts import add_lines
from billing.operations.future_invoices import reprice
from billing.queries.value import contract_value
from dealops.accounts.models import User
from dealops.audit.operations import record
from expansion.models import Deal
from expansion.operations.deals import stage_of


@dataclass(frozen=True, slots=True)
class Signing:
    """What one customer bought. `lines` are (product code, quantity); prices come from the price book."""

    number: int
    customer_number: int
    customer: str
    entity: str
    currency: str
    start: date
    end: date
    months: int
    lines: Sequence[tuple[str, int]]
    owner: str = "ada"
    success: str = "carl"
    segment: str = ""
    health: int | None = None
    seats_used: int | None = None
    country: str = "GB"
    stage: str = "live"
    anchor: date | None = None
    overrides: Mapping[str, str] = field(default_factory=dict)


@transaction.atomic
def sign(
    facts: Signing, *, entities: Mapping[str, LegalEntity], products: Mapping[str, Product], people: Mapping[str, User], at: datetime
) -> Deal:
    """Write the contract with its first version, its future invoice (accounting is told later) and its deal."""
    entity = entities[facts.entity]
    contract = _contract(facts, entity, _customer(facts, entity, at), at)
    version = ContractVersion.objects.create(
        contract=contract, number=1, effective=contract.start, reason="Signed", created_by=people[facts.owner], created_at=at
    )
    add_lines(contract, _lines(facts, contract, products), version)
    FutureInvoice.objects.create(contract=contract)
    reprice(contract, reference="", at=at, tell_accounting=False)
    value = contract_value(contract, on=contract.start)
    deal = Deal.objects.create(
        number=f"DL-{facts.number}",
        name=f"{facts.customer} – {products[facts.lines[0][0]].name}",
        customer=contract.customer,
        contract=contract,
        owner=people[facts.owner],
        success_manager=people[facts.success],
        amount=value.total,
        mrr=value.mrr,
        mrr_on=contract.start,
        currency=facts.currency,
        pipeline=stage_of("main", facts.stage).pipeline,
        stage=stage_of("main", facts.stage),
        stage_since=at,
        close_on=facts.end,
        health=facts.health,
        seats_used=facts.seats_used,
    )
    record(
        action="deal.imported",
        sentence=f"{deal.number} {deal.name} was signed: contract {contract.number}, {facts.start:%-d %b %Y} to {facts.end:%-d %b %Y}.",
        subjects=[deal.permalink, contract.permalink, contract.customer.permalink],
        chain=entity.code,
        at=at,
        by=people[facts.owner],
    )
    return deal


def _customer(facts: Signing, entity: LegalEntity, at: datetime) -> Customer:
    segment = Segment.objects.get(legal_entity=entity, code=facts.segment) if facts.segment else None
    slug = "".join(c for c in facts.customer.lower() if c.isalnum())
    customer, _ = Customer.objects.get_or_create(
        number=f"CU-{facts.customer_number}",
        defaults={
            "name": facts.customer,
            "legal_entity": entity,
            "segment": segment,
            "email": f"accounts@{slug}.example",
            "address": f"{facts.customer_number % 90 + 1} Harbour Road",
            "country": facts.country,
            "created_at": at,
        },
    )
    return customer


def _contract(facts: Signing, entity: LegalEntity, customer: Customer, at: datetime) -> Contract:
    return Contract.objects.create(
        number=f"C-{facts.number}",
        customer=customer,
        legal_entity=entity,
        currency=facts.currency,
        start=facts.start,
        end=facts.end,
        months=facts.months,
        anchor=facts.anchor or facts.start,
        billed_until=facts.start,
        **facts.overrides,
    )


def _lines(facts: Signing, contract: Contract, products: Mapping[str, Product]) -> list[Line]:
    prices = {
        price.product.code: price.unit_price
        for price in Price.objects.filter(currency=facts.currency, months=facts.months).select_related("product")
    }
    entity = contract.legal_entity
    return [
        Line(
            key=str(uuid.uuid5(uuid.NAMESPACE_URL, f"demo/{contract.number}/{code}")),
            product=code,
            name=products[code].name,
            family=products[code].family,
            tier=products[code].tier,
            unit=products[code].unit,
            quantity=Decimal(quantity),
            unit_price=prices[code],
            tax_rate=entity.tax_rate,
            tax_code=entity.tax_code,
            starts=facts.start,
            ends=None,
        )
        for code, quantity in facts.lines
    ]
