"""What the next recurring invoice of a contract is, recomputed from its lines (M07)."""

from __future__ import annotations

from typing import Any

from billing.domain.invoice import Invoice, invoice_for_period
from billing.models import Contract
from billing.queries.policies import resolve_policies
from billing.queries.terms import terms_of


def next_invoice(contract: Contract) -> Invoice | None:
    """The next recurring invoice, or None when nothing more will be billed in the term."""
    terms = terms_of(contract)
    day = contract.billed_until
    while following := terms.periods_from(day, 1):
        (period,) = following
        invoice = invoice_for_period(terms, period, basis=resolve_policies(contract).basis)
        if invoice.lines:
            return invoice
        day = period.end
    return None


def expected_next(contract: Contract) -> dict[str, Any]:
    """The columns of a future invoice version as they should be now; amounts in the contract's currency."""
    invoice = next_invoice(contract)
    if invoice is None:
        empty = {"invoice_date": None, "period_start": None, "period_end": None, "lines": [], "net": 0, "tax": 0, "total": 0}
        return {**empty, "currency": contract.currency}
    return {
        "invoice_date": invoice.date,
        "period_start": invoice.starts,
        "period_end": invoice.ends,
        "currency": contract.currency,
        "lines": [line.canonical() for line in invoice.lines],
        "net": invoice.net,
        "tax": invoice.tax,
        "total": invoice.total,
    }
