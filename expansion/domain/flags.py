"""What makes a change unusual, so that whoever decides looks twice (S08). Read from what was frozen, never computed again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any


@dataclass(frozen=True, slots=True)
class Flag:
    """One word for the list and one sentence for the review. `tone` is info, wait or bad."""

    code: str
    word: str
    sentence: str
    tone: str = "wait"


@dataclass(frozen=True, slots=True)
class Facts:
    """What flags are read from. `limit_words` says why the reader may not approve because of the amount, or is empty."""

    impact: Mapping[str, Any]
    actions: tuple[str, ...]
    effective: date
    submitted_on: date | None
    waiver_reason: str
    limit_words: str
    is_own: bool
    others_waiting: tuple[str, ...] = ()
    agreed: int = 0
    has_question: bool = False


def flags(facts: Facts) -> tuple[Flag, ...]:
    """The flags of one change for one reader, gravest first."""
    found = (_own(facts), _limit(facts), *_time(facts), _waiver(facts), _remainder(facts), _price(facts), _others(facts), *_standing(facts))
    return tuple(flag for flag in found if flag)


def _own(facts: Facts) -> Flag | None:
    return Flag("own", "Your own", "You made this; someone else must decide.", "info") if facts.is_own else None


def _limit(facts: Facts) -> Flag | None:
    return Flag("limit", "Over your limit", facts.limit_words, "bad") if facts.limit_words else None


def _time(facts: Facts) -> list[Flag]:
    if facts.impact["prior_period"]:
        words = "It reaches into a period that had ended; the closed documents stay as they are."
        return [Flag("prior_period", "Closed period", words, "bad")]
    if facts.submitted_on and facts.effective < facts.submitted_on:
        days = (facts.submitted_on - facts.effective).days
        return [Flag("backdated", "Backdated", f"It took effect {days} {'day' if days == 1 else 'days'} before it was submitted.")]
    return []


def _waiver(facts: Facts) -> Flag | None:
    if not Decimal(facts.impact["waived"]):
        return None
    why = f" Reason: {facts.waiver_reason}" if facts.waiver_reason else ""
    return Flag("waiver", "Waiver", f"Nothing is credited for this period although less is used.{why}")


def _remainder(facts: Facts) -> Flag | None:
    if not Decimal(facts.impact["remainder"]):
        return None
    where = str(facts.impact["remainder_to"]).replace("_", " ")
    return Flag("remainder", "Credit above billed", f"Part of the credit exceeds what was billed; it goes to: {where}.", "bad")


def _price(facts: Facts) -> Flag | None:
    return Flag("price", "Price override", "A price is set by hand instead of from the price book.") if "price" in facts.actions else None


def _others(facts: Facts) -> Flag | None:
    if not facts.others_waiting:
        return None
    return Flag("others", "Another pending", f"Also waiting on this contract: {', '.join(facts.others_waiting)}.")


def _standing(facts: Facts) -> list[Flag]:
    found = []
    if facts.agreed:
        found.append(Flag("second", "Second approval", "Somebody has agreed already; another person has to agree as well.", "info"))
    if facts.has_question:
        found.append(Flag("question", "Question open", "The maker was asked something; the time to decide stands still.", "info"))
    return found
