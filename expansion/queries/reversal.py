"""What taking an applied change back means on the contract as it is now: newer changes keep their own differences (F82, M23)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Any

from billing.domain.impact import Impact
from billing.domain.invoice import PricedLine
from billing.domain.refusal import Refusal
from billing.domain.reversal import undo
from billing.domain.terms import Terms
from billing.models import Contract, ContractVersion
from billing.queries import Resolved, terms_at
from billing.queries.billed import waiting_of
from expansion.domain import workflow
from expansion.domain.intents import REMAINDER
from expansion.models import Change, Deal

REVERSE = "reverse"


@dataclass(frozen=True, slots=True)
class TakenBack:
    """The change that is taken back, the terms without it, and what of it nobody was billed: lines it waived, lines that still wait."""

    original: Change
    after: Terms
    waived: tuple[PricedLine, ...]
    waiting: tuple[PricedLine, ...]


def intents_of(original: Change, remainder_to: str = "") -> list[dict[str, str]]:
    """The one intent of a reversal, with where a credit goes that exceeds what was billed."""
    named = [{"action": REMAINDER, "to": remainder_to}] if remainder_to else []
    return [{"action": REVERSE, "change": original.number}, *named]


def taken_back(deal: Deal, contract: Contract, intents: Sequence[Mapping[str, Any]], effective: date, current: Terms) -> TakenBack | None:
    """What the intents take back; None when they are ordinary ones. Raises Refusal: mixed_reversal, unknown_change, not_applied, other_day,
    and those of billing.domain.reversal.undo.
    """
    if not any(intent.get("action") == REVERSE for intent in intents):
        return None
    if any(intent.get("action") not in (REVERSE, REMAINDER) for intent in intents):
        raise Refusal("mixed_reversal", "edits", "A reversal stands alone. Make a change of its own for anything else.")
    number = str(intents[0].get("change", ""))
    original = Change.objects.filter(deal=deal, number=number).first()
    if original is None:
        raise Refusal("unknown_change", "edits[0].change", f"There is no change {number or 'without a number'} on {deal.number}.")
    if original.state != workflow.State.APPLIED:
        words = workflow.LABELS[workflow.State(original.state)].lower()
        raise Refusal("not_applied", "edits[0].change", f"{number} is {words}; only a change that is in effect can be reversed.")
    if effective != original.effective:
        day = f"{original.effective:%-d %b %Y}"
        raise Refusal("other_day", "effective", f"A reversal counts from the day of what it takes back: {day}.")
    version = ContractVersion.objects.get(contract=contract, reference=original.number).number
    after = undo(terms_at(contract, version - 1), terms_at(contract, version), current)
    waived = tuple(line for line in Impact.from_canonical(original.impact).lines if line.outcome == "waived")
    return TakenBack(original, after, waived, tuple(waiting_of(contract, original.number)))


def policies_of(original: Change, now: Resolved) -> Resolved:
    """The policies the original was computed with, so that its amounts come back to the penny; who owns the invoice is asked anew."""
    kept = original.policy
    rule = f"as in {original.number}, which is reversed"
    return replace(
        now,
        basis=kept["basis"],
        shape=kept["shape"],
        minimum_amount=Decimal(0),
        rules={**now.rules, "basis": rule, "shape": rule, "minimum_amount": rule},
    )
