"""What was already billed and credited, line by line, for the credit cap (F61, M12)."""

from __future__ import annotations

from decimal import Decimal

from django.db.models import Sum
from django.db.models.functions import Coalesce

from billing.domain.impact import Billed
from billing.models import Contract, DocumentLine


def billed_facts(contract: Contract) -> list[Billed]:
    """Every charge line of the contract's invoices still in term, newest document first, with what was credited on it. One query."""
    rows = (
        DocumentLine.objects.filter(document__contract=contract, document__kind="invoice", side="charge")
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
            credited=row.credited,
            tax_rate=row.tax_rate,
            document=row.document.number,
            line_id=row.pk,
        )
        for row in rows
    ]
