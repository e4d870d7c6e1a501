"""A quote, with everything it checks and says, beside nothing but its arithmetic in fractions."""

import random
from datetime import date
from fractions import Fraction

from billing.domain.quote import quote
from tests.bench.registry import job, ratio

CASES = 3000


def cases():
    """Seats of one product go up or down in the middle of a month, another product stays, a third comes: three lines that are read."""
    dice = random.Random(2026)
    found = []
    for _ in range(CASES):
        line = {"product": "team", "family": "core", "unit_price": f"{dice.randint(100, 99999) / 100:.2f}", "tax_rate": "20"}
        stays = {"product": "api", "family": "api", "quantity": "1", "unit_price": "80.00", "tax_rate": "20"}
        comes = {"product": "scheduler", "family": "scheduler", "quantity": "1", "unit_price": "300.00", "discount": "10", "tax_rate": "20"}
        found.append(
            {
                "currency": "GBP",
                "effective": f"2026-06-{dice.randint(1, 30):02d}",
                "period": {"start": "2026-06-01", "end": "2026-07-01"},
                "policy": {"basis": "actual_days", "shape": "net"},
                "old": [line | {"quantity": str(dice.randint(1, 50))}, stays],
                "new": [line | {"quantity": str(dice.randint(51, 99))}, stays, comes],
            }
        )
    return found


def bare(case):
    """The amounts of the changed lines and their tax, nothing checked and nothing said."""
    start, end, day = (date.fromisoformat(text) for text in (*case["period"].values(), case["effective"]))
    share = Fraction((end - day).days, (end - start).days)
    net = tax = 0
    old, new, comes = case["old"][0], case["new"][0], case["new"][2]
    for quantity, line in ((int(new["quantity"]) - int(old["quantity"]), new), (1, comes)):
        less = 1 - Fraction(line.get("discount", "0")) / 100
        exact = Fraction(line["unit_price"]) * quantity * less * share
        amount = Fraction(int(exact * 100 + Fraction(1, 2)), 100)
        net += amount
        tax += Fraction(int(amount * Fraction(line["tax_rate"]) + Fraction(1, 2)), 100)
    return net, tax


@job("quote")
def quotes():
    asked = cases()
    assert all(Fraction(quote(case)["net"]) == bare(case)[0] for case in asked)
    assert all(Fraction(quote(case)["tax"]) == bare(case)[1] for case in asked)
    figures = ratio(lambda: [bare(case) for case in asked], lambda: [quote(case) for case in asked], per=CASES, unit="us")
    return {"floor": "the same arithmetic in Fraction, nothing checked, no words", "cases": CASES, **figures}
