"""Two versions of one recurring invoice, line by line (S0-21): what stays, what moves, what comes and goes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any


@dataclass(frozen=True, slots=True)
class LineDiff:
    """One line on both sides; `before` or `after` is None where it is not there. `what` is same, changed, added or removed."""

    name: str
    unit: str
    what: str
    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None

    @property
    def quantity_before(self) -> Decimal | None:
        return Decimal(self.before["quantity"]) if self.before else None

    @property
    def quantity_after(self) -> Decimal | None:
        return Decimal(self.after["quantity"]) if self.after else None

    @property
    def net_before(self) -> Decimal:
        return signed(self.before) if self.before else Decimal(0)

    @property
    def net_after(self) -> Decimal:
        return signed(self.after) if self.after else Decimal(0)

    @property
    def delta(self) -> Decimal:
        return self.net_after - self.net_before


# What makes two lines of one key the same line for a reader.
_SHOWN = ("product", "side", "quantity", "unit_price", "discount", "net", "tax")


def signed(line: Mapping[str, Any]) -> Decimal:
    """The net amount of a canonical line, below zero for a credit."""
    net = Decimal(line["net"])
    return -net if line["side"] == "credit" else net


def line_diff(before: Iterable[Mapping[str, Any]], after: Iterable[Mapping[str, Any]]) -> tuple[LineDiff, ...]:
    """Canonical lines of two invoices, matched by contract line and side in order of appearance."""
    old, new = _by_place(before), _by_place(after)
    return tuple(_diff(old.get(place), new.get(place)) for place in dict.fromkeys((*old, *new)))


def _by_place(lines: Iterable[Mapping[str, Any]]) -> dict[tuple[str, str, int], Mapping[str, Any]]:
    """By key and side; several lines of one key (slices, parts of a credit) keep their order."""
    found: dict[tuple[str, str, int], Mapping[str, Any]] = {}
    for line in lines:
        count = sum(1 for key, side, _ in found if (key, side) == (line["key"], line["side"]))
        found[line["key"], line["side"], count] = line
    return found


def _diff(old: Mapping[str, Any] | None, new: Mapping[str, Any] | None) -> LineDiff:
    shown = new or old
    assert shown is not None
    if old is None or new is None:
        what = "added" if old is None else "removed"
    else:
        what = "same" if all(str(old[name]) == str(new[name]) for name in _SHOWN) else "changed"
    name = shown["name"] if not (old and new) or old["name"] == new["name"] else f"{old['name']}, then {new['name']}"
    return LineDiff(name, shown["unit"], what, old, new)


@dataclass(frozen=True, slots=True)
class InvoiceDiff:
    """The first recurring invoice that a change alters, before and after; `first` says whether it is the very next one."""

    date: str
    starts: str
    ends: str
    net_before: Decimal
    net_after: Decimal
    tax_before: Decimal
    tax_after: Decimal
    total_before: Decimal
    total_after: Decimal
    lines: tuple[LineDiff, ...]
    is_next: bool


def first_changed(impact: Mapping[str, Any]) -> InvoiceDiff | None:
    """The first invoice of the frozen impact whose lines or amounts move; None when all stay as they are."""
    before = {invoice["starts"]: invoice for invoice in impact["invoices_before"] if invoice["kind"] == "recurring"}
    after = {invoice["starts"]: invoice for invoice in impact["invoices_after"] if invoice["kind"] == "recurring"}
    starts = sorted({*before, *after})
    for place, start in enumerate(starts):
        found = _invoice_diff(before.get(start), after.get(start), is_next=place == 0)
        if any(line.what != "same" for line in found.lines):
            return found
    return None


def _invoice_diff(old: Mapping[str, Any] | None, new: Mapping[str, Any] | None, *, is_next: bool) -> InvoiceDiff:
    shown = new or old
    assert shown is not None

    def amount(invoice: Mapping[str, Any] | None, name: str) -> Decimal:
        return Decimal(invoice[name]) if invoice else Decimal(0)

    return InvoiceDiff(
        date=shown["date"],
        starts=shown["starts"],
        ends=shown["ends"],
        net_before=amount(old, "net"),
        net_after=amount(new, "net"),
        tax_before=amount(old, "tax"),
        tax_after=amount(new, "tax"),
        total_before=amount(old, "total"),
        total_after=amount(new, "total"),
        lines=line_diff(_lines(old), _lines(new)),
        is_next=is_next,
    )


def _lines(invoice: Mapping[str, Any] | None) -> Sequence[Mapping[str, Any]]:
    return list(invoice["lines"]) if invoice else []
