"""What a change does: to the current period, to every later invoice, to the value of the contract (S0-01, M24).

Preview, submit, approve, document and posting use the one value computed here. Nothing in it depends on the day one looks, except
`scheduled` and which periods count as prior.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal

from billing.domain import canonical
from billing.domain.credits import Allocation, Billed
from billing.domain.impact_value import DESTINATIONS, TREATMENTS, Impact, Policy
from billing.domain.invoice import Invoice, PricedLine, invoice_for_period
from billing.domain.lines import Terms
from billing.domain.settlement import Settlement, in_term

__all__ = [
    "DESTINATIONS",
    "TREATMENTS",
    "Allocation",
    "Billed",
    "Impact",
    "Invoice",
    "Policy",
    "PricedLine",
    "content_hash",
    "impact",
    "invoice_for_period",
    "settled_terms",
]


def impact(
    before: Terms,
    after: Terms,
    *,
    effective: date,
    today: date,
    policy: Policy,
    billed: Sequence[Billed],
    billed_until: date,
    horizon: int = 24,
    closed_before: date | None = None,
    pending: Sequence[PricedLine] = (),
    issued: Decimal | None = None,
    waived_before: Sequence[PricedLine] = (),
    waiting_before: Sequence[PricedLine] = (),
) -> Impact:
    """What changing `before` into `after` on `effective` does, seen on the business date `today`.

    billed         what was charged on invoices in the term, newest first, with what of it is credited, by documents and by lines that wait.
    billed_until   recurring invoices are issued for every period that starts before it (in arrears: that ends by it).
    closed_before  the books are closed for days before it.
    pending        lines of earlier changes that wait for the next invoice.
    issued         net amount issued in the term; None takes the sum of `billed`, which is right while no credit waits.
    horizon        bounds the invoices listed, not the contract value.
    waived_before  the lines waived by a change that is being reversed: their opposites are not charged.
    waiting_before those of its lines that wait for the next invoice, among `pending`: their opposites take them off it (M23).

    Raises Refusal: unknown_basis, unknown_shape, unknown_treatment, unknown_remainder_to (field policy.*), currency_mismatch (F62),
    other_term, outside_contract (effective), mixed_tax (edits), too_large (F63).
    """
    settlement = Settlement(
        before,
        after,
        effective,
        today,
        policy,
        billed=tuple(billed),
        billed_until=billed_until,
        closed_before=closed_before,
        pending=tuple(pending),
        waived_before=tuple(waived_before),
        waiting_before=tuple(waiting_before),
    )
    return settlement.impact(horizon, issued)


def settled_terms(before: Terms, after: Terms, *, effective: date, policy: Policy) -> Terms:
    """The terms to write into the contract: `after`, but under at_renewal families that fall keep their lines to the end of the term."""
    return in_term(before, after, effective, policy)


def content_hash(value: Impact) -> str:
    """SHA-256, in hex, of the canonical form (M18)."""
    return canonical.digest(value.canonical())
