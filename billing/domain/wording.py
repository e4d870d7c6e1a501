"""The sentences of an impact: what changes, and why there is, or is no, document now (S0-06, D10)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Final

from billing.domain import money
from billing.domain.lines import Line, Terms

_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")

WHY: Final = {
    "charge": "Needed: {amount} more is owed for periods already billed, from {effective} on.",
    "credit": "Needed: {amount} less is owed for periods already billed, from {effective} on.",
    "no_difference": "Not needed: nothing changes in price.",
    "rounds_to_nothing": "Not needed: the difference for the periods already billed comes to {amount}.",
    "policy_none": "Not needed: by policy the current period is not prorated; the change counts from the next invoice.",
    "starts_with_next_invoice": "Not needed: {effective} is in no period billed so far; the next invoice carries the change.",
    "future": "Not needed now: {effective} lies ahead in a period not billed yet; then {amount} is expected, computed again on that day.",
    "arrears": "Not needed: the period is billed in arrears; its invoice carries the change.",
    "waived": "Not needed: by policy a downgrade is not credited; {amount} is waived.",
    "waiver_reversed": "Not needed: what is taken back was waived and never credited.",
    "withdrawn": "Not needed: the {waited} of {amount} that waited for the next invoice is taken off it; nothing of it was billed.",
    "next_invoice": "Not needed: by policy the credit of {amount} goes onto the next invoice.",
    "at_renewal": "Not needed: by policy a downgrade takes effect at renewal, on {renewal}.",
    "below_minimum": "Not needed: {amount} is below the minimum of {minimum} for a document; it goes onto the next invoice.",
    "nothing_to_credit": "Not needed: nothing is left to credit of what was billed; {remainder} goes to {remainder_to}.",
}


def day_in_words(day: date) -> str:
    """16 Jun 2026, whatever the locale."""
    return f"{day.day} {_MONTHS[day.month - 1]} {day.year}"


def summary(before: Terms, after: Terms, effective: date) -> str:
    """What changes, line by line and step by step: "Team plan: 20 to 25 seats; from 1 Sep 2026 20 to 30 seats"."""
    parts = []
    for key in dict.fromkeys((*before.by_key, *after.by_key)):
        old, new = before.by_key.get(key, ()), after.by_key.get(key, ())
        if old != new:
            steps = list(_steps(old, new, effective, before.currency))
            parts += [words if day == effective else f"from {day_in_words(day)} {words}" for day, words in steps]
    return "; ".join(parts)


def _steps(old: tuple[Line, ...], new: tuple[Line, ...], effective: date, currency: str) -> Iterator[tuple[date, str]]:
    """(day, words) for each day on which what is held starts to differ in another way."""
    edges = {edge for line in (*old, *new) for edge in (line.starts, line.ends) if edge is not None and edge > effective}
    said, moved = "", None
    for day in (effective, *sorted(edges)):
        was, will_be = (next((line for line in side if line.holds_on(day)), None) for side in (old, new))
        words = _difference(was, will_be, currency)
        if words and words != said:
            yield day, words
        elif said and not words:
            yield day, _back(moved, will_be, currency) if will_be else "no longer"
        said, moved = words, will_be


def _back(moved: Line | None, line: Line, currency: str) -> str:
    """What a step brings back that ends: the price where only the price had moved."""
    if moved is not None and moved.product == line.product and moved.quantity == line.quantity and moved.unit_price != line.unit_price:
        return f"{line.name}: price back to {_price(line, currency)}"
    return f"{line.name}: back to {_count(line)}"


def _difference(was: Line | None, will_be: Line | None, currency: str) -> str:
    if was is None and will_be is None:
        return ""
    if was is None and will_be is not None:
        return f"{will_be.name}: {_count(will_be)} added at {_price(will_be, currency)}"
    if was is not None and will_be is None:
        return f"{was.name}: {_count(was)} removed"
    assert was is not None and will_be is not None
    if was.product != will_be.product:
        return f"{was.name} to {will_be.name}: {_count(will_be)} at {_price(will_be, currency)}"
    parts = []
    if was.quantity != will_be.quantity:
        parts.append(f"{money.text(money.plain(was.quantity))} to {_count(will_be)}")
    if was.unit_price != will_be.unit_price:
        parts.append(f"price {_price(was, currency)} to {_price(will_be, currency)}")
    if was.discount != will_be.discount:
        parts.append(f"discount {money.text(money.plain(was.discount))}% to {money.text(money.plain(will_be.discount))}%")
    if was.minimum != will_be.minimum:
        parts.append(f"committed to at least {money.text(money.plain(will_be.minimum))}")
    return f"{was.name}: {', '.join(parts)}" if parts else ""


def _count(line: Line) -> str:
    number = money.plain(line.quantity)
    plural = "" if number == Decimal(1) or not line.unit.isalpha() or not line.unit.islower() else "s"
    return f"{money.text(number)} {line.unit}{plural}".rstrip()


def _price(line: Line, currency: str) -> str:
    return money.text(money.price(line.unit_price, currency))
