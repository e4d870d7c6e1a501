"""Gates a suggestion passes before anybody talks to a customer, in the order of 7.3, and the guardrails G1 to G8 behind them (7.6)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from fractions import Fraction

from expansion.domain.motion.account import Account
from expansion.domain.motion.use import in_words

HEALTH = 60
OVERDUE_DAYS = 30
COOL_DOWN = 30
# So many offers a week to all customers together, until RevOps says otherwise (S3-01).
WEEKLY_CAP = 50
WEEK = 7
SAVING = frozenset({"downgrade", "adoption"})


@dataclass(frozen=True, slots=True)
class Proposal:
    """What is to be proposed: the mechanism (upsell, cross_sell, downgrade, adoption), the product, whether usage is the evidence."""

    mechanism: str
    product: str
    has_usage_evidence: bool = False
    has_need_evidence: bool = False
    cool_down: int = COOL_DOWN
    health: int = HEALTH


@dataclass(frozen=True, slots=True)
class Result:
    """A gate's answer. `guardrail` is the G-number it belongs to, blank when none."""

    gate: str
    passes: bool
    sentence: str
    guardrail: str = ""


Check = Callable[[Account, Proposal, date], tuple[bool, str]]


def _health(account: Account, proposal: Proposal, on: date) -> tuple[bool, str]:
    """K23: health at the gate, not red, no severity 1, no invoice overdue for more than 30 days. Unknown does not pass."""
    if account.colour == "red":
        return False, "Health is red: a person said so. Help first."
    if account.health is None:
        return False, "Health is unknown, and unknown is never green. Record it first."
    if account.health < proposal.health:
        return False, f"Health {account.health} is below the gate of {proposal.health}. Help first."
    if account.open_severity_one:
        return False, "A severity 1 case is open. Solve it first."
    if account.overdue_days > OVERDUE_DAYS:
        return False, f"An invoice is {account.overdue_days} days overdue. Settle that first."
    return True, f"Health {account.health} passes the gate ({proposal.health})."


def _onboarding(account: Account, proposal: Proposal, on: date) -> tuple[bool, str]:
    if account.onboarding_done is None or account.onboarding_done > on:
        return False, "Onboarding is not finished: they are still getting to grips with the first decision."
    return True, f"Onboarding was finished on {account.onboarding_done:%-d %b %Y}."


def _value_proof(account: Account, proposal: Proposal, on: date) -> tuple[bool, str]:
    if proposal.mechanism != "upsell":
        return True, "Asked of upsells only."
    reached = [day for _, day in account.milestones if day <= on]
    if not reached:
        return False, "No value milestone is reached yet: show a result first."
    return True, f"A value milestone was reached on {max(reached):%-d %b %Y}."


def _readiness(account: Account, proposal: Proposal, on: date) -> tuple[bool, str]:
    trait = account.products.get(proposal.product)
    if trait is None:
        return True, "The product asks for nothing beforehand."
    for base in trait.requires:
        if not account.owns(base):
            name = account.products[base].name if base in account.products else base
            return False, f"{trait.name} needs {name}, which they do not own."
    if trait.min_adoption is not None and proposal.mechanism == "cross_sell":
        best = max((account.share(owned.product) or Fraction(0) for owned in account.owned), default=Fraction(0))
        if best < trait.min_adoption:
            return False, f"{trait.name} makes sense once {int(trait.min_adoption * 100)} % of the base product is in use."
    return True, f"They are ready for {trait.name}."


def _not_owned(account: Account, proposal: Proposal, on: date) -> tuple[bool, str]:
    if proposal.mechanism == "cross_sell" and account.owns(proposal.product):
        return False, "They own it already. Help them to use it; nothing is sold (adoption)."
    return True, "They do not own it yet." if proposal.mechanism == "cross_sell" else "More of what they own."


def _support_load(account: Account, proposal: Proposal, on: date) -> tuple[bool, str]:
    if account.support_load is not None and account.load_limit is not None and account.support_load > account.load_limit:
        return False, (
            f"{in_words(account.support_load)} support events per 1,000 of MRR, above {in_words(account.load_limit)} in their segment."
        )
    return True, "Support load is ordinary."


def _short_lived(account: Account, proposal: Proposal, on: date) -> tuple[bool, str]:
    if proposal.product in account.removed_soon:
        return False, "They bought it before and removed it within six months."
    return True, "Nothing short-lived in their history."


def _one_open_offer(account: Account, proposal: Proposal, on: date) -> tuple[bool, str]:
    return (False, "Another offer is open with them; one at a time.") if account.open_offer else (True, "No other offer is open.")


def _cool_down(account: Account, proposal: Proposal, on: date) -> tuple[bool, str]:
    if account.last_no and 0 <= (on - account.last_no).days < proposal.cool_down:
        days = (on - account.last_no).days
        return False, f"Asked {days} days ago, and the answer was no or nothing. Ask again {proposal.cool_down} days after."
    return True, "Nothing was asked lately."


def _weekly_cap(account: Account, proposal: Proposal, on: date) -> tuple[bool, str]:
    if account.weekly_cap is None:
        return True, "No limit is set for a week."
    shown, cap = account.offers_this_week, account.weekly_cap
    if shown >= cap:
        offers = f"{shown} offer{' was' if shown == 1 else 's were'}"
        return (
            False,
            f"{offers} shown to all customers together in {WEEK} days, and {cap} a week are the most.",
        )
    return True, f"{shown} of {cap} offers a week to all customers together were shown."


def _evidence(account: Account, proposal: Proposal, on: date) -> tuple[bool, str]:
    if proposal.mechanism == "upsell" and not (proposal.has_usage_evidence or proposal.has_need_evidence):
        return False, "Nothing they do or said shows that they need more."
    return True, "What they do or said shows the need."


def _relation(account: Account, proposal: Proposal, on: date) -> tuple[bool, str]:
    if proposal.mechanism != "cross_sell" or not proposal.product:
        return True, "Asked of cross-sells only."
    name = account.products[proposal.product].name if proposal.product in account.products else proposal.product
    goal = next((c.goals[0] for c in account.gap.closing if c.product == proposal.product), "")
    if goal:
        return True, f"{name} serves their goal “{goal}”."
    if proposal.has_need_evidence or proposal.product == account.asked_product:
        return True, f"They described a problem that {name} solves."
    if proposal.product in account.related:
        return True, f"{name} belongs to what they own."
    return False, f"Neither a goal nor what they own leads to {name}."


# (name, check, guardrail, exempt mechanisms), in the order they are asked.
_GATES: tuple[tuple[str, Check, str, frozenset[str]], ...] = (
    ("health", _health, "G8", SAVING),
    ("onboarding", _onboarding, "G1", SAVING),
    ("value_proof", _value_proof, "G1", SAVING),
    ("readiness", _readiness, "G1", SAVING),
    ("not_owned", _not_owned, "", SAVING),
    ("support_load", _support_load, "", SAVING),
    ("short_lived", _short_lived, "", SAVING),
    ("one_open_offer", _one_open_offer, "G7", frozenset({"adoption"})),
    ("cool_down", _cool_down, "", SAVING),
    ("weekly_cap", _weekly_cap, "", SAVING),
    ("usage_evidence", _evidence, "G3", SAVING),
    ("relation", _relation, "G2", SAVING),
)
NAMES = tuple(name for name, *_ in _GATES)
LABELS = {
    "health": "Health", "onboarding": "Onboarding done", "value_proof": "Value proof", "readiness": "Ready for the product",
    "not_owned": "Not owned yet", "support_load": "Support load", "short_lived": "Lasting purchases", "one_open_offer": "One open offer",
    "cool_down": "Cool-down", "weekly_cap": "Offers of the week",
    "usage_evidence": "Evidence of need", "relation": "Related to a goal or product",
}  # fmt: skip
# What each gate asks, for the person who writes a play.
ASKS = {
    "health": "Health is at or above the number you set and not red, no severity 1 case is open, no invoice is over 30 days late.",
    "onboarding": "Onboarding is finished.",
    "value_proof": "Before an upsell: at least one result was reached.",
    "readiness": "What the product needs is owned, and used enough.",
    "not_owned": "A cross-sell is of something they do not own. Owned and unused becomes an adoption play.",
    "support_load": "Support events per 1,000 of MRR are ordinary for the segment.",
    "short_lived": "They did not buy it before and drop it within six months.",
    "one_open_offer": "No other offer waits for their answer.",
    "cool_down": "The last no, or silence, is as many days ago as you set.",
    "weekly_cap": "All customers together were shown fewer offers in seven days than the limit on the page of plays.",
    "usage_evidence": "An upsell rests on use, or on what they said.",
    "relation": "A cross-sell serves a goal, answers a problem they described, or is an approved pairing.",
}
GUARDRAILS = {
    "G1": "Too early",
    "G2": "Unrelated",
    "G3": "Quota-driven",
    "G4": "Careless discount or too deep a downsell",
    "G5": "No follow-up",
    "G6": "Unexplained: no why now",
    "G7": "More than one open offer",
    "G8": "Unhealthy account",
}
# Which roles may let a suggestion pass a gate, with a reason. Health, one offer at a time and ownership are not anybody's to wave through.
OVERRIDES = {
    "onboarding": frozenset({"customer_success", "revops"}),
    "value_proof": frozenset({"customer_success", "revops"}),
    "readiness": frozenset({"customer_success", "revops"}),
    "support_load": frozenset({"revops"}),
    "short_lived": frozenset({"revops"}),
    "cool_down": frozenset({"customer_success", "revops"}),
    "weekly_cap": frozenset({"revops"}),
    "usage_evidence": frozenset({"customer_success", "revops"}),
    "relation": frozenset({"customer_success", "revops"}),
    "health": frozenset({"revops"}),
}


def check(account: Account, proposal: Proposal, on: date, *, overridden: frozenset[str] = frozenset()) -> tuple[Result, ...]:
    """Every gate's answer in order. A gate that a person overrode passes and says so; red health cannot be overridden (S1-29)."""
    answers = []
    for name, ask, guardrail, exempt in _GATES:
        if proposal.mechanism in exempt:
            answers.append(Result(name, True, "Not asked of plays that help or save.", guardrail))
            continue
        passes, sentence = ask(account, proposal, on)
        if not passes and name in overridden and not (name == "health" and account.colour == "red"):
            passes, sentence = True, f"Let through by a person: {sentence}"
        answers.append(Result(name, passes, sentence, guardrail))
    return tuple(answers)


def first_hold(results: tuple[Result, ...]) -> Result | None:
    return next((result for result in results if not result.passes), None)
