"""Prices of a change that are not those of the price book, for the rule who may agree to them."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from billing.domain.lines import Line, Terms
from billing.models import Contract, Price


@dataclass(frozen=True, slots=True)
class OwnPrice:
    """One price as the customer will pay it, discount taken off; `before` is what they paid, `listed` the price book, each None if none."""

    name: str
    currency: str
    price: Fraction
    before: Fraction | None
    listed: Decimal | None

    @property
    def is_raised(self) -> bool:
        """Whether it is no less than the customer pays for the same product already."""
        return self.before is not None and self.price >= self.before

    @property
    def below_list(self) -> Fraction | None:
        """How far below the list price, in percent; below zero above it. None without a list price."""
        return None if not self.listed else 100 * (1 - self.price / Fraction(self.listed))


def own_prices(contract: Contract, before: Terms, after: Terms) -> tuple[OwnPrice, ...]:
    """Every price that `after` brings and that neither the contract had nor the price book has. No query when there is none."""
    old = set(before.lines)
    fresh = [line for line in after.lines if line not in old]
    asked = [line for line in fresh if _paid(line) != _before(before, line)]
    if not asked:
        return ()
    rows = Price.objects.filter(product__code__in={line.product for line in asked}, currency=contract.currency)
    book = {(code, months): price for code, months, price in rows.values_list("product__code", "months", "unit_price")}
    found = []
    for line in asked:
        listed = book.get((line.product, (line.months or contract.months) if line.recurring else 0))
        if listed is None or _paid(line) != Fraction(listed):
            found.append(OwnPrice(line.name, contract.currency, _paid(line), _before(before, line), listed))
    return tuple(dict.fromkeys(found))


def _paid(line: Line) -> Fraction:
    return Fraction(line.unit_price) * (1 - Fraction(line.discount) / 100)


def _before(terms: Terms, line: Line) -> Fraction | None:
    """What was paid for one of the same product on the same line where the new slice begins, or last."""
    held = [old for old in terms.by_key.get(line.key, ()) if old.product == line.product and old.months == line.months]
    covering = [old for old in held if old.holds_on(line.starts)] or held
    return _paid(covering[0]) if covering else None
