"""A signal in one short sentence, and what is known already when somebody qualifies it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from expansion.domain.motion.account import Account
from expansion.domain.motion.kinds import SIGNAL_KINDS

# What a play adds to the words of a counted field: for colleagues, not for the customer.
COUNTED = "; threshold"


def headline(*, customer: str, kind: str, because: str, inputs: Mapping[str, str]) -> str:
    """What is happening, without the trait that made the play look: "Brightwave has used 19 of 20 Team seats (95 %) – threshold 90 %."

    A note of a person has its own words; where a play found nothing to say, its reason stands.
    """
    said = inputs.get("quote")
    if said:
        return f"{customer}: {SIGNAL_KINDS.get(kind, 'Said')}: “{said}”"
    found = inputs.get(kind)
    return f"{customer} {found.replace(COUNTED, ' – threshold')}." if found else because


def to_customer(message: str, inputs: Mapping[str, str]) -> str:
    """Words to the customer with what was found put in, the play's own threshold left out. A field the play does not ask about stays."""
    return message.format_map(_Blank({name: words.partition(COUNTED)[0] for name, words in inputs.items()}))


class _Blank(dict[str, str]):
    """A field the message names but the play does not ask about is left as it was written."""

    def __missing__(self, name: str) -> str:
        return "{" + name + "}"


@dataclass(frozen=True, slots=True)
class Known:
    """What a form of qualification opens with. `scores` are 1 to 3; `why` says for each where it comes from."""

    goal: str
    problem: str
    evidence: str
    contact: str
    department: str
    scores: Mapping[str, int]
    why: Mapping[str, str]


def known(
    *, account: Account, kind: str, inputs: Mapping[str, str], product: str, problem: str, quote: str, urgency: str, goal: str,
    contact: str, department: str, owns_budget: bool,
) -> Known:  # fmt: skip
    """Everything that is filled in before anybody types (S1-24, S3-54): from the signal, the account's goals and its contacts."""
    evidence = f"{account.name} {inputs[kind]}" if inputs.get(kind) else quote
    use, owned = account.use.get(product), next((o for o in account.owned if o.product == product), None)
    if not problem and use and owned and kind in {"utilisation", "plan_cap"}:
        left = max(owned.quantity - use.used, type(use.used)(0))
        problem = f"Only {left.normalize():f} of {owned.quantity.normalize():f} {owned.name} {owned.unit}s is left for new colleagues."
    pressing = kind in {"utilisation", "plan_cap", "commitment", "renewal_days"} or urgency in {"now", "this quarter"}
    scores = {"budget": 2 if owns_budget else 1, "timing": 3 if pressing else 2, "need": 3 if evidence else 2, "commitment": 1}
    why = {
        "budget": f"{contact} owns a budget." if owns_budget else "Nobody known owns a budget.",
        "timing": "It presses by itself." if pressing else "No date is known.",
        "need": "Shown by the evidence." if evidence else "Nothing shows it yet.",
        "commitment": "Not asked yet.",
    }
    first = goal or (account.needs[0].goal if account.needs else "")
    return Known(first, problem or account.asked_problem or quote, evidence, contact, department, scores, why)
