"""More customers like Brightwave, for pages that list."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, time

from billing.models import Contract, LegalEntity
from expansion.demo import story
from expansion.demo.contracts import sign
from tests.worlds import World


def another_deal(world: World, number: int, customer: str) -> World:
    """The same world seen from another customer's deal: 20 Team seats from January, nothing billed yet but the periods before July."""
    facts = replace(story.BRIGHTWAVE, number=number, customer_number=number, customer=customer)
    people = {"ada": world.ae, "carl": world.csm}
    entities = {entity.code: entity for entity in LegalEntity.objects.all()}
    deal = sign(facts, entities=entities, products=world.products, people=people, at=datetime.combine(facts.start, time(8), UTC))
    Contract.objects.filter(pk=deal.contract_id).update(billed_until=world.contract.billed_until)
    contract = Contract.objects.select_related("legal_entity", "customer__segment").get(pk=deal.contract_id)
    deal.contract = contract
    return replace(world, deal=deal, contract=contract)
