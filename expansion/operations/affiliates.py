"""Which customer belongs to which: an expansion may go on to a sister company (S4-46)."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from billing.domain.refusal import Refusal
from billing.models import Customer
from dealops.accounts.models import User
from dealops.audit.operations import record
from dealops.database import alone_at
from expansion import rules_motion as rules
from expansion.models import Affiliation
from expansion.operations import facts


@transaction.atomic
def belong(*, child: Customer, parent: Customer | None, by: User, now: datetime) -> None:
    """`child` belongs to `parent` from now on, or to nobody. Raises NotAllowed, or Refusal: a circle, or it belongs to one not seen."""
    rules.demand(rules.why_not_plan_account(by))
    for customer in filter(None, (child, parent)):
        rules.demand(rules.why_not_see(by, customer))
    # Two people who hang two customers on each other at once would make a circle that neither sees.
    alone_at("expansion.affiliates")
    before = Affiliation.objects.filter(child=child).select_related("parent").first()
    if before and rules.why_not_see(by, before.parent):
        raise Refusal("unseen_parent", "parent", f"{child.name} belongs to a company outside your teams. Ask RevOps to change that.")
    if parent is None:
        if before is None:
            return
        before.delete()
        sentence = f"{by} wrote down that {child.name} does not belong to {before.parent.name} any more."
    else:
        if child.pk in _above(parent):
            raise Refusal("circle", "parent", f"{child.name} cannot belong to {parent.name}: that would be a circle.")
        facts.link_affiliate(parent=parent, child=child)
        sentence = f"{by} wrote down that {child.name} belongs to {parent.name}."
    subjects = [child.permalink, *([parent.permalink] if parent else [])]
    record(action="account.affiliated", sentence=sentence, subjects=subjects, chain=child.legal_entity.code, at=now, by=by)


def _above(customer: Customer) -> set[int]:
    """The customer and all it belongs to, up to the top."""
    found = {customer.pk}
    above = Affiliation.objects.filter(child=customer).values_list("parent_id", flat=True).first()
    while above is not None and above not in found:
        found.add(above)
        above = Affiliation.objects.filter(child=above).values_list("parent_id", flat=True).first()
    return found
