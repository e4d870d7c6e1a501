"""An impact as people read it: the table of this period, the next invoice, the deal, and the arithmetic behind every number.

The composer and the page of a change show the same figures from the same value.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from billing.domain.impact import Impact, Invoice, PricedLine
from billing.domain.money import from_units, half_away
from billing.domain.written import MINUS, money_text, percent_text, quantity_text
from billing.models import Basis, Shape
from billing.templatetags.dates import period_text, short_day_text
from expansion.domain.health import Utilisation
from expansion.models import Change

OUTCOMES = {
    "next_invoice": "goes onto the next invoice",
    "carried": "too small for a document, goes onto the next invoice",
    "waived": "not credited, by policy",
    "withdrawn": "waited for the next invoice and is taken off it",
}
MANY = 12
TIMES = "\N{MULTIPLICATION SIGN}"


@dataclass(frozen=True, slots=True)
class Row:
    """One line of this period. `was` and `becomes` are quantities; None where a quantity alone does not tell."""

    line: PricedLine
    was: Decimal | None
    becomes: Decimal | None

    @property
    def outcome(self) -> str:
        return OUTCOMES.get(self.line.outcome, "")

    @property
    def part(self) -> str:
        """`15/30 days`; blank for something charged once."""
        return f"{self.line.days}/{self.line.period_days} days" if self.line.period_days > 1 else "once"


@dataclass(frozen=True, slots=True)
class InvoicePair:
    """One coming invoice before and after the change; either may be missing."""

    before: Invoice | None
    after: Invoice | None

    @property
    def invoice(self) -> Invoice:
        found = self.after or self.before
        assert found is not None
        return found

    @property
    def net_before(self) -> Decimal:
        return self.before.net if self.before else Decimal(0)

    @property
    def net_after(self) -> Decimal:
        return self.after.net if self.after else Decimal(0)


@dataclass(frozen=True, slots=True)
class DiffRow:
    """One line of the next invoice before and after; `tone` is new, less, gone or same."""

    name: str
    before: PricedLine | None
    after: PricedLine | None

    @property
    def tone(self) -> str:
        if self.before is None or self.after is None:
            return "new" if self.before is None else "gone"
        difference = self.after.signed_net - self.before.signed_net
        return "new" if difference > 0 else "less" if difference < 0 else "same"


@dataclass(frozen=True, slots=True)
class Step:
    """The arithmetic of one number: what it is, and its lines."""

    name: str
    lines: tuple[str, ...]


class Figures:
    """An impact with what templates ask of it. `tax_name` is the seller's word for tax."""

    def __init__(self, impact: Impact, tax_name: str, utilisation: Utilisation | None = None) -> None:
        self.impact = impact
        self.currency = impact.currency
        self.tax_name = tax_name
        self.utilisation = utilisation

    @property
    def billing(self) -> Invoice | None:
        """What a change into a period that is not billed yet will issue on its day."""
        if not self.impact.expected_document:
            return None
        return next((invoice for invoice in self.impact.invoices_after if invoice.kind == "one_off"), None)

    @property
    def document(self) -> str:
        """invoice, credit_note or none: now, or on the effective day."""
        return self.impact.expected_document or self.impact.document

    @property
    def net(self) -> Decimal:
        """Net of the document, negative for a credit note; of the expected one when it is issued later."""
        return self.billing.net if self.billing else self.impact.signed_net

    @property
    def tax(self) -> Decimal:
        if self.billing:
            return self.billing.tax
        return -self.impact.tax if self.impact.document == "credit_note" else self.impact.tax

    @property
    def total(self) -> Decimal:
        return self.net + self.tax

    @property
    def rows(self) -> list[Row]:
        before = _quantities(self.impact.next_before)
        after = _quantities(self.impact.next_after)
        known = self.impact.next_before is not None and self.impact.next_after is not None
        return [Row(line, *_from_to(line, before, after, known)) for line in self.impact.lines]

    @property
    def next_change(self) -> InvoicePair | None:
        """The next recurring invoice before and after."""
        pairs = [pair for pair in self.invoice_pairs if pair.invoice.kind == "recurring"]
        return pairs[0] if pairs else None

    @property
    def invoice_pairs(self) -> list[InvoicePair]:
        """The coming invoices side by side, by date; at most a dozen."""
        return _pairs(self.impact)[:MANY]

    @property
    def next_diff(self) -> list[DiffRow]:
        """The lines of the next invoice, before and after."""
        before, after = _by_key(self.impact.next_before), _by_key(self.impact.next_after)
        keys = dict.fromkeys((*before, *after))
        rows = [DiffRow((after.get(key) or before[key]).name, before.get(key), after.get(key)) for key in keys]
        return [row for row in rows if row.before or row.after]

    @property
    def has_fallen(self) -> bool:
        """Whether something gets smaller, so that the downgrade treatment matters."""
        return "downgrade" in self.impact.mechanisms or any(line.side == "credit" for line in self.impact.lines)

    @property
    def heading(self) -> str:
        """What the document is called in a sentence."""
        return {"invoice": "One-off invoice", "credit_note": "Credit note"}.get(self.document, "Nothing to bill now")

    @property
    def policy_words(self) -> str:
        """How it was computed, as the policies are called: `Actual days, one net line`."""
        policy = self.impact.policy
        return f"{Basis(policy.basis).label}, {Shape(policy.shape).label[0].lower()}{Shape(policy.shape).label[1:]}"

    def steps(self) -> Iterator[Step]:
        """How each number was computed, in the order of the panel."""
        money = self._money
        impact = self.impact
        if impact.lines:
            yield Step("This period", tuple(_words(line) for line in impact.lines))
            yield Step("Rounding", (self._rounding(),))
        if self.document != "none":
            taxes = _taxes(impact.document_lines)
            tax_lines = tuple(f"{self.tax_name} {percent_text(rate, 0)} of {money(net)} = {money(tax)}" for rate, net, tax in taxes)
            yield Step(f"{self.tax_name} and total", (*tax_lines, f"{money(self.net)} + {money(self.tax)} = {money(self.total)}"))
        if impact.next_after:
            lines = tuple(f"{line.name}: {line.explanation}" for line in impact.next_after.lines)
            yield Step(f"Next invoice, {short_day_text(impact.next_after.date)}", (*lines, f"Net {money(impact.next_after.net)}"))
        yield Step(
            "MRR and ARR",
            (
                f"{money(impact.mrr_after)} {MINUS} {money(impact.mrr_before)} = {money(impact.mrr_delta, True)} a month",
                f"{money(impact.arr_after)} {MINUS} {money(impact.arr_before)} = {money(impact.arr_delta, True)} a year",
            ),
        )
        yield Step("Deal amount", (self._value(),))
        if self.utilisation:
            use = self.utilisation
            yield Step("Use after", (f"{use.used} ÷ {quantity_text(use.bought)} = {percent_text(use.percent)}",))

    def _rounding(self) -> str:
        exact = sum((Fraction(line.numerator, line.denominator) for line in self.impact.lines), Fraction(0))
        rounded = sum((Fraction(line.net) for line in self.impact.lines), Fraction(0))
        if exact == rounded:
            return "Nothing had to be rounded: 0.00"
        apart = abs(rounded - exact)
        return (
            f"Each line rounded once, half away from zero: {from_units(half_away(apart.numerator * 10_000, apart.denominator), 4)} in all"
        )

    def _value(self) -> str:
        """12,000.00 + 125.00 + 6 x 250.00 = 13,625.00, where every invoice to come differs by the same."""
        money, impact = self._money, self.impact
        parts = [money(impact.value_before)]
        if impact.signed_net:
            parts.append(money(impact.signed_net))
        rest = impact.value_delta - impact.signed_net
        steps = [pair.net_after - pair.net_before for pair in _pairs(impact)]
        moved = [step for step in steps if step]
        if moved and sum(moved) == rest:
            parts += [_times(moved.count(step), money(step)) for step in dict.fromkeys(moved)]
        elif rest:
            parts.append(f"{money(rest)} on the invoices to come")
        return f"{' + '.join(parts)} = {money(impact.value_after)}".replace(f"+ {MINUS}", f"{MINUS} ")

    def _money(self, amount: Decimal, signed: bool = False) -> str:
        return money_text(amount, self.currency, signed)


def figures_of(change: Change, tax_name: str) -> Figures:
    """The frozen figures of a change."""
    return Figures(Impact.from_canonical(change.impact), tax_name)


def button_label(figures: Figures, *, needs_approval: bool) -> str:
    """`Submit £125.00 + VAT for approval`, `Apply £125.00 + VAT now`, `Submit credit of £35.00 + VAT for approval`."""
    amount = _amount_words(figures)
    if needs_approval:
        return f"Submit {amount} for approval" if amount else "Submit for approval, nothing to bill now"
    if figures.impact.scheduled:
        day = short_day_text(figures.impact.effective)
        return f"Schedule {amount} for {day}" if amount else f"Schedule for {day}"
    return f"Apply {amount} now" if amount else "Apply now, nothing to bill"


def _amount_words(figures: Figures) -> str:
    if figures.document == "none":
        return ""
    tax = f" + {figures.tax_name}" if figures.tax else ""
    credit = "credit of " if figures.document == "credit_note" else ""
    return f"{credit}{money_text(abs(figures.net), figures.currency)}{tax}"


def _times(count: int, amount: str) -> str:
    return f"{count} {TIMES} {amount}" if count > 1 else amount


def _from_to(
    line: PricedLine, before: dict[str, tuple[str, Decimal]], after: dict[str, tuple[str, Decimal]], known: bool
) -> tuple[Decimal | None, Decimal | None]:
    """A net line says from what to what; one side of a swap says only what goes or comes."""
    if not known:
        return None, None
    was, becomes = before.get(line.key), after.get(line.key)
    if was and becomes and was[0] != becomes[0]:
        return (line.quantity, Decimal(0)) if line.side == "credit" else (Decimal(0), line.quantity)
    if was is None and becomes is None:
        return None, None
    return (was[1] if was else Decimal(0)), (becomes[1] if becomes else Decimal(0))


def _quantities(invoice: Invoice | None) -> dict[str, tuple[str, Decimal]]:
    """key -> (product, quantity) of the charged lines."""
    lines = invoice.lines if invoice else ()
    return {line.key: (line.product, line.quantity) for line in lines if line.side == "charge"}


def _by_key(invoice: Invoice | None) -> dict[tuple[str, str, str], PricedLine]:
    return {(line.key, line.product, line.side): line for line in (invoice.lines if invoice else ())}


def _pairs(impact: Impact) -> list[InvoicePair]:
    before = {(invoice.date, invoice.kind): invoice for invoice in impact.invoices_before}
    after = {(invoice.date, invoice.kind): invoice for invoice in impact.invoices_after}
    return [InvoicePair(before.get(place), after.get(place)) for place in sorted(before.keys() | after.keys())]


def _words(line: PricedLine) -> str:
    sign = "credit, " if line.side == "credit" else ""
    days = f"; {period_text(line.starts, line.ends)}, first and last day included: {line.days} days" if line.period_days > 1 else ""
    return f"{line.name}: {sign}{line.explanation}{days}"


def _taxes(lines: Sequence[PricedLine]) -> list[tuple[Decimal, Decimal, Decimal]]:
    """(rate, net, tax) by tax rate."""
    found: dict[Decimal, tuple[Decimal, Decimal]] = {}
    for line in lines:
        net, tax = found.get(line.tax_rate or Decimal(0), (Decimal(0), Decimal(0)))
        found[line.tax_rate or Decimal(0)] = (net + line.signed_net, tax + line.signed_tax)
    return [(rate, net, tax) for rate, (net, tax) in found.items()]
