"""Two halves of one company: `here` is the story's legal entity, `elsewhere` another one, with a person of each role in each."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

from billing.models import Document, Finding, LegalEntity, Posting, Team
from billing.operations.billing_run import bill
from dealops.accounts.models import Role, User
from expansion.demo import catalogue, people, story
from expansion.demo.contracts import sign
from expansion.models import AdoptionTask, Change, Deal, Introduction, Offer, Play, PlayTask, PlayVersion, Signal
from expansion.operations import changes
from tests.expansion.desk import approved, set_clock, submitted
from tests.worlds import NOON, STORY_DAY, World, seed_world

# Stands in every text of the other half that people write; no answer to anybody here may hold it (F89). The names of the people themselves
# are no secret in a company: they stand in every choice of an owner.
CANARY = "Kanarienvogel"
GROUPS = ("maker", "colleague", "outside")


@dataclass(frozen=True)
class Half:
    """What has a page in one half, by the word the policy table uses for it."""

    deal: Deal
    applied: Change
    waiting: Change

    def rows(self) -> dict[str, Any]:
        document = Document.objects.filter(contract=self.deal.contract_id).latest("pk")
        posting = Posting.objects.filter(contract=self.deal.contract_id).latest("pk")
        return {
            "deal": self.deal.number,
            "difference": _difference(self.deal).pk,
            "entity": self.deal.contract.legal_entity.code,
            "change": self.waiting.number,
            "document": document.number,
            "contract": self.deal.contract.number,
            "customer": self.deal.customer.number,
            "message": posting.message_id,
            "posting": posting.pk,
            "handoff": self.waiting.handoffs.latest("pk").pk,
            "signal": self._signal().pk,
            "introduction": self._introduction().pk,
            "play_task": self._play_task().pk,
            "offer": self._offer().pk,
            "adoption_task": AdoptionTask.objects.filter(adoption__change=self.applied).earliest("pk").pk,
        }

    def _offer(self) -> Offer:
        words = f"{self.deal.customer.name} grows"
        said = {"why_now": words, "words": words, "value_for_customer": words, "is_good_because": words, "goal": words, "location": "rep"}
        facts = {"mechanism": "upsell", "is_good": True, "shown_at": NOON, "shown_by": self.deal.owner, "customer": self.deal.customer}
        return Offer.objects.get_or_create(deal=self.deal, defaults=said | facts)[0]

    def _introduction(self) -> Introduction:
        facts = {"customer": self.deal.customer, "deal": self.deal, "mechanism": "upsell", "sourced_by": self.deal.success_manager}
        context = {"need": {"goal": f"{self.deal.customer.name} grows"}, "product": {}, "offer": {}, "routing": {}}
        more = {"to": self.deal.owner, "route": "account_owner", "rule": "policy", "context": context, "due_at": NOON, "created_at": NOON}
        return Introduction.objects.get_or_create(signal=self._signal(), defaults=facts | more)[0]

    def _play_task(self) -> PlayTask:
        return PlayTask.objects.get_or_create(signal=self._signal(), place=0, defaults={"title": "Call", "due_on": STORY_DAY})[0]

    def _signal(self) -> Signal:
        facts = {
            "because": f"{self.deal.customer.name} said so",
            "first_seen": NOON,
            "last_seen": NOON,
            "mechanism": "upsell",
            "deal": self.deal,
        }
        return Signal.objects.get_or_create(customer=self.deal.customer, trigger="policy", defaults=facts)[0]


@dataclass(frozen=True)
class Cast:
    world: World
    people: dict[str, dict[Role, User]]
    here: Half
    elsewhere: Half


def _difference(deal: Deal) -> Finding:
    """A difference with accounting about this deal's contract."""
    facts = {"kind": "template", "words": f"{deal.customer.name} differs", "contract": deal.contract, "found_at": NOON, "seen_at": NOON}
    facts["legal_entity"] = deal.contract.legal_entity
    return Finding.objects.get_or_create(key=f"policy|{deal.contract.number}", closed_at=None, defaults=facts)[0]


def build(settings: Any) -> Cast:
    """Seeds both halves: each has an applied change with its documents and postings, and one that waits for Finance."""
    set_clock(settings)
    world = seed_world()
    staff = {group: _staff(group) for group in GROUPS}
    other = _signed_elsewhere(staff["outside"])
    team("here", "northbeam-uk", [*staff["maker"].values(), *staff["colleague"].values(), world.ae, world.csm])
    team("elsewhere", "northbeam-eu", staff["outside"].values())
    play = Play.objects.create(code="policy", name="Policy", created_at=NOON)
    PlayVersion.objects.create(play=play, number=1, definition={}, created_at=NOON)
    more = world.more_seats("30")
    here = Half(world.deal, approved(world), submitted(world, intents=more))
    return Cast(world, staff, here, _lived_through(other, staff["outside"]))


def team(code: str, entity: str, members: Any) -> Team:
    """A team that covers one legal entity."""
    made = Team.objects.create(code=code, name=f"Team {code}")
    made.members.set(members)
    made.legal_entities.set(LegalEntity.objects.filter(code=entity))
    return made


def _staff(group: str) -> dict[Role, User]:
    return {role: person(role, group) for role in Role}


def person(role: Role, group: str) -> User:
    """Somebody of this role; Finance may approve a lot."""
    name = f"{role.label} {group}"
    limit = Decimal(1_000_000) if role == Role.FINANCE else None
    may_see_admin = role in {Role.REVOPS, Role.AUDITOR}
    return User.objects.create_user(
        f"{role}.{group}@policy.example", "not-for-anyone", name=name, role=role, is_staff=may_see_admin, approval_limit=limit
    )


def _signed_elsewhere(staff: dict[Role, User]) -> Deal:
    facts = replace(
        story.BRIGHTWAVE, number=7001, customer_number=7001, customer=f"{CANARY} GmbH", entity="northbeam-eu", currency="EUR", segment="",
        country="DE", owner="ada", success="carl",
    )  # fmt: skip
    by = people.build_people() | {"ada": staff[Role.SALES], "carl": staff[Role.CUSTOMER_SUCCESS]}
    at = datetime.combine(facts.start, time(8), UTC)
    deal = sign(facts, entities=catalogue.build_entities(), products=catalogue.build_products(), people=by, at=at)
    deal.customer.address, deal.customer.email = f"{CANARY} Street 1", f"{CANARY.lower()}@canary.example"
    deal.customer.save()
    Deal.objects.filter(pk=deal.pk).update(name=f"{CANARY} renewal", next_step=f"Call {CANARY}")
    LegalEntity.objects.filter(code="northbeam-eu").update(future_invoice_owner="finance")
    for month in range(1, 7):
        bill(on=date(2026, month, 1), at=datetime(2026, month, 1, 6, tzinfo=UTC))
    return Deal.objects.select_related("contract__legal_entity", "contract__customer__segment", "customer").get(pk=deal.pk)


def _lived_through(deal: Deal, staff: dict[Role, User]) -> Half:
    def handed_in(quantity: str) -> Change:
        line = deal.contract.lines.filter(removed_in__isnull=True, product__code="team").earliest("pk")
        intents = [{"action": "quantity", "key": str(line.key), "quantity": quantity}]
        words = {"goal": f"{CANARY} grows", "note": f"{CANARY} asked for it"}
        draft = changes.draft(deal=deal, intents=intents, effective=STORY_DAY, by=staff[Role.SALES], now=NOON, **words)
        return changes.submit(change_id=draft.pk, version=draft.version, shown_hash=draft.content_hash, by=staff[Role.SALES], now=NOON)

    first = handed_in("25")
    applied = changes.approve(change_id=first.pk, version=first.version, shown_hash=first.content_hash, by=staff[Role.FINANCE], now=NOON)
    deal.refresh_from_db()
    return Half(deal, applied, handed_in("30"))
