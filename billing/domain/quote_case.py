"""Reading one case of the stateless quote: which fields it has, and what each may hold (design section 7)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Final

from billing.domain import limits, money
from billing.domain.case import CaseError, as_choice, as_date, as_list, as_number, as_object, as_text, wrong_type
from billing.domain.periods import Period
from billing.domain.proration import BASES

SHAPES: Final = ("net", "gross")
MAX_LINES: Final = 1000
_REQUIRED: Final = ("product", "family", "quantity", "unit_price")
_OPTIONAL: Final = ("period", "discount", "tax_rate", "already_billed", "already_credited")


@dataclass(frozen=True, slots=True)
class CaseLine:
    """One old or new line. `unit_price` is for one unit and the whole full period; `discount` and `tax_rate` are percent."""

    path: str
    product: str
    family: str
    quantity: Decimal
    unit_price: Decimal
    period: Period
    discount: Decimal
    tax_rate: Decimal | None
    already_billed: Decimal | None
    already_credited: Decimal

    def same_price_as(self, other: CaseLine) -> bool:
        """Whether only the quantity can differ, so that one net line tells it all."""
        return (self.unit_price, self.discount, self.period) == (other.unit_price, other.discount, other.period)


@dataclass(frozen=True, slots=True)
class Case:
    """A quote to be answered."""

    currency: str
    effective: date
    basis: str
    shape: str
    old: tuple[CaseLine, ...]
    new: tuple[CaseLine, ...]


def read_case(value: Any) -> Case:
    """The case in `value`, parsed JSON. Raises CaseError naming the first field that is wrong."""
    fields = as_object(value, "", ("currency", "effective", "policy", "old", "new"), ("period",))
    currency = _currency(fields["currency"])
    effective = as_date(fields["effective"], "effective")
    period = _period(fields["period"], "period") if "period" in fields else None
    if period and not period.start <= effective < period.end:
        raise CaseError("effective_outside_period", "effective", _outside(effective, period, "the period"))
    policy = as_object(fields["policy"], "policy", ("basis", "shape"))
    basis = as_choice(policy["basis"], "policy.basis", BASES)
    shape = as_choice(policy["shape"], "policy.shape", SHAPES)
    reader = _LineReader(currency, effective, period)
    old = reader.lines(fields["old"], "old")
    new = reader.lines(fields["new"], "new")
    _check_families(old, new)
    return Case(currency, effective, basis, shape, old, new)


def _currency(value: Any) -> str:
    if not isinstance(value, str):
        raise wrong_type(value, "currency", 'a text such as "GBP"')
    try:
        money.places(value)
    except money.UnknownCurrency as error:
        raise CaseError(error.code, "currency", error.message) from None
    return value


def _period(value: Any, path: str) -> Period:
    fields = as_object(value, path, ("start", "end"), ("full_start", "full_end"))
    start, end = as_date(fields["start"], f"{path}.start"), as_date(fields["end"], f"{path}.end")
    if end <= start:
        raise CaseError("wrong_order", f"{path}.end", f"{path}.end {end} has to be after {path}.start {start}; it is the first day after.")
    full_start = as_date(fields["full_start"], f"{path}.full_start") if "full_start" in fields else start
    full_end = as_date(fields["full_end"], f"{path}.full_end") if "full_end" in fields else end
    if full_start > start:
        raise CaseError("wrong_order", f"{path}.full_start", f"{path}.full_start {full_start} is after {path}.start {start}.")
    if full_end < end:
        raise CaseError("wrong_order", f"{path}.full_end", f"{path}.full_end {full_end} is before {path}.end {end}.")
    return Period(start, end, full_start, full_end)


def _outside(effective: date, period: Period, name: str) -> str:
    return f"effective {effective} is not in {name} {period.start} to {period.end}, whose last day is the one before {period.end}."


class _LineReader:
    """Reads lines of one case: they share its currency, its day and, unless they bring their own, its period."""

    def __init__(self, currency: str, effective: date, period: Period | None) -> None:
        self.effective, self.period = effective, period
        self.places = money.places(currency)
        self.most = money.from_units(limits.MAX_MINOR_UNITS, self.places)

    def lines(self, value: Any, path: str) -> tuple[CaseLine, ...]:
        found: dict[str, CaseLine] = {}
        for number, entry in enumerate(as_list(value, path, MAX_LINES)):
            line = self.line(entry, f"{path}[{number}]")
            if line.product in found:
                earlier = found[line.product].path
                raise CaseError(
                    "duplicate_product", f"{line.path}.product", f"{line.path}.product is already in {earlier}. Give each product once."
                )
            found[line.product] = line
        return tuple(found.values())

    def line(self, value: Any, path: str) -> CaseLine:
        fields = as_object(value, path, _REQUIRED, _OPTIONAL)
        billed, credited = self.billing(fields, path)
        return CaseLine(
            path=path,
            product=as_text(fields["product"], f"{path}.product"),
            family=as_text(fields["family"], f"{path}.family"),
            quantity=as_number(fields["quantity"], f"{path}.quantity", maximum=limits.MAX_QUANTITY, places=limits.QUANTITY_PLACES),
            unit_price=as_number(
                fields["unit_price"], f"{path}.unit_price", maximum=limits.MAX_UNIT_PRICE, places=limits.UNIT_PRICE_PLACES
            ),
            period=self.own_period(fields, path),
            discount=_percent(fields, "discount", path) or Decimal(0),
            tax_rate=_percent(fields, "tax_rate", path),
            already_billed=billed,
            already_credited=credited or Decimal(0),
        )

    def own_period(self, fields: dict[str, Any], path: str) -> Period:
        if "period" not in fields:
            if self.period is None:
                raise CaseError("missing", "period", f"period is missing, and {path} brings none of its own.")
            return self.period
        period = _period(fields["period"], f"{path}.period")
        if not period.start <= self.effective < period.end:
            raise CaseError("effective_outside_period", f"{path}.period", _outside(self.effective, period, f"{path}.period"))
        return period

    def billing(self, fields: dict[str, Any], path: str) -> tuple[Decimal | None, Decimal | None]:
        """What is known of earlier documents; credits without a billed amount could not be checked, so they are refused."""
        billed, credited = (
            as_number(fields[name], f"{path}.{name}", maximum=self.most, places=self.places) if name in fields else None
            for name in ("already_billed", "already_credited")
        )
        if credited is not None and billed is None:
            raise CaseError("missing", f"{path}.already_billed", f"{path}.already_credited needs {path}.already_billed beside it.")
        return billed, credited


def _percent(fields: dict[str, Any], name: str, path: str) -> Decimal | None:
    if name not in fields:
        return None
    return as_number(fields[name], f"{path}.{name}", maximum=limits.MAX_PERCENT, places=limits.PERCENT_PLACES)


def _check_families(old: Sequence[CaseLine], new: Sequence[CaseLine]) -> None:
    families = {line.product: line for line in old}
    for line in new:
        before = families.get(line.product)
        if before and before.family != line.family:
            message = f"{line.path}.family {line.family!r:.40} differs from {before.path}.family. A product belongs to one family."
            raise CaseError("wrong_family", f"{line.path}.family", message)
