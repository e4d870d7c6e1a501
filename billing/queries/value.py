"""What a contract is worth now (K02, M09)."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.db import connection

from billing.domain import value
from billing.domain.invoice import PricedLine, invoice_for_period
from billing.domain.lines import Terms
from billing.models import Contract
from billing.queries.billed import pending_facts
from billing.queries.policies import resolve_policies
from billing.queries.terms import terms_of

ISSUED = """
SELECT contract_id, sum(CASE WHEN kind = 'invoice' THEN net ELSE -net END) FROM billing_document WHERE contract_id = ANY(%s) GROUP BY 1
"""


@dataclass(frozen=True, slots=True)
class ContractValue:
    """Amounts in the contract's currency: issued in the term plus every invoice still to come, and recurring revenue a month."""

    total: Decimal
    mrr: Decimal


def issued_in_term(contract: Contract) -> Decimal:
    """Net of invoices less credit notes."""
    return issued_by_contract([contract.pk]).get(contract.pk) or Decimal(0)


def issued_by_contract(contracts: Collection[int]) -> dict[int, Decimal]:
    """The same of many contracts, by their primary keys; those without a document are left out. One query."""
    with connection.cursor() as cursor:
        cursor.execute(ISSUED, [list(contracts)])
        return dict(cursor.fetchall())


def contract_value(contract: Contract, on: date | None = None) -> ContractValue:
    """The value over the whole term and the recurring revenue on `on` (the start of the next unbilled period when not given)."""
    basis, pending = resolve_policies(contract).basis, pending_facts(contract)
    return value_of(terms_of(contract), contract.billed_until, basis, pending, issued=issued_in_term(contract), on=on)


def value_of(
    terms: Terms, billed_until: date, basis: str, pending: Sequence[PricedLine], *, issued: Decimal, on: date | None = None
) -> ContractValue:
    """The same of a contract that is read already; `issued` is what its documents come to, `pending` waits for its next invoice."""
    ahead, waiting = Decimal(0), list(pending)
    for period in terms.periods_from(billed_until, 1200):
        invoice = invoice_for_period(terms, period, basis=basis, pending=waiting)
        ahead, waiting = ahead + invoice.net, list(invoice.carried_over)
    day = on or min(max(billed_until, terms.start), terms.end)
    return ContractValue(total=issued + ahead, mrr=value.mrr(terms, day))
