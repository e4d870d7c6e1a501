"""The rules of the books that need deals and changes to be seen (M01, M05, M06, M08, M09, M17 to M20, M23, M24, M28), and all of them."""

from __future__ import annotations

from collections.abc import Collection

from billing.queries.invariants import INVARIANTS as OF_THE_BOOKS
from billing.queries.invariants import Broken, Invariant
from expansion.queries.invariants import changes, decisions, money

INVARIANTS = (
    Invariant("M01", "What is billed for a period is what its days are worth", money.periods_are_conserved),
    Invariant("M05", "Exactly one outcome for the current period per applied change", changes.one_outcome),
    Invariant("M06", "Every waiver is accounted for", changes.waivers_have_reasons),
    Invariant("M08", "Contract lines are the fold of the applied changes", money.lines_are_a_fold),
    Invariant("M09", "A deal's amount and recurring revenue are those of its contract", money.amounts_are_values),
    Invariant("M17", "Nobody decides about their own change", decisions.maker_is_not_checker),
    Invariant("M18", "A decision binds what was shown", decisions.content_is_bound),
    Invariant("M19", "States and what they claim agree", decisions.states_agree),
    Invariant("M20", "A change is applied to the version it was computed on", changes.base_versions_hold),
    Invariant("M23", "A change and its reversal come to nothing", changes.reversals_cancel_out),
    Invariant("M24", "A document is what was shown", changes.documents_are_previews),
    Invariant("M25", "Nobody approves above their limit, nor in slices", decisions.limits_hold),
    Invariant("M28", "Movements of recurring revenue add up and have a mechanism", changes.movements_add_up),
)
ALL = tuple(sorted((*OF_THE_BOOKS, *INVARIANTS), key=lambda invariant: invariant.code))

# What also depends on the day one looks; `manage.py verify` asks it too.
BY_THE_CLOCK = (Invariant("M09", "Every step of a contract is taken on its day", money.steps_are_taken),)

# What no row can show: said, so that silence is not taken for a check.
NOT_SHOWN = {
    "M29": "the figures of a month are not stored yet",
}


def broken(only: Collection[str] = ()) -> list[Broken]:
    """Every row that breaks a rule, of all rules or of those named."""
    return [row for invariant in ALL if not only or invariant.code in only for row in invariant.broken()]


__all__ = ["ALL", "BY_THE_CLOCK", "INVARIANTS", "NOT_SHOWN", "Broken", "Invariant", "broken"]
