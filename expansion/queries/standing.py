"""In whose name somebody may decide: their own, and on certain days somebody else's."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from django.db.models import Q, QuerySet
from django.db.models.functions import Abs

from dealops.accounts.models import Role, User
from expansion.domain.approval import Limit
from expansion.domain.workflow import State
from expansion.models import Change, Delegation

APPROVING = frozenset({Role.FINANCE.value, Role.REVOPS.value})


@dataclass(frozen=True, slots=True)
class Authority:
    """One name in which a person may decide. `giver` is None for the person's own."""

    role: str
    limit: Limit
    giver: User | None = None
    delegation: Delegation | None = None

    @property
    def person(self) -> UUID | None:
        """Whose authority is used, when it is not one's own."""
        return self.giver.person if self.giver else None


def authorities_of(user: User, *, on: date) -> tuple[Authority, ...]:
    """Their own first, then those given to them for this day. One query for people of a role that approves, none for others."""
    if not user.is_active or user.is_superuser or user.role not in APPROVING:
        return ()
    own = Authority(user.role, Limit(user.approval_limit, user.approval_currency))
    return (own, *_given(user, on))


def _given(user: User, on: date) -> Iterable[Authority]:
    rows = Delegation.objects.filter(taker=user, starts__lte=on, ends__gte=on, ended_at__isnull=True).select_related("giver")
    for row in rows.order_by("-giver__approval_limit", "pk"):
        giver = row.giver
        # What the giver may no longer do, nobody may do in their name (F85); the role is the one both have.
        if giver.is_active and not giver.is_superuser and giver.role == user.role and giver.approval_limit is not None:
            yield Authority(giver.role, Limit(giver.approval_limit, giver.approval_currency), giver, row)


def decidable(user: User, *, names: Iterable[Authority]) -> QuerySet[Change]:
    """What this person may approve in one of these names (see authorities_of): the rule of rules.why_not_approve, for the database."""
    waiting = Change.objects.filter(state=State.SUBMITTED)
    names = [authority for authority in names if authority.limit.amount is not None]
    if not names:
        return waiting.none()
    may = Q()
    for authority in names:
        one = Q(size__lte=authority.limit.amount, waits_for__contains=[authority.role])
        if authority.limit.currency:
            one &= Q(currency=authority.limit.currency)
        if authority.giver:
            one &= ~Q(maker_person=authority.giver.person) & ~Q(hands__contains=[authority.giver.person])
            one &= ~Q(agreed__contains=[authority.giver.person])
        may |= one
    mine = ~Q(maker_person=user.person) & ~Q(hands__contains=[user.person]) & ~Q(agreed__contains=[user.person])
    return waiting.alias(size=Abs("amount_now")).filter(mine & may)


def delegated_to(user: User, *, on: date) -> tuple[Delegation, ...]:
    """Who this person stands in for on this day. One query."""
    return tuple(authority.delegation for authority in authorities_of(user, on=on) if authority.delegation)
