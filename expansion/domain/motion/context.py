"""The four groups of a hand-off in words (7.5, S3-58 to S3-61): the same on our pages and in the CRM's record (S3-57)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

# Group -> its title and the labels of what stands in it, in order.
GROUPS: Final[dict[str, tuple[str, dict[str, str]]]] = {
    "need": (
        "What they need",
        {
            "goal": "Goal", "problem": "Problem", "verbatim": "In their words", "evidence": "Evidence", "urgency": "Urgency",
            "contact": "Contact", "department": "Department",
        },
    ),
    "product": (
        "What they have",
        {
            "plan": "Plan", "owned": "Owned", "proposed": "Proposed", "units": "Units more", "utilisation": "In use", "health": "Health",
            "implementation_stage": "Stage", "milestone": "Last result",
        },
    ),
    "offer": (
        "What was offered",
        {
            "shown": "Shown", "where": "Where", "when": "When", "response": "Answer", "deferred_until": "Deferred until",
            "words": "Words to start from",
        },
    ),
    "routing": ("Why it comes to you", {"because": "Reason", "reason": "Routing", "rule": "Rule", "joined": "Joined by"}),
}  # fmt: skip


def groups_of(context: Mapping[str, Mapping[str, Any]]) -> list[tuple[str, list[tuple[str, str]]]]:
    """The four groups in words, what is blank left out: (title, [(label, value)])."""
    return [(title, _rows(context, name)) for name, (title, _) in GROUPS.items()]


def as_text(context: Mapping[str, Mapping[str, Any]], group: str) -> str:
    """One group as plain text, a line for each fact: for a text property of the CRM."""
    return "\n".join(f"{label}: {value}" for label, value in _rows(context, group))


def _rows(context: Mapping[str, Mapping[str, Any]], group: str) -> list[tuple[str, str]]:
    rows = [(label, _words(context.get(group, {}).get(key))) for key, label in GROUPS[group][1].items()]
    return [(label, value) for label, value in rows if value]


def _words(value: Any) -> str:
    return ", ".join(str(part).replace("_", " ") for part in value) if isinstance(value, list) else str(value or "")
