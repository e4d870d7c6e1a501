"""M07: the future invoice of every contract equals a full recompute from its lines."""

from __future__ import annotations

import json
from collections.abc import Iterator

from billing.queries.due import read_active
from billing.queries.future import columns_of, upcoming
from billing.queries.invariants.finding import rows

CHUNK = 2000
# The columns that are compared, in the order of the query.
COLUMNS = ("invoice_date", "period_start", "period_end", "currency", "net", "tax", "total", "lines")


def future_is_a_recompute() -> Iterator[tuple[str, str]]:
    """The current version of the future invoice says what the lines, and what waits for the invoice, come to now."""
    after = 0
    while contracts := read_active(after=after, size=CHUNK):
        after = contracts[-1].pk
        shown = {
            row[0]: dict(zip(COLUMNS, (*row[1:-1], json.loads(row[-1])), strict=True))
            for row in rows(
                """
                SELECT f.contract_id, v.invoice_date, v.period_start, v.period_end, v.currency, v.net, v.tax, v.total, v.lines
                  FROM billing_futureinvoice f JOIN billing_futureinvoiceversion v ON v.id = f.current_id WHERE f.contract_id = ANY(%s)
                """,
                [[contract.pk for contract in contracts]],
            )
        }
        for contract in contracts:
            if contract.pk not in shown:
                if contract.future is not None:
                    yield f"contract:{contract.number}", "has a future invoice without a version"
                continue
            invoice = upcoming(contract.terms, contract.billed_until, contract.basis, [one.line for one in contract.waiting])
            expected = columns_of(invoice, contract.terms.currency)
            wrong = [name for name in COLUMNS if expected[name] != shown[contract.pk][name]]
            if wrong:
                said, right = shown[contract.pk], expected
                yield (
                    f"contract:{contract.number}",
                    f"expects {said['net']:f} on {said['invoice_date']}, a recompute says {right['net']:f} on {right['invoice_date']} "
                    f"(differs in {', '.join(wrong)})",
                )
    for (number,) in rows(
        """
        SELECT c.number FROM billing_contract c JOIN billing_futureinvoice f ON f.contract_id = c.id
          JOIN billing_futureinvoiceversion v ON v.id = f.current_id
         WHERE c.state = 'ended' AND v.invoice_date IS NOT NULL
        """
    ):
        yield f"contract:{number}", "has ended and still expects an invoice"
