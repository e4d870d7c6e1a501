"""The plays every installation starts from: the worksheet rows W1 to W4 (S3-28 to S3-31) and the timing presets TM1 to TM7 (7.2)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Preset:
    """`definition` is what `plays.read_play` takes."""

    code: str
    name: str
    definition: dict[str, Any]


def _static(name: str, op: str, value: Any) -> dict[str, Any]:
    return {"field": name, "op": op, "value": value}


_live = _static
_ANY_PLAN = _static("plan", "in", ["starter", "team", "business", "enterprise"])
_LOWER_PLAN = _static("plan", "in", ["starter", "team", "business"])
_ANY_OWNER = _static("product_count", ">=", "1")
_FOLLOW = [{"title": "Read the account before you call", "days": 0}, {"title": "Talk to the customer", "days": 3}]


def _play(static: list[Any], live: list[Any], mechanism: str, product: str, because: str, message: str, **more: Any) -> dict[str, Any]:
    return {
        "static": static, "live": live, "mechanism": mechanism, "product": product, "because": because, "message": message,
        "tasks": _FOLLOW, **more,
    }  # fmt: skip


PRESETS = (
    Preset("W1", "New buyer with one product asks further", _play(
        [_static("product_count", "=", "1")], [_live("gap", "=", True)], "cross_sell", "white_space",
        "Because {customer} {product_count} and {gap}.",
        "Since you described a step that comes after what you use today, this takes it over.")),
    Preset("W2", "Active on a basic plan, milestone reached", _play(
        [_static("plan", "in", ["starter", "team"])], [_live("milestone_days", "<=", "14")], "upsell", "next_plan",
        "Because {customer} {plan} and {milestone_days}.",
        "You reached what you set out for; the next plan takes away the step you now do by hand.")),
    Preset("W3", "Uneven adoption", _play(
        [_static("adoption_spread", ">=", "0.40")], [_live("gap", "=", True)], "cross_sell", "white_space",
        "Because {customer} {adoption_spread}, and {gap}.",
        "You use one part every day. The part you own but do not use may already solve this.", complexity="deeper")),
    Preset("W4", "Repeat buyer compares again", _play(
        [_static("product_count", ">=", "2")], [_live("comparison_views", ">=", "1")], "upsell", "next_plan",
        "Because {customer} {product_count} and {comparison_views}.",
        "You compared again: here is what would change for your team, and what would not.", offer_type="review", complexity="deeper")),
    Preset("TM1", "After onboarding", _play(
        [_ANY_OWNER], [_live("onboarding_days", "between", ["0", "30"]), _live("gap", "=", True)], "cross_sell", "white_space",
        "Because {customer} {onboarding_days} and {gap}.",
        "Your team is set up. The next goal you named needs one thing more.")),
    Preset("TM2", "Seats nearly used up", _play(
        [_ANY_PLAN],
        [{"field": "utilisation", "op": ">=", "value": "0.90", "rearm": "0.85"}], "upsell", "same",
        "Because {customer} {plan} and {utilisation}.",
        "Your team {utilisation}: a few seats more let the next people start without waiting. You may not need this if some will leave.")),
    Preset("TM2-cap", "The plan's cap is reached", _play(
        [_LOWER_PLAN], [_live("plan_cap", ">=", "1")], "upsell", "next_plan",
        "Because {customer} {plan} and {plan_cap}.",
        "Your plan is full: the next one has room for the people who join.")),
    Preset("TM2-commit", "A commitment runs out early", _play(
        [_ANY_OWNER], [_live("commitment", ">=", "1")], "upsell", "same",
        "Because {customer} {product_count} and {commitment}.",
        "At this pace your commitment is used up before the year is over; a larger one costs less per unit.")),
    Preset("TM3", "After a result", _play(
        [_LOWER_PLAN], [_live("milestone_days", "<=", "14"), _live("gap", "=", True)],
        "cross_sell", "white_space", "Because {customer} {milestone_days}, and {gap}.",
        "The result is there. What stands between you and the next goal is one capability.")),
    Preset("TM4", "Before the renewal", _play(
        [_LOWER_PLAN],
        [_live("renewal_days", "between", ["30", "90"]), _live("utilisation", ">=", "0.70")], "upsell", "next_plan",
        "Because {customer} {renewal_days} and {utilisation}.",
        "Before you renew: what you use, what you would use, and what it costs.")),
    Preset("TM5", "After a high support rating", _play(
        [_ANY_OWNER], [_live("rating", ">=", "0.90"), _live("gap", "=", True)], "cross_sell", "white_space",
        "Because {customer} {rating} and {gap}.",
        "You told us that help came quickly. The same people can take this over for you.")),
    Preset("TM6", "Signs of leaving", _play(
        [_ANY_PLAN], [_live("cancel_request", "=", True)], "downgrade", "lower_plan",
        "Because {customer} {plan} and {cancel_request}.",
        "A smaller plan keeps what you use. No discount, nothing you do not need.", offer_type="review", complexity="deeper")),
    Preset("TM7", "Three to six weeks after the sale", _play(
        [_ANY_OWNER], [_live("sale_days", "between", ["21", "42"])], "cross_sell", "white_space",
        "Because {customer} {product_count} and {sale_days}.",
        "A check-in after the first weeks: what works, who is new, what is missing.")),
)  # fmt: skip

# The other signs of TM6, each a play of its own so that each is measured by itself (S3-78).
LEAVING = (
    Preset("TM6-price", "Price complaint", _play(
        [_ANY_PLAN], [_live("price_complaint", "=", True)], "downgrade", "lower_plan",
        "Because {customer} {plan} and {price_complaint}.",
        "A plan with fewer features costs less and keeps your data.", offer_type="review")),
    Preset("TM6-use", "Use fell by 40 %", _play(
        [_ANY_PLAN], [_live("use_drop", ">=", "0.40")], "downgrade", "same",
        "Because {customer} {plan} and {use_drop}.",
        "You use less than before. Let us see what changed before anything is paid for nothing.", offer_type="review")),
    Preset("TM6-absence", "No access for 30 days (DSR4)", _play(
        [_ANY_OWNER], [_live("absence_days", ">=", "30")], "downgrade", "lower_plan",
        "Because {customer} {product_count} and {absence_days}.",
        "We have not seen you for a while: does it still do what you bought it for?", offer_type="review")),
)  # fmt: skip
DSR = (
    Preset("DSR1", "A higher plan looked at again and again", _play(
        [_LOWER_PLAN], [_live("higher_plan_views", ">=", "3")], "upsell", "next_plan",
        "Because {customer} {plan} and {higher_plan_views}.", "You looked at the higher plan: here is what it would change for you.")),
    Preset("DSR2", "A new department looks at a module", _play(
        [_ANY_OWNER], [_live("module_new_department", "=", True), _live("gap", "=", True)], "cross_sell", "white_space",
        "Because {customer} {module_new_department}, and {gap}.",
        "A colleague of another department asked about this.", complexity="deeper")),
    Preset("DSR3", "Guide reading grows with use", _play(
        [_LOWER_PLAN], [_live("guide_growth", ">=", "0.50")], "upsell", "next_plan",
        "Because {customer} {plan} and {guide_growth}.", "Your people go deeper: this plan takes the next steps off their hands.")),
)  # fmt: skip
EVERY = {preset.code: preset for preset in (*PRESETS, *LEAVING, *DSR)}
