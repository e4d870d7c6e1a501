"""What was already billed and credited, line by line, for the credit cap (F61, M12)."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal

from django.db.models import QuerySet, Sum
from django.db.models.functions import Coalesce

from billing.domain import canonical
from billing.domain.credits import Billed
from billing.domain.invoice import PricedLine
from billing.models import Contract, DocumentLine, PendingLine


def billed_facts(contract: Contract) -> list[Billed]:
    """Every charge line of the contract's documents, newest document first, with what is credited on it, issued or agreed. Two queries."""
    agreed: dict[int, Decimal] = defaultdict(Decimal)
    for parts in _waiting(contract).values_list("reduces", flat=True):
        for part in parts:
            agreed[part["line_id"]] += Decimal(part["net"])
    rows = (
        DocumentLine.objects.filter(document__contract=contract, side="charge")
        .select_related("document")
        .annotate(credited=Coalesce(Sum("reduced_by__net"), Decimal(0)))
        .order_by("-document_id", "position")
    )
    return [
        Billed(
            product=row.product_code,
            key=str(row.line_key),
            starts=row.service_start,
            ends=row.service_end,
            net=row.net,
            credited=row.credited + agreed[row.pk],
            tax_rate=row.tax_rate,
            tax_code=row.tax_code,
            document=row.document.number,
            line_id=row.pk,
        )
        for row in rows
    ]


def pending_facts(contract: Contract) -> list[PricedLine]:
    """The lines of earlier changes that wait for the next invoice, oldest first; a rest is as old as what it is the rest of. One query."""
    return _priced(_waiting(contract).order_by(Coalesce("continues_id", "id"), "id"))


def waiting_of(contract: Contract, reference: str) -> list[PricedLine]:
    """The lines of one change that wait for the next invoice whole; rests of those that an invoice took up in part are not among them."""
    return _priced(rows_waiting_of(contract, reference))


def rows_waiting_of(contract: Contract, reference: str) -> QuerySet[PendingLine]:
    """The rows of `waiting_of`, in its order."""
    return _waiting(contract).filter(reference=reference, continues__isnull=True).order_by("id")


def _waiting(contract: Contract) -> QuerySet[PendingLine]:
    return contract.pending_lines.filter(billed_in__isnull=True, withdrawn_by="")


def _priced(rows: QuerySet[PendingLine]) -> list[PricedLine]:
    return [canonical.from_plain(PricedLine, row) for row in rows.values_list("line", flat=True)]
