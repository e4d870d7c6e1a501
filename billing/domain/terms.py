"""Changing the terms of a contract: edits in, new terms out; slices that are not touched stay the very same (design section 4).

Each edit cuts the slices of its line on its day; the day belongs to the new terms. Steps already agreed for later days are not lost: they
are re-based, that is, they keep their own difference. 20 seats with 2 more from August, raised by 5 in June, are 25 and from August 27.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Final

from billing.domain import limits, money
from billing.domain.lines import ONE_DAY, Line, Terms, merged
from billing.domain.refusal import Refusal

__all__ = ["Edit", "Line", "Terms", "TermsError", "apply_edits"]

ACTIONS: Final = ("quantity", "swap", "add", "remove", "price", "uplift", "commit")
_KEYS = uuid.UUID("6f0b3f0e-5d0c-5b55-9d5e-2b1f6b1f7a10")


class TermsError(Refusal):
    """An edit that cannot be made; `field` is its path, e.g. edits[0].quantity."""


@dataclass(frozen=True, slots=True)
class Edit:
    """One step of a change.

    quantity  `key` has `quantity` units from the day on (an absolute number, 0 ends it).
    swap      `key` becomes another product at `unit_price`; quantity, months, discount and tax stay unless given.
    add       a new line; `key` None lets one be derived, the same for the same step on the same terms.
    remove    `key` ends at the start of the day, with the steps agreed for later.
    price     `key` costs `unit_price` a unit.
    uplift    `key` costs `percent` more a unit, rounded to the places of the currency, or to those its price has when they are more.
    commit    the customer commits to at least `quantity` of `key` (F81); what they have less than that is added.

    `until` makes the edit temporary: on that day the terms are what they would have been. `on` is the step's own day in a ramp; None: the
    day of the change. A later step may name the key of a line that an earlier step adds. `place` is the path of the edit in what was sent,
    for refusals; "" takes edits[n].
    """

    action: str
    key: str | None = None
    product: str = ""
    name: str = ""
    family: str = ""
    tier: int = 0
    unit: str = "seat"
    quantity: Decimal | None = None
    unit_price: Decimal | None = None
    months: int | None = None
    discount: Decimal | None = None
    tax_rate: Decimal | None = None
    tax_code: str = ""
    until: date | None = None
    recurring: bool = True
    on: date | None = None
    percent: Decimal | None = None
    place: str = ""


def apply_edits(terms: Terms, edits: Iterable[Edit], effective: date) -> Terms:
    """The terms after `edits`, made in order of their days. Raises TermsError naming the field and the way out; never a partial result.

    Codes: outside_contract, unknown_line, not_held, unknown_action, missing, below_zero, below_commitment, nothing_changed,
    already_on_contract, same_product, delivered, wrong_order and those of limits.check_number.
    """
    _check_day(terms, effective, "effective")
    known, steps = set(terms.by_key), []
    for number, edit in enumerate(edits):
        steps.append(_Step(terms, edit, edit.place or f"edits[{number}]", effective, known))
        known.add(steps[-1].key)
    if not steps:
        raise TermsError("nothing_changed", "edits", "The change holds no step. Add one.")
    slices = dict(terms.by_key)
    for step in sorted(steps, key=lambda step: step.day):
        before = slices.get(step.key, ())
        slices[step.key] = merged(step.apply(slices))
        if slices[step.key] == before:
            raise TermsError(
                "nothing_changed", f"{step.field}.{step.changes}", f"{step.field} changes nothing. Give another value or leave it out."
            )
    after = replace(terms, lines=tuple(line for held in slices.values() for line in held))
    if set(after.lines) == set(terms.lines):
        raise TermsError("nothing_changed", "edits", "The steps cancel out: nothing would change.")
    return after


def _check_day(terms: Terms, day: date, field: str) -> None:
    if not terms.start <= day < terms.end:
        last = terms.end - ONE_DAY
        raise TermsError(
            "outside_contract", field, f"{day} is outside the contract, which runs from {terms.start} to {last}. Choose a day within it."
        )


class _Step:
    """One edit, checked, about to be made on the slices of all lines."""

    def __init__(self, terms: Terms, edit: Edit, field: str, effective: date, known: set[str]) -> None:
        if edit.action not in ACTIONS:
            raise TermsError("unknown_action", f"{field}.action", f"{edit.action!r:.40} is no action. Choose one of {', '.join(ACTIONS)}.")
        self.terms, self.edit, self.field = terms, edit, field
        self.day = effective if edit.on is None else edit.on
        if edit.on is not None:
            _check_day(terms, edit.on, f"{field}.on")
            if edit.on < effective:
                raise TermsError("wrong_order", f"{field}.on", f"{field}.on {edit.on} is before the change itself, {effective}.")
        self.until = edit.until
        if edit.until is not None and not self.day < edit.until <= terms.end:
            message = f"{field}.until {edit.until} has to be after {self.day} and no later than {terms.end}, the end of the contract."
            raise TermsError("wrong_order", f"{field}.until", message)
        self.key = self._new_key(known) if edit.action == "add" else self._known_key(known)
        self.changes = {"swap": "product", "price": "unit_price", "remove": "key", "uplift": "percent"}.get(edit.action, "quantity")

    def apply(self, slices: dict[str, tuple[Line, ...]]) -> list[Line]:
        """The slices of this step's line after it."""
        made: Callable[[dict[str, tuple[Line, ...]]], list[Line]] = getattr(self, f"_{self.edit.action}")
        return made(slices)

    def _quantity(self, slices: dict[str, tuple[Line, ...]]) -> list[Line]:
        current = self._current(slices)
        target = limits_checked(limits.check_quantity, self._given("quantity"), f"{self.field}.quantity")
        delta = money.subtract(target, current.quantity)
        return self._rewritten(slices, lambda line: self._at_quantity(line, delta))

    def _price(self, slices: dict[str, tuple[Line, ...]]) -> list[Line]:
        current = self._current(slices)
        target = limits_checked(limits.check_unit_price, self._given("unit_price"), f"{self.field}.unit_price")
        delta = money.subtract(target, current.unit_price)
        return self._rewritten(slices, lambda line: self._at_price(line, delta) if line.product == current.product else line)

    def _uplift(self, slices: dict[str, tuple[Line, ...]]) -> list[Line]:
        current = self._current(slices)
        percent = limits_checked(limits.check_percent, self._given("percent"), f"{self.field}.percent")
        delta = money.subtract(uplifted(current.unit_price, percent, self.terms.currency), current.unit_price)
        return self._rewritten(slices, lambda line: self._at_price(line, delta) if line.product == current.product else line)

    def _commit(self, slices: dict[str, tuple[Line, ...]]) -> list[Line]:
        current = self._current(slices)
        least = limits_checked(limits.check_quantity, self._given("quantity"), f"{self.field}.quantity")
        if least <= current.minimum:
            held = money.text(money.plain(current.minimum))
            words = f"{current.name} is committed to {held} {current.unit} already. Raise it, or leave it as it is."
            raise TermsError("not_raised", f"{self.field}.quantity", words)
        delta = max(Decimal(0), money.subtract(least, current.quantity))
        return self._rewritten(slices, lambda line: self._committed(line, delta, least))

    def _committed(self, line: Line, delta: Decimal, least: Decimal) -> Line:
        """The slice with `delta` more, of which at least `least` stay."""
        moved = self._at_quantity(line, delta)
        if moved is None or moved.quantity < least:
            words = f"A later step takes {line.name} below {money.text(money.plain(least))} from {line.starts}. Change that step first."
            raise TermsError("below_commitment", f"{self.field}.quantity", words)
        return replace(moved, minimum=max(least, moved.minimum))

    def _swap(self, slices: dict[str, tuple[Line, ...]]) -> list[Line]:
        current = self._current(slices)
        if self.edit.product == current.product:
            message = f"The line already is {current.name}. Change its quantity or its price instead."
            raise TermsError("same_product", f"{self.field}.product", message)
        self._check_not_owned(slices)
        wanted = self._fresh(current)
        quantity_delta = money.subtract(wanted.quantity, current.quantity)
        price_delta = money.subtract(wanted.unit_price, current.unit_price)

        def swapped(line: Line) -> Line | None:
            moved = self._at_quantity(line, quantity_delta)
            if moved is None or line.product != current.product:  # a later plan already agreed stays that plan
                return moved
            moved = self._at_price(moved, price_delta)
            return replace(wanted, key=line.key, starts=line.starts, ends=line.ends, quantity=moved.quantity, unit_price=moved.unit_price)

        return self._rewritten(slices, swapped)

    def _add(self, slices: dict[str, tuple[Line, ...]]) -> list[Line]:
        if self.edit.recurring:
            self._check_not_owned(slices)
        line = self._fresh(None)
        if line.quantity == 0:
            raise TermsError("nothing_changed", f"{self.field}.quantity", f"{self.field}.quantity is 0. Give how many are added.")
        return [*slices.get(self.key, ()), line]

    def _remove(self, slices: dict[str, tuple[Line, ...]]) -> list[Line]:
        self._current(slices)
        return self._rewritten(slices, self._dropped)

    def _dropped(self, line: Line) -> None:
        if line.minimum > 0:
            least = money.text(money.plain(line.minimum))
            raise TermsError(
                "below_commitment", f"{self.field}.key", f"{line.name} is committed to at least {least} {line.unit}. It cannot go."
            )

    def _rewritten(self, slices: dict[str, tuple[Line, ...]], change: Callable[[Line], Line | None]) -> list[Line]:
        """The line's slices with `change` made on what lies in [day, until); None drops it. One-time slices are never cut."""
        found: list[Line] = []
        for line in slices[self.key]:
            if not line.meets(self.day, self.until):
                found.append(line)
                continue
            inside = line
            if line.recurring and line.starts < self.day:
                found.append(replace(line, ends=self.day))
                inside = replace(inside, starts=self.day)
            if line.recurring and self.until is not None and (line.ends is None or self.until < line.ends):
                found.append(replace(line, starts=self.until))
                inside = replace(inside, ends=self.until)
            changed = change(inside)
            if changed is not None:
                found.append(changed)
        return found

    def _at_quantity(self, line: Line, delta: Decimal) -> Line | None:
        """The slice with its quantity moved by `delta`; None when nothing of it is left."""
        quantity = money.add(line.quantity, delta)
        when = "" if line.starts <= self.day else f" from {line.starts}, where a later step is agreed"
        if quantity < 0:
            message = (
                f"{line.name} would fall below zero ({money.text(money.plain(quantity))}){when}. Reduce by less, or change that step first."
            )
            raise TermsError("below_zero", f"{self.field}.quantity", message)
        if quantity < line.minimum and quantity < line.quantity:
            least = money.text(money.plain(line.minimum))
            raise TermsError(
                "below_commitment",
                f"{self.field}.quantity",
                f"{line.name} is committed to at least {least} {line.unit}{when}. Stay at or above it.",
            )
        if quantity == 0:
            return None
        return replace(line, quantity=limits_checked(limits.check_quantity, quantity, f"{self.field}.quantity"))

    def _at_price(self, line: Line, delta: Decimal) -> Line:
        """The slice with its price moved by `delta`."""
        price = money.add(line.unit_price, delta)
        if price < 0:
            message = (
                f"The price of {line.name} would fall below zero from {line.starts}, where a later step is agreed. Change that step first."
            )
            raise TermsError("negative", f"{self.field}.unit_price", message)
        return replace(line, unit_price=limits_checked(limits.check_unit_price, price, f"{self.field}.unit_price"))

    def _current(self, slices: dict[str, tuple[Line, ...]]) -> Line:
        """The slice the edit starts from."""
        held = slices.get(self.key, ())
        for line in held:
            if not line.recurring and self.day <= line.starts:
                return line
            if line.recurring and line.holds_on(self.day):
                return line
        name = held[-1].name if held else self.key
        if held and not held[-1].recurring:
            raise TermsError(
                "delivered", f"{self.field}.key", f"{name} is charged once and was due on {held[-1].starts}; it can no longer be changed."
            )
        raise TermsError("not_held", f"{self.field}.key", f"{name} is not in force on {self.day}. Choose a day on which it is.")

    def _check_not_owned(self, slices: dict[str, tuple[Line, ...]]) -> None:
        for key, held in slices.items():
            for line in held:
                if key == self.key and self.edit.action == "swap":
                    continue
                if line.recurring and line.product == self.edit.product and line.meets(self.day, self.until):
                    message = f"{line.name} is already on the contract. Change its quantity instead."
                    raise TermsError("already_on_contract", f"{self.field}.product", message)

    def _fresh(self, current: Line | None) -> Line:
        """The slice that an add or a swap brings."""
        edit = self.edit
        for name in ("product", "name", "family"):
            if not getattr(edit, name):
                raise TermsError("missing", f"{self.field}.{name}", f"{self.field}.{name} is missing. Choose a product.")
        quantity = current.quantity if current and edit.quantity is None else self._given("quantity")
        discount = edit.discount if edit.discount is not None else current.discount if current else Decimal(0)
        if edit.months is not None and not 1 <= edit.months <= limits.MAX_MONTHS:
            raise TermsError("wrong_months", f"{self.field}.months", f"{self.field}.months has to be from 1 to {limits.MAX_MONTHS}.")
        kept = current or Line("", "", "", "", Decimal(0), Decimal(0), self.day, None)
        return Line(
            key=self.key,
            product=edit.product,
            name=edit.name,
            family=edit.family,
            quantity=limits_checked(limits.check_quantity, quantity, f"{self.field}.quantity"),
            unit_price=limits_checked(limits.check_unit_price, self._given("unit_price"), f"{self.field}.unit_price"),
            starts=self.day,
            ends=self.until if edit.recurring else self.day + ONE_DAY,
            months=edit.months if edit.months is not None else kept.months,
            discount=limits_checked(limits.check_percent, discount, f"{self.field}.discount"),
            tax_rate=kept.tax_rate
            if edit.tax_rate is None
            else limits_checked(limits.check_percent, edit.tax_rate, f"{self.field}.tax_rate"),
            tax_code=edit.tax_code or kept.tax_code,
            recurring=edit.recurring,
            tier=edit.tier,
            unit=edit.unit,
            minimum=kept.minimum,
        )

    def _given(self, name: str) -> Decimal:
        value = getattr(self.edit, name)
        if value is None:
            raise TermsError("missing", f"{self.field}.{name}", f"{self.field}.{name} is missing.")
        if not isinstance(value, Decimal):
            raise TermsError("wrong_type", f"{self.field}.{name}", f"{self.field}.{name} has to be a Decimal, not {type(value).__name__}.")
        return value

    def _known_key(self, known: set[str]) -> str:
        if self.edit.key is None:
            raise TermsError("missing", f"{self.field}.key", f"{self.field}.key is missing. Say which line of the contract is meant.")
        if self.edit.key not in known:
            raise TermsError("unknown_line", f"{self.field}.key", "The contract has no such line. Choose one of its lines.")
        return self.edit.key

    def _new_key(self, known: set[str]) -> str:
        """The key given, or one derived from the step and the lines there are: the same preview again gets the same key."""
        if self.edit.key is not None:
            if self.edit.key in known:
                raise TermsError("already_on_contract", f"{self.field}.key", "A new line needs a key of its own.")
            return self.edit.key
        return str(uuid.uuid5(_KEYS, "|".join((self.edit.product, self.day.isoformat(), self.field, *sorted(known)))))


def uplifted(price: Decimal, percent: Decimal, currency: str) -> Decimal:
    """A unit price raised by a percentage, rounded half away from zero to the places of the currency, or to its own when it has more."""
    places = max(money.places(currency), limits.decimals(price))
    exact = Fraction(price) * (1 + Fraction(percent) / 100) * 10**places
    return money.from_units(money.half_away(exact.numerator, exact.denominator), places)


def limits_checked(check: Callable[[Decimal, str], Decimal], value: Decimal, field: str) -> Decimal:
    """`check(value, field)` with its refusal as a TermsError."""
    try:
        return check(value, field)
    except Refusal as refusal:
        raise TermsError(refusal.code, field, refusal.message) from None
