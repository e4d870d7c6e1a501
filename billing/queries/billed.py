"""What was already billed and credited, line by line, for the credit cap (F61, M12)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from decimal import Decimal

from django.db import connection
from django.db.models import QuerySet

from billing.domain import canonical
from billing.domain.credits import Billed
from billing.domain.invoice import PricedLine
from billing.models import Contract, PendingLine
from billing.queries import due
from billing.queries.due import Waiting

CHARGED = """
SELECT l.product_code, l.line_key, l.service_start, l.service_end, l.net,
       coalesce((SELECT sum(a.net) FROM billing_creditallocation a WHERE a.invoice_line_id = l.id), 0),
       l.tax_rate, l.tax_code, d.number, l.id
  FROM billing_documentline l
  JOIN billing_document d ON d.id = l.document_id
 WHERE d.contract_id = %s AND l.side = 'charge'
 ORDER BY d.id DESC, l.position
"""


def billed_facts(contract: Contract, waiting: Sequence[Waiting] | None = None) -> list[Billed]:
    """Every charge line of the contract's documents, newest document first, with what is credited on it, issued or agreed. Two queries,
    one when it is said what waits for an invoice.
    """
    agreed: dict[int, Decimal] = defaultdict(Decimal)
    for one in due.waiting_of(contract.pk) if waiting is None else waiting:
        for part in one.reduces:
            agreed[part["line_id"]] += Decimal(part["net"])
    with connection.cursor() as cursor:
        cursor.execute(CHARGED, [contract.pk])
        return [
            Billed(
                product=product,
                key=str(key),
                starts=starts,
                ends=ends,
                net=net,
                credited=credited + agreed[pk],
                tax_rate=tax_rate,
                tax_code=tax_code,
                document=document,
                line_id=pk,
            )
            for product, key, starts, ends, net, credited, tax_rate, tax_code, document, pk in cursor.fetchall()
        ]


def pending_facts(contract: Contract) -> list[PricedLine]:
    """The lines of earlier changes that wait for the next invoice, oldest first; a rest is as old as what it is the rest of. One query."""
    return [one.line for one in due.waiting_of(contract.pk)]


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
