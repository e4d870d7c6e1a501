"""What kinds of facts and signals there are, in words."""

from __future__ import annotations

SIGNAL_KINDS = {
    "problem_mentioned": "Mentioned a problem another product solves",
    "new_team": "A new team asks",
    "asked_feature": "Asked for something of a higher plan",
    "growing": "Is hiring or growing",
    "price_complaint": "Complained about the price",
    "thinks_of_leaving": "Thinks of leaving",
    "other": "Something else they said",
}
# A person's note leads to this motion unless they say otherwise.
MOTIONS = {
    "problem_mentioned": "cross_sell", "new_team": "cross_sell", "asked_feature": "upsell", "growing": "upsell",
    "price_complaint": "downgrade", "thinks_of_leaving": "downgrade", "other": "upsell",
}  # fmt: skip
ENGAGEMENT_KINDS = {
    "higher_plan": "Document on a higher plan",
    "module_intro": "Introduction of a module",
    "adoption_guide": "Adoption guide",
    "pricing": "Pricing page",
    "comparison": "Product comparison",
    "integration": "Integration page",
    "admin_controls": "Admin controls",
    "gated_feature": "Attempt at a gated feature",
    "other": "Something else",
}
SUPPORT_KINDS = {
    "ticket": "Ticket", "onboarding_ticket": "Onboarding ticket", "severity_one": "Severity 1", "escalation": "Escalation",
    "refund": "Refund request", "rating": "Rating", "cancel_request": "Asked to cancel", "price_complaint": "Price complaint",
}  # fmt: skip
LOAD_KINDS = ("ticket", "onboarding_ticket", "severity_one", "escalation", "refund")
MILESTONE_KINDS = {"first_result": "First result", "kpi": "KPI improved", "usage": "Usage milestone", "result_achieved": "Result achieved"}
RELATIONS = {"complements": "Complements", "requires": "Requires", "replaces": "Replaces", "part_of": "Part of"}
LIFECYCLE = ("sale", "onboarding", "adoption", "value", "expansion", "renewal")
