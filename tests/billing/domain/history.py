"""A contract lives through a random history, beside a model that knows nothing of the engine: one entry per line and day.

The model re-prices the whole term from those entries, so that what was billed, credited, waived and left over can be held against what each
day was worth (M01).
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction

from billing.domain.impact import Billed, Impact, Policy, PricedLine, impact, invoice_for_period
from billing.domain.refusal import Refusal
from billing.domain.terms import Edit, Line, Terms, TermsError, apply_edits
from tests.billing.domain import oracle

TAX_RATES = tuple(map(Decimal, (20, 20, 20, 0, 5)))
TREATMENTS = ("credit_note", "credit_on_next_invoice", "no_adjustment")


@dataclass
class Day:
    """What one line is on one day."""

    product: str
    quantity: Fraction
    price: Fraction


@dataclass
class Model:
    """line key -> day -> what it is; None once it is gone. Discounts and periods stay with the key."""

    start: date
    end: date
    days: dict[str, dict[date, Day]] = field(default_factory=dict)
    discounts: dict[str, Fraction] = field(default_factory=dict)
    months: dict[str, int] = field(default_factory=dict)

    def from_day(self, key: str, day: date) -> list[Day]:
        return [entry for when, entry in self.days[key].items() if when >= day]

    def edit(self, edit: Edit, key: str, day: date) -> None:
        if edit.action == "add":
            product, quantity, price = edit.product, Fraction(edit.quantity), Fraction(edit.unit_price)
            self.days[key] = {when: Day(product, quantity, price) for when in oracle.days_between(day, self.end)}
            self.discounts[key] = Fraction(edit.discount or 0)
            self.months[key] = edit.months or 0
            return
        if edit.action == "remove":
            self.days[key] = {when: entry for when, entry in self.days[key].items() if when < day}
            return
        at_once = replace_day(self.days[key][day])
        for entry in self.from_day(key, day):
            same = entry.product == at_once.product
            if edit.quantity is not None:
                entry.quantity += Fraction(edit.quantity) - at_once.quantity
            if edit.unit_price is not None and same:
                entry.price += Fraction(edit.unit_price) - at_once.price
            if edit.action == "swap" and same:
                entry.product = edit.product
        self.days[key] = {when: entry for when, entry in self.days[key].items() if entry.quantity}


def replace_day(entry: Day) -> Day:
    return Day(entry.product, entry.quantity, entry.price)


class History:
    """One random contract and up to `changes` changes on it; `finish` bills the rest of the term."""

    def __init__(self, chance: random.Random, basis: str = "actual_days") -> None:
        self.chance, self.basis = chance, basis
        self.currency = chance.choice(sorted(oracle.PLACES))
        self.places = oracle.PLACES[self.currency]
        months = chance.choice((1, 1, 3, 6, 12))
        start = date(2019, 1, 1) + timedelta(days=chance.randrange(7000))
        end = start + timedelta(days=chance.randint(20, 800))
        anchor = chance.choice((None, date(2019, 1, 1) + timedelta(days=chance.randrange(7000))))
        self.terms = Terms(self.currency, start, end, months, anchor, in_advance=chance.random() < 0.7)
        self.model = Model(start, end)
        self.today = self.billed_until = start
        self.billed: list[Billed] = []
        self.pending: list[PricedLine] = []
        self.settled: list[PricedLine] = []  # every line once, when it was worked out
        self.issued = Decimal(0)
        self.last: Impact | None = None
        self.added = 0
        lines = [self._first_line() for _ in range(chance.randint(1, 3))]
        self.terms = replace(self.terms, lines=tuple(lines))

    def _price(self) -> Decimal:
        """Up to ten million: eleven lines of it in dinars stay below the largest amount, 10^15 minor units."""
        return Decimal(self.chance.randint(0, 10 ** self.chance.randint(1, 7))).scaleb(-self.chance.choice((0, 2, 6)))

    def _quantity(self) -> Decimal:
        return Decimal(self.chance.choice((1, 2, 5, 20, 25, 300, self.chance.randint(1, 5000)))) / self.chance.choice((1, 1, 1, 4))

    def _first_line(self) -> Line:
        add = self._add()
        key = f"k{self.added}"
        self.model.edit(add, key, self.terms.start)
        fields = {
            name: getattr(add, name) for name in ("product", "name", "family", "quantity", "unit_price", "months", "discount", "tax_rate")
        }
        return Line(key=key, starts=self.terms.start, ends=None, **fields)

    def _add(self) -> Edit:
        self.added += 1
        product = f"p{self.added}"
        return Edit(
            "add",
            key=f"k{self.added}",
            product=product,
            name=product,
            family=self.chance.choice(("core", "insight", product)),
            quantity=self._quantity(),
            unit_price=self._price(),
            discount=Decimal(self.chance.choice((0, 0, 10, 33))),
            months=self.chance.choice((None, None, 1, 12)),
            tax_rate=self.chance.choice(TAX_RATES),
        )

    def bill(self, until: date) -> None:
        """Issue what is due on or before `until`."""
        while periods := self.terms.periods_from(self.billed_until, 1):
            period = periods[0]
            if (period.start if self.terms.in_advance else period.end) > until:
                return
            invoice = invoice_for_period(self.terms, period, basis=self.basis, pending=self.pending)
            assert invoice.net >= 0
            assert invoice.tax >= 0
            assert invoice.total == invoice.net + invoice.tax
            charges = [line for line in invoice.lines if line.side == "charge"]
            self.settled += [line for line in charges if line.outcome == "document"]
            self.issued += invoice.net
            self._charged(charges)
            self.pending = list(invoice.carried_over)
            self.billed_until = period.end

    def _charged(self, lines: list[PricedLine]) -> None:
        for line in lines:
            number = len(self.billed) + 1
            self.billed.insert(
                0, Billed(line.product, line.key, line.starts, line.ends, line.net, f"D{number}", number, tax_rate=line.tax_rate)
            )

    def _allocate(self, allocations) -> None:
        by_id = {entry.line_id: place for place, entry in enumerate(self.billed)}
        for entry in allocations:
            place = by_id[entry.line_id]
            self.billed[place] = replace(self.billed[place], credited=self.billed[place].credited + entry.net)
            assert self.billed[place].credited <= self.billed[place].net

    def change(self) -> Impact | None:
        """One random change on a random day up to today; None when the terms refuse it."""
        self.today = min(self.today + timedelta(days=self.chance.randint(0, 60)), self.terms.end - timedelta(days=1))
        self.bill(self.today)
        effective = max(self.today - timedelta(days=self.chance.choice((0, 0, 0, 1, 20, 120))), self.terms.start)
        edit = self._edit(effective)
        if edit is None:
            return None
        try:
            after = apply_edits(self.terms, [edit], effective)
        except TermsError as error:
            assert error.code in ("below_zero", "nothing_changed", "negative", "too_large", "not_held")
            return None
        policy = Policy(self.basis, self.chance.choice(("net", "gross")), self.chance.choice(TREATMENTS), self._minimum())
        try:
            found = impact(
                self.terms,
                after,
                effective=effective,
                today=self.today,
                policy=policy,
                billed=self.billed,
                billed_until=self.billed_until,
                pending=self.pending,
                issued=self.issued,
            )
        except Refusal as error:
            assert error.code == "mixed_tax"
            return None
        self.model.edit(edit, edit.key, effective)
        self.terms = after
        self._take(found)
        return found

    def _minimum(self) -> Decimal:
        return Decimal(self.chance.choice((0, 0, 0, 50)))

    def _edit(self, day: date) -> Edit | None:
        held = list(self.terms.on(day))
        action = self.chance.choice(("quantity", "quantity", "quantity", "price", "swap", "add", "remove"))
        if action == "add" or not held:
            return self._add() if self.added < 8 else None
        line = self.chance.choice(held)
        if action == "quantity":
            return Edit("quantity", line.key, quantity=self.chance.choice((self._quantity(), Decimal(0))))
        if action == "price":
            return Edit("price", line.key, unit_price=self._price())
        if action == "remove":
            return Edit("remove", line.key)
        self.added += 1
        quantity = self.chance.choice((None, self._quantity()))
        return Edit(
            "swap", line.key, product=f"p{self.added}", name="swapped", family=line.family, quantity=quantity, unit_price=self._price()
        )

    def _take(self, found: Impact) -> None:
        self.last = found
        self.settled += found.lines
        self.issued += found.signed_net
        self._allocate(found.allocations)
        self._charged([line for line in found.document_lines if line.side == "charge"])
        self.pending += found.deferred_lines

    def finish(self) -> None:
        self.bill(self.terms.end)

    def owed(self) -> dict[tuple[str, date], Fraction]:
        """(line key, start of the full period) -> what its days are worth."""
        found: dict[tuple[str, date], Fraction] = {}
        anchor = self.terms.anchor or self.terms.start
        for key, days in self.model.days.items():
            months = self.model.months[key] or self.terms.months
            for full_start, full_end in oracle.whole_periods(self.terms.start, self.terms.end, months, anchor):
                inside = [(when, entry) for when, entry in days.items() if full_start <= when < full_end]
                worth = sum(
                    (
                        entry.quantity * entry.price * oracle.weight(self.basis, when, self.terms.end, full_start, full_end, months, anchor)
                        for when, entry in inside
                    ),
                    Fraction(0),
                ) * (1 - self.model.discounts[key] / 100)
                found[key, full_start] = worth
        return found

    def settled_by_period(self) -> dict[tuple[str, date], tuple[Fraction, int]]:
        """(line key, start of the full period) -> what was charged less credited, waived or left over, and in how many roundings."""
        found: dict[tuple[str, date], tuple[Fraction, int]] = {}
        anchor = self.terms.anchor or self.terms.start
        for line in self.settled:
            months = self.model.months[line.key] or self.terms.months
            (full,) = list(oracle.whole_periods(line.starts, line.starts + timedelta(days=1), months, anchor))
            amount = Fraction(line.net) + Fraction(line.not_credited)
            sum_now, count = found.get((line.key, full[0]), (Fraction(0), 0))
            found[line.key, full[0]] = (sum_now + (amount if line.side == "charge" else -amount), count + 1)
        return found
