"""Who takes a qualified signal: account stage x offer type x complexity x ownership, a total function of 96 cases (7.4, S3-49 to S3-53)."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

STAGES = ("existing", "active_opportunity", "post_purchase")
OFFER_TYPES = ("upsell", "cross_sell", "implementation", "review")
COMPLEXITIES = ("straightforward", "deeper")
OWNERSHIPS = ("account_manager", "sales_rep", "solutions_consultant", "support_led")

LABELS = {
    "account_owner": "Account owner", "account_manager": "Account manager", "specialist": "Expansion specialist",
    "solutions_consultant": "Solutions consultant", "support": "Support", "manager": "Manager", "team_queue": "Team queue",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Case:
    """The four criteria."""

    stage: str
    offer_type: str
    complexity: str
    ownership: str


@dataclass(frozen=True, slots=True)
class Route:
    """`to` closes, `joined` come along or are informed; `rule` names the line of the table. A fallback raises an alarm."""

    to: str
    joined: tuple[str, ...]
    rule: str
    is_fallback: bool = False

    @property
    def words(self) -> str:
        """Why this person or team (S3-61)."""
        joined = f" with the {' and the '.join(LABELS[name].lower() for name in self.joined)}" if self.joined else ""
        return f"{self.rule}: {LABELS[self.to].lower()}{joined}"


def route(case: Case) -> Route:
    """The route of a case. Unknown criteria go to the team queue and alarm, so that nothing is ever without an owner."""
    known = (STAGES, OFFER_TYPES, COMPLEXITIES, OWNERSHIPS)
    values = (case.stage, case.offer_type, case.complexity, case.ownership)
    if any(value not in names for value, names in zip(values, known, strict=True)):
        return Route("team_queue", (), "No rule for these criteria", is_fallback=True)
    if case.offer_type == "implementation":
        return Route("solutions_consultant", ("account_owner",), "Implementation add-on")
    if case.offer_type == "review":
        return Route("account_owner", ("manager",), "Strategic review")
    if case.offer_type == "upsell":
        return _upsell(case)
    if case.complexity == "deeper":
        return Route("specialist", ("account_owner",), "Cross-sell that needs deeper discovery")
    return Route("account_manager", (), "Straightforward cross-sell")


def _upsell(case: Case) -> Route:
    if case.complexity == "deeper":
        return Route("account_owner", ("solutions_consultant",), "Upsell that needs deeper discovery")
    if case.ownership == "support_led" and case.stage != "active_opportunity":
        return Route("support", ("account_owner",), "Small upsell of a support-led account, the account owner is informed")
    return Route("account_owner", (), "Straightforward upsell")


def every_case() -> list[Case]:
    return [Case(*values) for values in product(STAGES, OFFER_TYPES, COMPLEXITIES, OWNERSHIPS)]
