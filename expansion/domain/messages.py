"""What a message outside the app says: the same facts everywhere, escaped for where it goes (ux section 5, F92)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from billing.domain.written import money_text


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
        net, tax, total = (money_text(impact[part], facts.currency) for part in ("net", "tax", "total"))
        rows.append(("This period", f"{kind} {net} + {tax} tax = {total}"))
    before, after = impact.get("next_before"), impact.get("next_after")
    if after:
        day = date.fromisoformat(after["date"])
        was, becomes = (money_text(one["net"] if one else "0", facts.currency) for one in (before, after))
        rows.append(("Next invoice", f"{day.day} {day:%b %Y}: {was} -> {becomes} net"))
    rows.append(("Made by", facts.maker))
    if facts.why:
        rows.append(("Why it needs approval", facts.why))
    if facts.due:
        rows.append(("Decide by", facts.due))
    return rows


def fact_lines(facts: Facts) -> str:
    """The facts as plain text, one a line."""
    return "\n".join(f"{label}: {value}" for label, value in pairs(facts))
