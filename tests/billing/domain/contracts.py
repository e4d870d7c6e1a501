"""Contracts and bills for the tests of terms and impacts: the seed's own example first of all."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from billing.domain.impact import Billed, Impact, Policy, impact
from billing.domain.terms import Edit, Line, Terms, apply_edits

TAX = Decimal(20)


def d(text: str) -> date:
    return date.fromisoformat(text)


def n(text: str | int) -> Decimal:
    return Decimal(text)


def line(key="team", quantity="20", price="50.00", starts="2026-01-01", ends=None, **more) -> Line:
    """A slice; by default 20 Team seats at 50.00 from January on."""
    more = {"product": key, "name": key.capitalize(), "family": "core", "tax_rate": TAX} | more
    return Line(key=key, quantity=n(quantity), unit_price=n(price), starts=d(starts), ends=d(ends) if ends else None, **more)


def terms(*lines: Line, currency="GBP", start="2026-01-01", end="2027-01-01", months=1, anchor=None, **more) -> Terms:
    return Terms(currency, d(start), d(end), months, d(anchor) if anchor else None, lines=lines or (line(),), **more)


def billed(net="1000.00", month=6, key="team", document=None, **more) -> Billed:
    """One line of a monthly invoice of 2026."""
    ends = date(2026, month + 1, 1) if month < 12 else date(2027, 1, 1)
    more = {"starts": date(2026, month, 1), "ends": ends, "product": key, "tax_rate": TAX, "line_id": month} | more
    return Billed(key=key, net=n(net), document=document or f"INV-{month}", **more)


# January to June are billed, newest first.
HALF_A_YEAR = tuple(billed(month=month) for month in range(6, 0, -1))


def quantity(number, key="team", **more) -> Edit:
    return Edit("quantity", key, quantity=n(number), **more)


def add(product, number="1", price="300.00", family="insight", **more) -> Edit:
    more = {"name": product.capitalize(), "unit": "", "tax_rate": TAX} | more
    return Edit("add", product=product, family=family, quantity=n(number), unit_price=n(price), **more)


def swap(product, price, key="team", family="core", **more) -> Edit:
    return Edit("swap", key, product=product, name=product.capitalize(), family=family, unit_price=n(price), **more)


def price(amount, key="team", **more) -> Edit:
    return Edit("price", key, unit_price=n(amount), **more)


def remove(key="team", **more) -> Edit:
    return Edit("remove", key, **more)


def change(
    before: Terms, *edits: Edit, effective="2026-06-16", today=None, policy=None, bills=HALF_A_YEAR, until="2026-07-01", **more
) -> Impact:
    """The impact of `edits`, seen on the effective day unless told otherwise."""
    after = apply_edits(before, edits, d(effective))
    return impact(
        before,
        after,
        effective=d(effective),
        today=d(today or effective),
        policy=policy or Policy(),
        billed=bills,
        billed_until=d(until),
        **more,
    )


CREDIT_NOTE, NEXT, WAIVE, RENEWAL = (
    Policy(treatment=name) for name in ("credit_note", "credit_on_next_invoice", "no_adjustment", "at_renewal")
)
ARREARS = terms(in_advance=False)
# The seed's story: five more seats halfway through June, and the invoice for them.
TWENTY_FIVE = apply_edits(terms(), [quantity(25)], d("2026-06-16"))
ONE_OFF = billed("125.00", 6, document="INV-131", line_id=131, starts=d("2026-06-16"))


def words(found: Impact) -> list[str]:
    """The arithmetic of each line, as people read it."""
    return [entry.explanation for entry in found.lines]
