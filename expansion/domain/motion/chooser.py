"""Which motion fits: expanding use, broadening challenges, about to leave, or hold (S3-10, S4-02, S4-31, S4-33)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from expansion.domain.motion import windows
from expansion.domain.motion.account import Account
from expansion.domain.motion.use import THRESHOLD, percent_words


@dataclass(frozen=True, slots=True)
class Advice:
    """`motion` is upsell, cross_sell, downgrade, hold or none; `conditions` are (what, whether it is so)."""

    motion: str
    sentence: str
    conditions: tuple[tuple[str, bool], ...]


def choose(*, leaving: bool, onboarded: bool, expanding: bool, broadening: bool) -> str:
    """The decision table of eight rows and its first line: who is about to leave is kept first; who is still starting is left alone."""
    if leaving:
        return "downgrade"
    if not onboarded:
        return "hold"
    if expanding:
        return "upsell"
    return "cross_sell" if broadening else "none"


def advise(account: Account, on: date) -> Advice:
    """The motion for an account, with the sentence and what spoke for it."""
    high = {o.name: s for o in account.owned if (s := account.share(o.product)) is not None and s >= THRESHOLD}
    fell = any(use.before and use.used <= use.before * 6 / 10 for use in account.use.values())
    asked = windows.within(account.cancel_request, on, 30) or windows.within(account.price_complaint, on, 30)
    best = account.gap.best
    facts = {
        "leaving": asked or fell,
        "onboarded": account.onboarding_done is not None and account.onboarding_done <= on,
        "expanding": bool(high),
        "broadening": best is not None or bool(account.asked_product and not account.owns(account.asked_product)),
    }
    motion = choose(**facts)
    sentence = {
        "downgrade": "They may leave: a plan that fits keeps them better than a discount.",
        "hold": "They are still trying to understand the first decision. Hold back upsell and cross-sell.",
        "upsell": f"Their use has outgrown what they have ({', '.join(f'{n} {percent_words(s)}' for n, s in high.items())}): upsell.",
        "cross_sell": f"Their next problem lies beside what they own{f': {best.goals[0]}' if best else ''}: cross-sell.",
        "none": "Nothing presses. Ask how their goals are going.",
    }[motion]
    labels = {
        "leaving": "About to leave",
        "onboarded": "Onboarding done",
        "expanding": "Use is expanding",
        "broadening": "Challenges broaden",
    }
    return Advice(motion, sentence, tuple((labels[name], value) for name, value in facts.items()))
