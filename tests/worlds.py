"""The seed's world for tests, made by the demo's own builders: Northbeam, Brightwave, and the people, one of them an outsider."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time
from typing import Any

from billing.models import Contract, LegalEntity, Owner, Product
from billing.operations.billing_run import bill
from dealops.accounts.models import Role, User
from expansion.demo import catalogue, people, story
from expansion.demo.contracts import sign
from expansion.models import ChangeCounter, Deal
from expansion.operations import approval_rules, pipelines
from tests import kept

STORY_DAY = story.STORY_DAY
NOON = datetime.combine(STORY_DAY, time(11), UTC)


@dataclass(frozen=True)
class World:
    """Everybody and everything of the story, before anybody changes anything."""

    deal: Deal
    contract: Contract
    entity: LegalEntity
    products: dict[str, Product]
    ae: User
    csm: User
    finance: User
    admin: User
    head_of_finance: User
    auditor: User
    outsider: User
    now: datetime

    def seat_line(self) -> Any:
        return self.contract.lines.get(removed_in__isnull=True, product__code="team")

    def more_seats(self, quantity: str = "25") -> list[dict[str, str]]:
        """The story's intent: the Team line to `quantity` seats."""
        return [{"action": "quantity", "key": str(self.seat_line().key), "quantity": quantity}]


def seed_world(*, owner: str = Owner.FINANCE, billed: bool = True, now: datetime = NOON, **contract: Any) -> World:
    """The story's world on the present database, built or put back (see kept.py). `contract` overrides fields of the signing (start, end,
    months, currency, ...)."""
    key = ("seed_world", owner, billed, now, repr(sorted(contract.items())))
    return kept.once(key, lambda: _build(owner=owner, billed=billed, now=now, **contract))


def _build(*, owner: str, billed: bool, now: datetime, **contract: Any) -> World:
    staff = people.build_people()
    pipelines.ensure()
    approval_rules.ensure()
    entities, products = catalogue.build_entities(), catalogue.build_products()
    LegalEntity.objects.filter(code="northbeam-uk").update(future_invoice_owner=owner)
    entities["northbeam-uk"].refresh_from_db()
    facts = replace(story.BRIGHTWAVE, **contract)
    deal = sign(facts, entities=entities, products=products, people=staff, at=datetime.combine(facts.start, time(8), UTC))
    ChangeCounter.objects.update_or_create(year=2026, defaults={"last": 41})
    if billed:
        for month in range(1, 7):
            bill(on=date(2026, month, 1), at=datetime.combine(date(2026, month, 1), time(6), UTC))
    deal.refresh_from_db()
    outsider = User.objects.create_user("otto@elsewhere.example", "not-for-anyone", name="Otto Outsider", role=Role.SALES)
    return World(
        deal=deal,
        contract=Contract.objects.select_related("legal_entity", "customer__segment").get(pk=deal.contract_id),
        entity=entities["northbeam-uk"],
        products=products,
        ae=staff["ada"],
        csm=staff["carl"],
        finance=staff["fiona"],
        admin=staff["rhea"],
        head_of_finance=staff["george"],
        auditor=staff["olga"],
        outsider=outsider,
        now=now,
    )
