"""What a contract is worth now (K02, M09)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.db.models import Case, F, Sum, Value, When

from billing.domain import value
from billing.domain.invoice import invoice_for_period
from billing.models import Contract, Document
from billing.queries.billed import pending_facts
from billing.queries.policies import resolve_policies
from billing.queries.terms import terms_of


@dataclass(frozen=True, slots=True)
class ContractValue:
    """Amounts in the contract's currency: issued in the term plus every invoice still to come, and recurring revenue a month."""

    total: Decimal
    mrr: Decimal


def issued_in_term(contract: Contract) -> Decimal:
    """Net of invoices less credit notes."""
    signed = Case(When(kind=Document.Kind.INVOICE, then=F("net")), default=F("net") * Value(-1))
    return contract.documents.aggregate(sum=Sum(signed))["sum"] or Decimal(0)


def contract_value(contract: Contract, on: date | None = None) -> ContractValue:
    """The value over the whole term and the recurring revenue on `on` (the start of the next unbilled period when not given)."""
    terms = terms_of(contract)
    basis = resolve_policies(contract).basis
    ahead, waiting = Decimal(0), pending_facts(contract)
    for period in terms.periods_from(contract.billed_until, 1200):
        invoice = invoice_for_period(terms, period, basis=basis, pending=waiting)
        ahead, waiting = ahead + invoice.net, list(invoice.carried_over)
    day = on or min(max(contract.billed_until, contract.start), contract.end)
    return ContractValue(total=issued_in_term(contract) + ahead, mrr=value.mrr(terms, day))
