"""An add-on cannot be sold without its base (S1-11)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from django.db.models import Q

from billing.domain.refusal import Refusal
from billing.domain.terms import Terms
from billing.models import Contract, ContractLine
from expansion.models import ProductRelation


def demand_bases(contract: Contract, before: Terms, wanted: Terms, steps: Sequence[Mapping[str, Any]], *, on: date) -> None:
    """Raises Refusal beside the product that is added without what it requires. No query when no product is added, else at most two.

    The base may come with the same change, or be on another contract of the customer.
    """
    added = {line.product for line in wanted.lines} - {line.product for line in before.lines}
    if not added:
        return
    held = {line.product for line in wanted.lines if line.ends is None or line.ends > on}
    rules = ProductRelation.objects.filter(kind="requires", state=ProductRelation.State.APPROVED, product__code__in=added)
    missing = [rule for rule in rules.select_related("product", "other").order_by("pk") if rule.other.code not in held]
    if not missing:
        return
    lines = ContractLine.objects.filter(contract__customer=contract.customer_id, contract__state=Contract.State.ACTIVE, removed_in=None)
    running = lines.filter(Q(ends=None) | Q(ends__gt=on), product__in=[rule.other_id for rule in missing])
    elsewhere = set(running.exclude(contract=contract).values_list("product__code", flat=True))
    for rule in missing:
        if rule.other.code not in elsewhere:
            place = next((str(step["place"]) for step in steps if step.get("product") == rule.product.code), "")
            base = rule.other.name
            words = f"{rule.product.name} needs {base}, which this customer does not have. Add {base} as well, or first."
            raise Refusal("needs_its_base", f"{place}.product" if place else "edits", words)
