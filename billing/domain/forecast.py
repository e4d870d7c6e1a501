"""The invoices still to come, before and after a change, to the end of the term (K02, S0-07)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from billing.domain import money
from billing.domain.invoice import Invoice, PricedLine, invoice_for_period, total_up
from billing.domain.lines import Terms
from billing.domain.periods import Period

_ALL = 10**6


@dataclass(frozen=True, slots=True)
class Ahead:
    """All invoices to come, their net sums, and credits that no invoice of the term could take up."""

    before: tuple[Invoice, ...]
    after: tuple[Invoice, ...]
    value_before: Decimal
    value_after: Decimal
    left_over: Decimal


class Forecast:
    """Looks from `billed_until` to the end of the term.

    With `expected` the change has not happened yet: invoices issued before its day still follow `before`, and its own document comes on
    its day.
    """

    def __init__(self, before: Terms, after: Terms, effective: date, billed_until: date, basis: str, expected: bool) -> None:
        self.before, self.after, self.effective, self.basis, self.expected = before, after, effective, basis, expected
        self.periods = _unbilled(before, billed_until)

    @property
    def has_next(self) -> bool:
        """Whether an invoice follows the change that could take up what is deferred."""
        return any(self._is_after_change(period) for period in self.periods)

    def run(
        self, pending: Sequence[PricedLine], still: Sequence[PricedLine], deferred: Sequence[PricedLine], one_off: Sequence[PricedLine]
    ) -> Ahead:
        """`still` is what of `pending` waits on after the change."""
        before, _ = self._invoices(pending, (), changed=False)
        after, waiting = self._invoices(still, deferred, changed=True)
        if one_off:
            end = max(line.ends for line in one_off)
            after.append(total_up(one_off, self.before.currency, self.effective, end, self.effective, "one_off"))
            after.sort(key=lambda invoice: (invoice.date, invoice.kind != "recurring"))
        nothing = money.zero(self.before.currency)
        return Ahead(
            tuple(before),
            tuple(after),
            money.add(nothing, *(invoice.net for invoice in before)),
            money.add(nothing, *(invoice.net for invoice in after)),
            money.add(nothing, *(line.net for line in waiting)),
        )

    def _invoices(
        self, pending: Sequence[PricedLine], deferred: Sequence[PricedLine], *, changed: bool
    ) -> tuple[list[Invoice], Sequence[PricedLine]]:
        found: list[Invoice] = []
        waiting, to_come = list(pending), list(deferred)
        for period in self.periods:
            has_changed = changed and self._is_after_change(period)
            if has_changed:
                waiting, to_come = [*waiting, *to_come], []
            invoice = invoice_for_period(self.after if has_changed else self.before, period, basis=self.basis, pending=waiting)
            waiting = list(invoice.carried_over)
            found.append(invoice)
        return found, [*waiting, *to_come]

    def _is_after_change(self, period: Period) -> bool:
        """Whether the period's invoice is issued when the change has happened."""
        if not self.expected:
            return True
        return (period.start if self.before.in_advance else period.end) >= self.effective


def _unbilled(terms: Terms, billed_until: date) -> list[Period]:
    """The periods without an invoice; in arrears the one that `billed_until` lies in is among them."""
    current = None if terms.in_advance else terms.period_on(billed_until)
    return terms.periods_from(current.start if current else billed_until, _ALL)
