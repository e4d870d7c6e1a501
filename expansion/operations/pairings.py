"""Products that are bought together (K21): found by counting, suggested, and true only once a person has approved them (S2-17, S2-19)."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from billing.domain.refusal import Refusal
from billing.models import Product
from dealops.accounts.models import User
from dealops.audit.operations import record
from expansion import rules_motion as rules
from expansion.domain.motion.pairings import associations
from expansion.models import ProductRelation
from expansion.queries.pairings import baskets

KIND = "complements"


@transaction.atomic
def find(*, now: datetime) -> int:
    """Count again what customers own together; new pairings are suggested, known ones get their new counts. Answers how many are new.

    What a person decided stays decided. A suggestion whose rule no longer holds is taken back.
    """
    rules_found = {(rule.has, rule.also): rule for rule in associations(baskets())}
    products = {product.code: product for product in Product.objects.filter(is_active=True)}
    known = {(row.product.code, row.other.code): row for row in _locked()}
    fresh = []
    for (has, also), rule in rules_found.items():
        if has not in products or also not in products:
            continue
        counts = {"both": rule.both, "with_has": rule.with_has, "with_also": rule.with_also, "customers": rule.customers}
        row = known.get((has, also))
        if row is None:
            fresh.append(ProductRelation(product=products[has], other=products[also], kind=KIND, counts=counts))
        elif row.counts != counts:
            row.counts = counts
            row.save(update_fields=["counts"])
    gone = [row.pk for key, row in known.items() if row.state == ProductRelation.State.SUGGESTED and key not in rules_found]
    ProductRelation.objects.filter(pk__in=gone).delete()
    ProductRelation.objects.bulk_create(fresh)
    if fresh:
        record(action="pairings.found", sentence=f"Counting what is bought together suggests {len(fresh)} pairings.", subjects=[], at=now)
    return len(fresh)


def _locked() -> list[ProductRelation]:
    return list(ProductRelation.objects.select_for_update(of=("self",)).filter(kind=KIND).select_related("product", "other").order_by("pk"))


@transaction.atomic
def decide(*, relation_id: int, approve: bool, by: User, now: datetime) -> ProductRelation:
    """Approve a suggestion, dismiss it, or think better of either. White space and the gates use approved ones only."""
    rules.demand(rules.why_not_decide_pairing(by))
    row = ProductRelation.objects.select_for_update(of=("self",)).select_related("product", "other").filter(pk=relation_id).first()
    if row is None:
        raise Refusal("unknown_pairing", "relation", "There is no such pairing any more. Look at the list again.")
    row.state = ProductRelation.State.APPROVED if approve else ProductRelation.State.DECLINED
    row.decided_by, row.decided_at = by, now
    row.save(update_fields=["state", "decided_by", "decided_at"])
    verb = "approved" if approve else "dismissed"
    sentence = f"{by} {verb} the pairing {row.product.name} and {row.other.name}."
    record(action=f"pairing.{verb}", sentence=sentence, subjects=[], at=now, by=by, after={"state": row.state, "counts": row.counts})
    return row
