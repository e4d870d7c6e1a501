"""Which tables of this floor keep their former rows (dealops/audit/history.py). The database refuses changes of the others that matter."""

from __future__ import annotations

from billing.models.catalogue import Price
from billing.models.contracts import Contract, ContractLine
from billing.models.documents import PendingLine
from billing.models.future_invoices import FutureInvoice
from billing.models.parties import Customer, LegalEntity, Segment
from billing.models.teams import Team
from dealops.audit.history import keep

# A bill run moves these on by the thousand, in one statement each.
keep(Contract, many=True)
keep(FutureInvoice, many=True)
keep(PendingLine, many=True)
# A line typed in by hand would be billed from the next run on.
keep(ContractLine, added=True)
# What decides amounts, taxes and where invoices go. A postal address is no business of a history.
keep(LegalEntity, added=True, without=["address"])
keep(Segment, added=True)
keep(Customer, without=["address"])
keep(Price, added=True)
# Who is in which team, and what a team sees.
keep(Team.members.through, added=True, name="TeamMember", app="billing", words="membership of a team")
keep(Team.legal_entities.through, added=True, name="TeamLegalEntity", app="billing", words="legal entity of a team")
keep(Team.segments.through, added=True, name="TeamSegment", app="billing", words="segment of a team")
keep(Team.customers.through, added=True, name="TeamCustomer", app="billing", words="customer of a team")
