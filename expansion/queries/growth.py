"""How the recurring revenue of one contract came about, month by month, by the kind of change that moved it (K01, K03)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from billing.domain import value
from billing.domain.periods import add_months
from billing.models import Contract
from billing.queries import terms_of
from expansion.domain import workflow
from expansion.models import Change

MONTHS = 24


@dataclass(frozen=True, slots=True)
class Month:
    """One month up to its last day or today: `mrr` on that day, and of it what the changes so far have moved, by mechanism (signed).

    `signed` is the rest: what was signed or renewed.
    """

    first: date
    mrr: Decimal
    moved: Mapping[str, Decimal]

    @property
    def signed(self) -> Decimal:
        return self.mrr - sum(self.moved.values(), Decimal(0))


def growth_of(contract: Contract, *, on: date) -> list[Month]:
    """The months of the contract up to `on`, the latest 24. Two queries, whatever its history."""
    terms = terms_of(contract)
    last = min(on, contract.end)
    found, first = [], contract.start.replace(day=1)
    moves = _moves(contract)
    while first <= last:
        following = add_months(first, 1)
        day = max(contract.start, min(last, date.fromordinal(following.toordinal() - 1), date.fromordinal(contract.end.toordinal() - 1)))
        moved: dict[str, Decimal] = defaultdict(Decimal)
        for starts, mechanism, delta in moves:
            if starts <= day:
                moved[mechanism] += delta
        found.append(Month(first, value.mrr(terms, day), {name: delta for name, delta in moved.items() if delta}))
        first = following
    return found[-MONTHS:]


def _moves(contract: Contract) -> list[tuple[date, str, Decimal]]:
    """From when on, which mechanism, by how much: each family of each change that is in effect."""
    applied = Change.objects.filter(deal__contract=contract, state=workflow.State.APPLIED).values_list("impact__movements", flat=True)
    return [
        (date.fromisoformat(move["takes_effect"]), move["mechanism"], Decimal(move["mrr_delta"]))
        for movements in applied
        for move in movements or ()
    ]
