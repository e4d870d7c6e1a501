"""What a person asks for: steps on lines of the contract, and what else they settle about the change. All of it is kept, shown and decided.

Beside the steps (billing.queries.terms.ACTIONS) an intent may be

    {"action": "return", "on": "2026-10-01"}                  what gets smaller, or another plan, comes back on that day (seasonal)
    {"action": "return_of", "change": "CH-2026-0042"}         this change is the return of that one
    {"action": "remainder", "to": "refund"}                   where a credit goes that exceeds what was billed
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from billing.domain.impact import DESTINATIONS
from billing.domain.refusal import Refusal

RETURN, RETURN_OF, REMAINDER = "return", "return_of", "remainder"
SETTLED = frozenset({RETURN, RETURN_OF, REMAINDER})
DESTINATION_WORDS = {
    "customer_balance": "Customer balance",
    "older_invoice": "An older open invoice",
    "refund": "Refund to the customer",
}


@dataclass(frozen=True, slots=True)
class Asked:
    """The intents sorted: `steps` carry their place in what was sent; the rest is settled for the whole change."""

    steps: tuple[Mapping[str, Any], ...]
    return_on: date | None = None
    return_place: str = ""
    return_of: str = ""
    remainder_to: str = ""

    @property
    def names_a_price(self) -> bool:
        """Whether a person set a price, so that it is not the price book's; a return only brings back what was agreed before."""
        return not self.return_of and any(step.get("unit_price") for step in self.steps)


def sorted_out(intents: Sequence[Mapping[str, Any]]) -> Asked:
    """Raises Refusal naming edits[n].field: repeated, not_a_date, unknown_remainder_to."""
    steps, settled = [], {}
    for number, intent in enumerate(intents):
        place, action = f"edits[{number}]", str(intent.get("action", ""))
        if action not in SETTLED:
            steps.append({**intent, "place": place})
        elif action in settled:
            raise Refusal("repeated", f"{place}.action", f"“{action}” stands twice in this change. Say it once.")
        else:
            settled[action] = (place, intent)
    on, at = _return(settled)
    return Asked(tuple(steps), on, at, str(settled.get(RETURN_OF, ("", {}))[1].get("change", "")), _destination(settled))


def _return(settled: Mapping[str, tuple[str, Mapping[str, Any]]]) -> tuple[date | None, str]:
    if RETURN not in settled:
        return None, ""
    place, intent = settled[RETURN]
    try:
        return date.fromisoformat(str(intent.get("on", ""))), f"{place}.on"
    except ValueError:
        raise Refusal("not_a_date", f"{place}.on", "Say on which day it comes back, for example 2026-10-01.") from None


def _destination(settled: Mapping[str, tuple[str, Mapping[str, Any]]]) -> str:
    if REMAINDER not in settled:
        return ""
    place, intent = settled[REMAINDER]
    if intent.get("to") not in DESTINATIONS:
        words = ", ".join(DESTINATIONS)
        raise Refusal("unknown_remainder_to", f"{place}.to", f"Choose where the rest of the credit goes: {words}.")
    return str(intent["to"])
