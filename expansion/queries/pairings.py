"""Which products customers own together, and the pairings that came of it."""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib.postgres.aggregates import ArrayAgg

from billing.models import Contract, ContractLine
from expansion.domain.motion.pairings import Association
from expansion.domain.motion.use import in_words, percent_words
from expansion.models import ProductRelation


def baskets() -> list[list[str]]:
    """The recurring products each customer has on running contracts, per customer. One query."""
    lines = ContractLine.objects.filter(
        removed_in__isnull=True, is_recurring=True, ends__isnull=True, contract__state=Contract.State.ACTIVE, product__is_active=True
    )
    found = lines.values("contract__customer").annotate(codes=ArrayAgg("product__code", distinct=True)).order_by()
    return [row["codes"] for row in found]


@dataclass(frozen=True, slots=True)
class Pairing:
    """A relation with what was counted, in words; `counted` is blank for one that a person entered."""

    relation: ProductRelation
    counted: str
    sentence: str


def every_pairing() -> dict[str, list[Pairing]]:
    """By state: suggested, approved, declined. One query."""
    found: dict[str, list[Pairing]] = {"suggested": [], "approved": [], "declined": []}
    rows = ProductRelation.objects.select_related("product", "other", "decided_by")
    for row in rows.order_by("product__name", "other__name", "pk"):
        found[row.state].append(_pairing(row))
    return found


def suggested_count() -> int:
    """How many pairings wait for somebody to approve or decline them. One query."""
    return ProductRelation.objects.filter(state=ProductRelation.State.SUGGESTED).count()


def _pairing(row: ProductRelation) -> Pairing:
    if not row.counts:
        return Pairing(row, "", f"{row.product.name} {row.kind.replace('_', ' ')} {row.other.name}.")
    counts = {name: int(row.counts[name]) for name in ("both", "with_has", "with_also", "customers")}
    rule = Association(row.product.code, row.other.code, **counts)
    sentence = f"Of {rule.with_has} customers with {row.product.name}, {rule.both} also have {row.other.name}."
    words = f"Support {in_words(rule.support)}, confidence {percent_words(rule.confidence)}, lift {in_words(rule.lift)}"
    return Pairing(row, words, sentence)
