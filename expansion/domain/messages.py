"""What a message outside the app says: the same facts everywhere, escaped for where it goes (ux section 5, F92)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything a message repeats; `impact` is the frozen canonical impact of the change.

    `asked` is what the buttons carry that decide in Slack; "" where only the page decides.
    """

    number: str
    customer: str
    sentence: str
    impact: Mapping[str, Any]
    currency: str
    maker: str
    why: str
    link: str
    due: str = ""
    asked: str = ""


DOCUMENT_WORDS = {"invoice": "one-off invoice", "credit_note": "credit note", "none": "nothing to bill now"}


def pairs(facts: Facts) -> list[tuple[str, str]]:
    """The facts as (label, value), in the order people read them."""
    impact = facts.impact
    rows = [("Change", f"{facts.number}: {facts.sentence}"), ("Customer", facts.customer)]
    kind = DOCUMENT_WORDS[str(impact["document"])]
    if impact["document"] == "none":
        rows.append(("This period", str(impact["why"])))
    else:
        rows.append(("This period", f"{kind} {impact['net']} + {impact['tax']} tax = {impact['total']} {facts.currency}"))
    before, after = impact.get("next_before"), impact.get("next_after")
    if after:
        rows.append(("Next invoice", f"{after['date']}: {before['net'] if before else '0.00'} -> {after['net']} {facts.currency} net"))
    rows.append(("Made by", facts.maker))
    if facts.why:
        rows.append(("Why it needs approval", facts.why))
    if facts.due:
        rows.append(("Decide by", facts.due))
    return rows


def fact_lines(facts: Facts) -> str:
    """The facts as plain text, one a line."""
    return "\n".join(f"{label}: {value}" for label, value in pairs(facts))
