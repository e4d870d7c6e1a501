"""The group a customer belongs to, and what its companies do not share yet (S4-46)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from django.db.models import Case, Q, When

from billing.models import Customer
from dealops.accounts.models import User
from expansion.domain.health import Band, band
from expansion.domain.motion.account import Account
from expansion.models import Affiliation
from expansion.queries.facts import snapshots
from expansion.scope import visible

MOST = 20


@dataclass(frozen=True, slots=True)
class Relative:
    """Another company of the group: how it is related, how it does, what it has that this one lacks, and the other way round."""

    customer: Customer
    relation: str
    band: Band
    has_more: tuple[str, ...]
    lacks: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Group:
    """`parent` is whom the customer belongs to, where this person sees it. `is_cut`: there are more companies than `relatives` holds."""

    parent: Customer | None
    relatives: tuple[Relative, ...]
    is_cut: bool


def group_of(customer: Customer, account: Account, *, user: User, on: date) -> Group:
    """The parent, then up to MOST companies of the parent and below, by name; of those this person sees. A fixed number of queries."""
    above = Affiliation.objects.filter(child=customer).values("parent")
    links = visible(user, Affiliation.objects.filter(Q(child=customer) | Q(parent=customer) | Q(parent__in=above)))
    own_first = Case(When(child=customer, then=0), default=1)
    found = list(links.select_related("parent", "child").order_by(own_first, "child__name", "pk")[: MOST + 2])
    parent = found[0].parent if found and found[0].child_id == customer.pk else None
    others = found[1:] if parent else found
    related = {parent.pk: (parent, "Parent")} if parent else {}
    for link in others[:MOST]:
        if link.parent_id == customer.pk or parent:
            related[link.child_id] = (link.child, "Subsidiary" if link.parent_id == customer.pk else "Sister company")
    known = snapshots(on=on, customers=list(related)) if related else {}
    mine = _names(account)
    relatives = tuple(_relative(one, relation, known.get(pk), mine) for pk, (one, relation) in related.items())
    return Group(parent, relatives, len(others) > MOST)


def _relative(customer: Customer, relation: str, account: Account | None, mine: dict[str, str]) -> Relative:
    theirs = _names(account) if account else {}
    return Relative(
        customer, relation, band(account.health if account else None),
        tuple(name for code, name in theirs.items() if code not in mine), tuple(name for code, name in mine.items() if code not in theirs),
    )  # fmt: skip


def _names(account: Account) -> dict[str, str]:
    return {owned.product: owned.name for owned in account.owned}
