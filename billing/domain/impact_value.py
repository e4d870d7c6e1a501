"""The impact of a change as one frozen value, with its canonical form; `impact.py` computes it (M18, M24)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any, Final

from billing.domain import canonical, money
from billing.domain.credits import Allocation
from billing.domain.invoice import Invoice, PricedLine
from billing.domain.value import FamilyMovement

TREATMENTS: Final = ("credit_note", "credit_on_next_invoice", "no_adjustment", "at_renewal")
# What every release has kept; without these it is not an impact.
ALWAYS_KEPT: Final = ("currency", "effective", "summary", "document", "lines", "net", "tax", "total")
DESTINATIONS: Final = ("customer_balance", "older_invoice", "refund")


@dataclass(frozen=True, slots=True)
class Policy:
    """How the change is billed. `rule` says which rule decided each (contract, segment, legal entity), for people to read.

    `minimum_amount` is the least net amount worth a document; less is carried to the next invoice. `remainder_to` names where a credit goes
    that exceeds what was billed.
    """

    basis: str = "actual_days"
    shape: str = "net"
    treatment: str = "credit_note"
    minimum_amount: Decimal = Decimal(0)
    rule: Mapping[str, str] = field(default_factory=dict)
    remainder_to: str = "customer_balance"


@dataclass(frozen=True, slots=True)
class Impact:
    """What a change does. Amounts are Decimals of `currency`; net, tax and total are the document's and positive, 0 when there is none.

    document         invoice, credit_note or none: what is issued for periods already billed, on `effective` when `scheduled`.
    expected_document what a change into a period not billed yet will issue on its day, when the period's invoice is out; "" otherwise. It
                     stands in `invoices_after` as one_off.
    why, why_code    why there is, or is no, document now (S0-06).
    lines            each with its arithmetic and its outcome; those with outcome document make up the document.
    allocations      which billed line each credit line reduces; `remainder` exceeds what was billed and goes to `remainder_to` (M12).
    waived           what a downgrade would have credited and by policy does not (M06).
    deferred         signed net amount that goes onto the next invoice.
    prior_period     whether a period is touched that had ended or is closed: Finance has to agree (F67).
    movements        one per family touched; `mechanisms` are the distinct ones, `mechanism` the primary (S0-08).
    mrr_*, arr_*     on the first day the terms differ. value_* is issued in term + this document + all remaining invoices, net (K02).
    invoices_*       the next invoices before and after, at most as many as asked for.
    """

    currency: str
    effective: date
    scheduled: bool
    summary: str
    document: str
    expected_document: str
    why_code: str
    why: str
    lines: tuple[PricedLine, ...]
    charge: Decimal
    credit: Decimal
    net: Decimal
    tax: Decimal
    total: Decimal
    allocations: tuple[Allocation, ...]
    remainder: Decimal
    remainder_to: str
    waived: Decimal
    deferred: Decimal
    prior_period: bool
    mechanism: str
    mechanisms: tuple[str, ...]
    movements: tuple[FamilyMovement, ...]
    mrr_before: Decimal
    mrr_after: Decimal
    mrr_delta: Decimal
    mrr_at_renewal: Decimal
    arr_before: Decimal
    arr_after: Decimal
    arr_delta: Decimal
    value_before: Decimal
    value_after: Decimal
    value_delta: Decimal
    invoices_before: tuple[Invoice, ...]
    invoices_after: tuple[Invoice, ...]
    policy: Policy

    @property
    def document_lines(self) -> tuple[PricedLine, ...]:
        """The lines of the document, now or on the effective day."""
        return tuple(line for line in self.lines if line.outcome == "document")

    @property
    def deferred_lines(self) -> tuple[PricedLine, ...]:
        """The lines the next invoice takes up: pass them to it as `pending`."""
        return tuple(line for line in self.lines if line.outcome in ("next_invoice", "carried"))

    @property
    def signed_net(self) -> Decimal:
        """The document's net amount, below zero for a credit note."""
        return money.negative(self.net) if self.document == "credit_note" else self.net

    @property
    def next_before(self) -> Invoice | None:
        """The next recurring invoice as it would have been."""
        return next((invoice for invoice in self.invoices_before if invoice.kind == "recurring"), None)

    @property
    def next_after(self) -> Invoice | None:
        """The next recurring invoice as it will be."""
        return next((invoice for invoice in self.invoices_after if invoice.kind == "recurring"), None)

    def canonical(self) -> dict[str, Any]:
        """Plain JSON types, decimals as strings; `next_before` and `next_after` are repeated for readers."""
        plain: dict[str, Any] = canonical.to_plain(self)
        return plain | {"next_before": canonical.to_plain(self.next_before), "next_after": canonical.to_plain(self.next_after)}

    @classmethod
    def from_canonical(cls, plain: Mapping[str, Any]) -> Impact:
        """The impact that `canonical` wrote, by this or by an earlier release: a figure that was not kept then is 0, a text blank.

        Raises ValueError naming what is missing when it is no impact at all.
        """
        missing = [name for name in ALWAYS_KEPT if name not in plain]
        if missing:
            raise ValueError(f"This is no impact of a change: it lacks {', '.join(missing)}.")
        return canonical.from_plain(cls, plain)

    def agreed(self) -> dict[str, Any]:
        """What a decision is about, as plain JSON types: equal from the approval of a scheduled change to its activation when the contract
        did not move in between, although invoices have been issued meanwhile.
        """
        kept = ("product", "side", "quantity", "unit_price", "discount", "starts", "ends", "net", "tax", "outcome")
        lines = [{name: canonical.to_plain(getattr(line, name)) for name in kept} for line in self.lines]
        whole = canonical.to_plain(self)
        names = ("currency", "effective", "summary", "movements", "mrr_before", "mrr_after", "mrr_at_renewal", "policy")
        # Their wording may change from one release to the next; what moves may not.
        moves = [{name: value for name, value in one.items() if name != "sentence"} for one in whole["movements"]]
        agreed = {name: whole[name] for name in names} | {"lines": lines, "document": self.expected_document or self.document}
        return agreed | {"movements": moves}
