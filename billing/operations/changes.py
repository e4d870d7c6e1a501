"""Carrying out an agreed change on the books: new terms, this period's document, the future invoice; all in the caller's transaction."""

from __future__ import annotations

from datetime import date, datetime

from billing.domain.impact import Impact
from billing.domain.terms import Terms
from billing.models import Contract, Document, FutureInvoiceVersion
from billing.operations import contracts, documents, future_invoices, pending
from dealops.accounts.models import User


def carry_out(
    contract: Contract,
    *,
    after: Terms,
    result: Impact,
    effective: date,
    reference: str,
    reason: str,
    on: date,
    by: User | None,
    at: datetime,
    tell_accounting: bool = True,
    takes_back: str = "",
) -> tuple[Document | None, FutureInvoiceVersion]:
    """Apply `result`, exactly as it was shown, to a locked contract. `on` is the business date the document carries.

    `takes_back` is the change whose waiting lines it withdraws, where `result` says so.
    Without `tell_accounting` the future invoice is new here and its template over there is somebody else's to change (S0-19).
    """
    contracts.amend(contract, after, effective=effective, reference=reference, reason=reason, by=by, at=at)
    document = documents.issue_one_off(contract, result, reference=reference, on=on, at=at)
    withdrawn = [line for line in result.lines if line.outcome == "withdrawn"]
    if withdrawn:
        pending.withdraw(contract, withdrawn, of=takes_back, by=reference)
    version = future_invoices.reprice(contract, reference=reference, at=at, tell_accounting=tell_accounting)
    return document, version
