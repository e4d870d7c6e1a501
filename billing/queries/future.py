"""What the next recurring invoice of a contract is, recomputed from its lines (M07)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from billing.domain.invoice import Invoice, PricedLine, invoice_for_period
from billing.domain.lines import Terms
from billing.models import Contract
from billing.queries.billed import pending_facts
from billing.queries.policies import resolve_policies
from billing.queries.terms import terms_of


def next_invoice(contract: Contract) -> Invoice | None:
    """The next recurring invoice with the lines that wait for it, or None when nothing more will be billed in the term."""
    return upcoming(terms_of(contract), contract.billed_until, resolve_policies(contract).basis, pending_facts(contract))


def upcoming(terms: Terms, day: date, basis: str, pending: Sequence[PricedLine] = ()) -> Invoice | None:
    """The first invoice with lines among the periods that begin on or after `day`."""
    while following := terms.periods_from(day, 1):
        (period,) = following
        invoice = invoice_for_period(terms, period, basis=basis, pending=pending)
        if invoice.lines:
            return invoice
        day = period.end
    return None


def expected_next(contract: Contract) -> dict[str, Any]:
    """The columns of a future invoice version as they should be now; amounts in the contract's currency."""
    return columns_of(next_invoice(contract), contract.currency)


def columns_of(invoice: Invoice | None, currency: str) -> dict[str, Any]:
    """An expected invoice as the columns of a version; empty ones when nothing more will be billed."""
    if invoice is None:
        empty = {"invoice_date": None, "period_start": None, "period_end": None, "lines": [], "net": 0, "tax": 0, "total": 0}
        return {**empty, "currency": currency}
    return {
        "invoice_date": invoice.date,
        "period_start": invoice.starts,
        "period_end": invoice.ends,
        "currency": currency,
        "lines": [line.canonical() for line in invoice.lines],
        "net": invoice.net,
        "tax": invoice.tax,
        "total": invoice.total,
    }
