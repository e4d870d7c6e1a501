"""Who looks after a deal."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet

from billing.domain.refusal import Refusal, Stale
from dealops.accounts.models import Role, User
from dealops.audit.operations import record
from expansion import rules
from expansion.models import Deal
from expansion.operations.deals import lock


def possible() -> QuerySet[User]:
    """Those who may own a deal."""
    return User.objects.filter(is_active=True, role__in=[Role.SALES, Role.CUSTOMER_SUCCESS]).order_by("name")


def assign(*, deal_id: int, owner_id: int, version: int, by: User, now: datetime) -> Deal:
    """Give the deal to another owner. Raises NotAllowed, Stale when somebody was faster, Refusal for somebody who owns no deals."""
    with transaction.atomic():
        deal = lock(deal_id)
        rules.demand(rules.why_not_change(by, deal))
        if deal.version != version:
            raise Stale("changed_meanwhile", "version", f"{deal.number} was changed by someone else since you saw it. Look at it again.")
        owner = possible().filter(pk=owner_id).first()
        if owner is None:
            raise Refusal("no_owner", "owner", "Only active people of Sales and Customer Success own deals. Choose one of them.")
        before = deal.owner
        if owner == before:
            return deal
        deal.owner = owner
        deal.version += 1
        deal.save(update_fields=["owner", "version"])
        record(
            action="deal.assigned",
            sentence=f"{deal.number} was given to {owner} by {by}; before it was {before}’s.",
            subjects=[deal.permalink],
            chain=deal.contract.legal_entity.code,
            at=now,
            by=by,
            before={"owner": before.name},
            after={"owner": owner.name},
        )
        return deal
