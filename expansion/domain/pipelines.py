"""The boards every installation has: Main, Upsells, Cross-sells, Downgrades (S0-08), and the stages of each."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class StageFacts:
    """A column. `money` stages move only through the workflow; a card that stays longer than `rot_days` waits too long."""

    code: str
    name: str
    rot_days: int
    money: bool = False
    closed: bool = False


@dataclass(frozen=True, slots=True)
class PipelineFacts:
    code: str
    name: str
    stages: tuple[StageFacts, ...]


_CHANGE = (
    StageFacts("signal", "Signal", 14),
    StageFacts("qualified", "Qualified", 14),
    StageFacts("offered", "Offered", 14),
    StageFacts("agreed", "Agreed", 7),
    StageFacts("change_drafted", "Change drafted", 5),
    StageFacts("awaiting_approval", "Awaiting approval", 2, money=True),
    StageFacts("applied", "Applied", 30, money=True),
    StageFacts("adoption_check", "Adoption check", 60),
    StageFacts("done", "Done", 0, closed=True),
    StageFacts("declined", "Declined", 0, closed=True),
)
# A cross-sell has a new buyer, a use to prove to them, and often a purchase of its own (S1-14).
_CROSS_SELL = (
    *_CHANGE[:2],
    StageFacts("use_case_proven", "Use case proven", 30),
    _CHANGE[2],
    StageFacts("procurement", "Procurement", 45),
    *_CHANGE[3:],
)
CHECKLISTS = {
    "use_case_proven": (
        "The problem is written down in their words",
        "The new team has tried it on its own work",
        "The new buyer has said what it is worth to them",
    ),
    "procurement": (
        "Who signs, and from whose budget, is known",
        "Legal, security and purchasing have what they asked for",
        "The day it should begin is agreed",
    ),
}
_MAIN = (
    StageFacts("onboarding", "Onboarding", 45),
    StageFacts("live", "Live", 365),
    StageFacts("renewal_due", "Renewal due", 90),
    StageFacts("at_risk", "At risk", 30),
    StageFacts("awaiting_approval", "Awaiting approval", 2, money=True),
    StageFacts("applied", "Applied", 30, money=True),
    StageFacts("ended", "Ended", 0, closed=True),
)
PIPELINES = (
    PipelineFacts("main", "Main", _MAIN),
    PipelineFacts("upsells", "Upsells", _CHANGE),
    PipelineFacts("cross_sells", "Cross-sells", _CROSS_SELL),
    PipelineFacts("downgrades", "Downgrades", _CHANGE),
)
# Which board the card of a change is on (S0-08); anything else stays on Main.
OF_MECHANISM = {"upsell": "upsells", "cross_sell": "cross_sells", "downgrade": "downgrades", "price_uplift": "upsells"}
