"""What a contract is worth: recurring value per month and year, movements by family, value over the term (K02, K03, M09, M28)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction

from billing.domain import money
from billing.domain.lines import Line, Terms
from billing.domain.mechanism import Offering, movements


@dataclass(frozen=True, slots=True)
class FamilyMovement:
    """What the change does to one family. `mrr_delta` is signed; the deltas add up to the whole change of MRR (M28).

    `takes_effect` is the day it counts from: the change's, or the renewal for a downgrade that waits for it.
    """

    family: str
    mechanism: str
    how: str
    mrr_delta: Decimal
    takes_effect: date
    sentence: str


def monthly(line: Line, terms: Terms) -> Fraction:
    """What the line brings in per month, exactly; 0 when it is charged once."""
    if not line.recurring:
        return Fraction(0)
    whole = Fraction(line.quantity) * Fraction(line.unit_price) * (1 - Fraction(line.discount) / 100)
    return whole / (line.months or terms.months)


def mrr(terms: Terms, on: date) -> Decimal:
    """Monthly recurring revenue on a day: each line's month rounded, then summed, less the fixed discount."""
    return _recurring(terms, on, 1)


def arr(terms: Terms, on: date) -> Decimal:
    """Annual recurring revenue on a day: each line's year rounded, then summed, less the fixed discount."""
    return _recurring(terms, on, 12)


def family_movements(before: Terms, after: Terms, on: date) -> tuple[FamilyMovement, ...]:
    """The movement of each family that the change touches, largest first; families that stay as they are do not appear."""
    found = movements(_offerings(before, on), _offerings(after, on))
    touched = {line.family for line in set(before.lines) ^ set(after.lines)}
    old, new = _by_family(before, on), _by_family(after, on)
    nothing = money.zero(before.currency)
    return tuple(
        FamilyMovement(
            family=movement.family,
            mechanism=movement.mechanism,
            how=movement.how,
            mrr_delta=money.subtract(new.get(movement.family, nothing), old.get(movement.family, nothing)),
            takes_effect=on,
            sentence=movement.said(*_names(before, after, movement.family, on)),
        )
        for movement in found
        if movement.family in touched
    )


def _names(before: Terms, after: Terms, family: str, on: date) -> tuple[str, str]:
    """What of a family is touched on a day, by the names of its products: held before, and after."""
    sides = []
    for terms, other in ((before, after), (after, before)):
        held = [line for line in terms.lines if line.family == family and (not line.recurring or line.holds_on(on))]
        same = {line.terms for line in other.lines if not line.recurring or line.holds_on(on)}
        names = dict.fromkeys(line.name for line in held if line.terms not in same)
        sides.append(" and ".join(names or dict.fromkeys(line.name for line in held)))
    return (sides[0] or sides[1] or family, sides[1] or sides[0] or family)


def first_difference(before: Terms, after: Terms, day: date) -> date:
    """The first day from `day` on with different recurring lines; `day` itself when there is none."""
    edges = {edge for line in (*before.lines, *after.lines) for edge in (line.starts, line.ends) if edge is not None and edge > day}
    for edge in (day, *sorted(edges)):
        if {(line.key, line.terms) for line in before.on(edge)} != {(line.key, line.terms) for line in after.on(edge)}:
            return edge
    return day


def _recurring(terms: Terms, on: date, months: int) -> Decimal:
    amounts = (money.round_money(monthly(line, terms) * months, terms.currency) for line in terms.on(on))
    off = money.round_money(Fraction(terms.fixed_discount) * months / terms.months, terms.currency)
    total = money.add(money.zero(terms.currency), *amounts)
    return money.subtract(total, min(off, total))


def _by_family(terms: Terms, on: date) -> dict[str, Decimal]:
    found: dict[str, Decimal] = {}
    for line in terms.on(on):
        amount = money.round_money(monthly(line, terms), terms.currency)
        found[line.family] = money.add(found.get(line.family, money.zero(terms.currency)), amount)
    return found


def _offerings(terms: Terms, on: date) -> Iterable[Offering]:
    return [
        Offering(line.product, line.family, line.quantity, monthly(line, terms), line.tier, line.recurring)
        for line in terms.lines
        if not line.recurring or line.holds_on(on)
    ]
