"""Products bought together, as suggestions a person approves (K21), and whether a second price fits the first (K30)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from itertools import permutations

SUPPORT = Fraction(5, 100)
CONFIDENCE = Fraction(4, 10)
LIFT = Fraction(12, 10)
FEWEST = 5
LOW_VALUE = Decimal(100)


@dataclass(frozen=True, slots=True)
class Association:
    """Customers who own `has` also own `also`. Counts of customers; the ratios are exact."""

    has: str
    also: str
    both: int
    with_has: int
    with_also: int
    customers: int

    @property
    def support(self) -> Fraction:
        return Fraction(self.both, self.customers)

    @property
    def confidence(self) -> Fraction:
        return Fraction(self.both, self.with_has)

    @property
    def lift(self) -> Fraction:
        return self.confidence / Fraction(self.with_also, self.customers)

    @property
    def is_kept(self) -> bool:
        """support >= 0.05, confidence >= 0.4, lift > 1.2, at least five customers (K21)."""
        return self.both >= FEWEST and self.support >= SUPPORT and self.confidence >= CONFIDENCE and self.lift > LIFT


def associations(baskets: Iterable[Collection[str]]) -> list[Association]:
    """Every kept pairing over the products each customer owns, strongest lift first. Alone it never sends an offer (S2-19)."""
    one: Counter[str] = Counter()
    two: Counter[tuple[str, str]] = Counter()
    customers = 0
    for basket in baskets:
        products = sorted(set(basket))
        customers += 1
        one.update(products)
        two.update(permutations(products, 2))
    found = [Association(a, b, both, one[a], one[b], customers) for (a, b), both in two.items()]
    return sorted((rule for rule in found if rule.is_kept), key=lambda rule: (-rule.lift, -rule.both, rule.has, rule.also))


def price_fit(main: Decimal, new: Decimal, *, low_value: Decimal = LOW_VALUE) -> Fraction:
    """1 when the new monthly price is not above the main one or both are low, else main over new: a score, never a block (K30, S2-18)."""
    if new <= main or (main <= low_value and new <= low_value):
        return Fraction(1)
    return Fraction(main) / Fraction(new)
