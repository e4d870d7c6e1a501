"""What has to be known before a salesperson is asked, and the four groups that go along (S1-24, S2-09, 7.5)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

# What the person who qualifies fills in; prefilled with whatever is known.
NEEDED = {
    "goal": "What the customer wants to achieve",
    "problem": "The problem that stands in the way",
    "evidence": "What shows it",
    "contact": "Whom to talk to",
    "product": "Which product fits",
}
SCORED = ("budget", "timing", "need", "commitment")
ENOUGH = 3
URGENCIES = ("now", "this quarter", "later")
# Six fields of an intake, exactly these (S3-18).
INTAKE = ("current_product", "plan_type", "team_size", "goal", "timeline", "problem")
GROUPS = ("offer", "need", "product", "routing")


@dataclass(frozen=True, slots=True)
class Score:
    """Budget, timing, need and commitment, 1 to 3 each; a 2 or 3 counts as known. Three of four are enough."""

    values: Mapping[str, int]

    @property
    def met(self) -> int:
        return sum(self.values.get(name, 0) >= 2 for name in SCORED)

    @property
    def total(self) -> int:
        return sum(self.values.get(name, 0) for name in SCORED)

    @property
    def is_enough(self) -> bool:
        return self.met >= ENOUGH


def missing(given: Mapping[str, str], *, mechanism: str, buying_centre: str = "") -> list[str]:
    """The labels of what is still unknown. A cross-sell also names who buys it: another department, another budget (S1-10, S1-11)."""
    found = [label for name, label in NEEDED.items() if not str(given.get(name, "")).strip()]
    if mechanism == "cross_sell" and not buying_centre.strip():
        found.append("Which department buys it")
    return found


def completeness(answers: Mapping[str, object]) -> int:
    """Whole percent of the six intake fields that are filled."""
    return round(100 * sum(answers.get(name) not in ("", None) for name in INTAKE) / len(INTAKE))
