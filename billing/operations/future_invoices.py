"""The next recurring invoice, always a full recompute from the contract lines (M07)."""

from __future__ import annotations

from datetime import datetime

from billing.models import Contract, FutureInvoice, FutureInvoiceVersion
from billing.operations.postings import queue_template
from billing.queries.future import expected_next


def reprice(
    contract: Contract, *, reference: str, at: datetime, tell_accounting: bool = True, new_end: bool = False
) -> FutureInvoiceVersion:
    """Recompute the next invoice of a locked contract; a new version and a posting only when it differs from the current one.

    `new_end` says that the term ends on another day: accounting's template carries that day too, so it is told in any case.
    """
    future, _ = FutureInvoice.objects.select_related("current").get_or_create(contract=contract)
    expected = expected_next(contract)
    current = future.current
    if current is not None and not new_end and all(getattr(current, name) == value for name, value in expected.items()):
        return current
    version = FutureInvoiceVersion.objects.create(
        future_invoice=future,
        number=(current.number if current else 0) + 1,
        contract_version=contract.version,
        reference=reference,
        created_at=at,
        **expected,
    )
    future.current = version
    future.save(update_fields=["current"])
    if tell_accounting:
        queue_template(version)
    return version
