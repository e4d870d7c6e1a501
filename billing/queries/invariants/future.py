"""M07: the future invoice of every contract equals a full recompute from its lines."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from billing.queries.due import DueContract, chunks
from billing.queries.future import columns_of, upcoming
from billing.queries.invariants.finding import rows

# The columns that are compared, in the order of the query.
COLUMNS = ("invoice_date", "period_start", "period_end", "currency", "net", "tax", "total", "lines")
SHOWN = """
SELECT f.contract_id, v.invoice_date, v.period_start, v.period_end, v.currency, v.net, v.tax, v.total, v.lines
  FROM billing_futureinvoice f JOIN billing_futureinvoiceversion v ON v.id = f.current_id WHERE f.contract_id = ANY(%s)
"""


def future_is_a_recompute() -> Iterator[tuple[str, str]]:
    """The current version of the future invoice says what the lines, and what waits for the invoice, come to now."""
    for contracts in chunks(active_only=True):
        shown = {
            contract: dict(zip(COLUMNS, (*columns, json.loads(lines)), strict=True))
            for contract, *columns, lines in rows(SHOWN, [[one.pk for one in contracts]])
        }
        for contract in contracts:
            words = _difference(contract, shown.get(contract.pk))
            if words:
                yield f"contract:{contract.number}", words
    for (number,) in rows(
        """
        SELECT c.number FROM billing_contract c JOIN billing_futureinvoice f ON f.contract_id = c.id
          JOIN billing_futureinvoiceversion v ON v.id = f.current_id
         WHERE c.state = 'ended' AND v.invoice_date IS NOT NULL
        """
    ):
        yield f"contract:{number}", "has ended and still expects an invoice"


def _difference(contract: DueContract, shown: dict[str, Any] | None) -> str:
    if shown is None:
        return "" if contract.future is None else "has a future invoice without a version"
    invoice = upcoming(contract.terms, contract.billed_until, contract.basis, [one.line for one in contract.waiting])
    right = columns_of(invoice, contract.terms.currency)
    wrong = [name for name in COLUMNS if right[name] != shown[name]]
    if not wrong:
        return ""
    said = f"expects {shown['net']:f} on {shown['invoice_date']}, a recompute says {right['net']:f} on {right['invoice_date']}"
    return f"{said} (differs in {', '.join(wrong)})"
