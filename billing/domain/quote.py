"""The stateless quote of design section 7: old lines, new lines, one day; what is owed for the rest of the period, and why."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

from billing.domain import limits, money, pricing
from billing.domain.case import CaseError
from billing.domain.mechanism import Offering, mechanisms, movements
from billing.domain.periods import Period, months_between
from billing.domain.proration import Part, change_part
from billing.domain.quote_case import Case, CaseLine, read_case
from billing.domain.refusal import Refusal


def quote(case: Any) -> dict[str, Any]:
    """The answer to one case as plain JSON types, amounts as strings; {"error": {code, field, message}} for a bad one. Never raises."""
    try:
        return answer(read_case(case))
    except CaseError as error:
        return error.as_json()
    except Refusal as error:
        return CaseError(error.code, error.field, error.message).as_json()


def answer(case: Case) -> dict[str, Any]:
    """Price a case that has been read. Raises Refusal when an amount outgrows 10^15 minor units (F63)."""
    lines = list(_document_lines(case))
    before, after = _recurring(case, "old", case.old), _recurring(case, "new", case.new)
    nothing = money.zero(case.currency)
    charge = money.add(nothing, *(line.amount for line in lines if line.side == "charge"))
    credit = money.add(nothing, *(line.amount for line in lines if line.side == "credit"))
    tax = money.add(nothing, *(line.signed_tax for line in lines))
    taxed = any(line.tax_rate is not None for line in (*case.old, *case.new))
    net = money.subtract(charge, credit)
    total = money.add(net, tax)
    return {
        "lines": [line.as_json(case.currency) for line in lines],
        "charge": money.text(charge),
        "credit": money.text(credit),
        "net": money.text(net),
        **({"tax": money.text(tax), "total": money.text(total)} if taxed else {}),
        "document": document_kind(net, total),
        "recurring": {
            "before": money.text(before),
            "after": money.text(after),
            "delta": money.text(money.subtract(after, before)),
        },
        "mechanisms": list(mechanisms(movements(_offerings(case.old), _offerings(case.new)))),
        "currency": case.currency,
    }


def document_kind(net: Decimal, total: Decimal) -> str:
    """invoice, credit_note or none. The total decides, so that no invoice has a total below zero; without tax it is the net amount."""
    decisive = total or net
    return "invoice" if decisive > 0 else "credit_note" if decisive < 0 else "none"


@dataclass(frozen=True, slots=True)
class _QuoteLine:
    product: str
    side: str
    quantity: Decimal
    unit_price: Decimal
    start: date
    period: Period
    part: Part
    amount: Decimal
    explanation: str
    tax: Decimal | None
    not_credited: Decimal | None = None

    @property
    def signed_tax(self) -> Decimal:
        tax = self.tax or Decimal(0)
        return tax if self.side == "charge" else money.negative(tax)

    def as_json(self, currency: str) -> dict[str, Any]:
        in_days = self.part.unit == "days"
        line: dict[str, Any] = {
            "product": self.product,
            "side": self.side,
            "quantity": money.text(money.plain(self.quantity)),
            "unit_price": money.text(money.price(self.unit_price, currency)),
            "from": self.start.isoformat(),
            "to": self.period.end.isoformat(),
            "days": self.part.numerator if in_days else (self.period.end - self.start).days,
            "period_days": self.part.denominator if in_days else self.period.full_days,
        }
        if self.part.unit == "months":
            line |= {"months": self.part.numerator, "period_months": self.part.denominator}
        line |= {"amount": money.text(self.amount), "explanation": self.explanation}
        if self.tax is not None:
            line["tax"] = money.text(self.tax)
        if self.not_credited is not None:
            line["not_credited"] = money.text(self.not_credited)
        return line


def _document_lines(case: Case) -> Iterator[_QuoteLine]:
    """Old lines in their order with what became of them, then what is new."""
    new_by_product = {line.product: line for line in case.new}
    for old in case.old:
        new = new_by_product.pop(old.product, None)
        yield from _changed(case, old, new)
    for new in new_by_product.values():
        yield from _changed(case, None, new)


def _changed(case: Case, old: CaseLine | None, new: CaseLine | None) -> Iterator[_QuoteLine]:
    if old and new and old.same_price_as(new):
        if old.quantity == new.quantity:
            return
        if case.shape == "net":
            yield from _net_line(case, old, new)
            return
    if old and old.quantity:
        yield _line(case, "credit", old, old.quantity, old.tax_rate)
    if new and new.quantity:
        yield _line(case, "charge", new, new.quantity, new.tax_rate)


def _net_line(case: Case, old: CaseLine, new: CaseLine) -> Iterator[_QuoteLine]:
    """One line for the difference: a charge at the tax rate of today, a credit at the rate it was billed with (F66, F73)."""
    if new.quantity > old.quantity:
        rate = new.tax_rate if new.tax_rate is not None else old.tax_rate
        yield _line(case, "charge", new, money.subtract(new.quantity, old.quantity), rate)
    else:
        rate = old.tax_rate if old.tax_rate is not None else new.tax_rate
        yield _line(case, "credit", old, money.subtract(old.quantity, new.quantity), rate)


def _line(case: Case, side: str, terms: CaseLine, quantity: Decimal, tax_rate: Decimal | None) -> _QuoteLine:
    part = change_part(case.basis, case.effective, terms.period)
    amount = pricing.priced(quantity, terms.unit_price, terms.discount, part, case.currency, f"{terms.path}.quantity").amount
    words = pricing.in_words(quantity, terms.unit_price, terms.discount, part, case.basis, amount, case.currency)
    not_credited = None
    if side == "credit" and terms.already_billed is not None:
        room = max(money.subtract(terms.already_billed, terms.already_credited), Decimal(0))
        if amount > room:
            capped = money.round_money(room, case.currency)
            words += (
                f", but only {money.text(capped)} is left to credit"
                f" (billed {money.text(terms.already_billed)}, credited {money.text(terms.already_credited)})"
            )
            not_credited, amount = money.subtract(amount, capped), capped
    tax = None if tax_rate is None else pricing.tax_on(amount, tax_rate, case.currency)
    return _QuoteLine(terms.product, side, quantity, terms.unit_price, case.effective, terms.period, part, amount, words, tax, not_credited)


def _recurring(case: Case, path: str, lines: Sequence[CaseLine]) -> Decimal:
    """What one whole period of every line costs, each line rounded."""
    amounts = (
        pricing.priced(line.quantity, line.unit_price, line.discount, pricing.WHOLE, case.currency, f"{line.path}.quantity").amount
        for line in lines
    )
    total = money.add(money.zero(case.currency), *amounts)
    if money.to_units(total, money.places(case.currency)) > limits.MAX_MINOR_UNITS:
        raise CaseError("too_large", path, f"The sum of {path} is above {limits.MAX_MINOR_UNITS:,} minor units.")
    return total


def _offerings(lines: Sequence[CaseLine]) -> list[Offering]:
    """The lines with what they bring in per month, so that lines of different periods can be compared."""
    return [Offering(line.product, line.family, line.quantity, _monthly(line)) for line in lines]


def _monthly(line: CaseLine) -> Fraction:
    period = line.period
    months = months_between(period.full_start, period.full_end) or Fraction(period.full_days * 12, 365)
    return Fraction(line.quantity) * Fraction(line.unit_price) * (1 - Fraction(line.discount) / 100) / months
