"""Conditions read aloud: what goes into “When … is at least 5, and now …, suggest …”."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from expansion.domain.motion.fields import FIELDS

OPERATOR_WORDS: Final = {
    "=": "is", "!=": "is not", ">=": "is at least", "<=": "is at most", ">": "is above", "<": "is below", "between": "is between",
    "in": "is one of", "not in": "is none of", "has": "has", "lacks": "lacks",
}  # fmt: skip
# A field as the subject of a sentence; one that is yes or no is a sentence of its own.
PHRASES: Final = {
    "products": "their list of products",
    "product_count": "the number of products they own",
    "plan": "their plan",
    "adoption": "the share of their products in use",
    "adoption_spread": "the gap between their most and their least used product",
    "tenure_days": "the number of days since their first sale",
    "health": "their health score",
    "stage": "the stage of the account",
    "size": "the size of the company",
    "industry": "their industry",
    "country": "their location",
    "segment": "their segment",
    "positions": "the list of their positions",
    "owner_model": "the owner of the account",
    "utilisation": "the share of the seats in use",
    "plan_cap": "the share of the plan's cap in use",
    "commitment": "the projected share of the commitment",
    "use_drop": "the fall of use in 30 days",
    "new_department": "a new department is at work",
    "onboarding_days": "the number of days since onboarding was done",
    "milestone_days": "the number of days since a value milestone",
    "renewal_days": "the number of days to the end of the term",
    "sale_days": "the number of days since the initial sale",
    "rating": "the support rating, as a share of the best one,",
    "cancel_request": "they asked to cancel",
    "price_complaint": "they complained about the price",
    "higher_plan_views": "the number of views of a higher plan",
    "module_new_department": "a new department opened a module's page",
    "guide_growth": "the growth of guide reading",
    "absence_days": "the number of days without access",
    "gated_attempts": "the number of attempts at gated features",
    "pricing_views": "the number of visits of the pricing page",
    "comparison_views": "the number of looks at the product comparison",
    "integration_views": "the number of visits of integration pages",
    "admin_views": "the number of looks at admin controls",
    "logged": "the list of what people logged",
    "gap": "a need is met by no product they own",
}


def phrase(field: str) -> str:
    """A field as the subject of a sentence; its own name where there is no such field any more."""
    return PHRASES.get(field, field)


def said(row: Mapping[str, Any], value: str) -> str:
    """A condition in words; `value` as it is to be read."""
    field = FIELDS.get(str(row.get("field")))
    subject = phrase(str(row.get("field")))
    if field and field.type == "yes":
        return subject
    op = str(row.get("op"))
    return f"{subject} {OPERATOR_WORDS.get(op, op)} {value}"
