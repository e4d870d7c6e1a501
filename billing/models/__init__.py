from billing.models import history  # noqa: F401 - what is kept has to be known with the models
from billing.models.catalogue import Price, Product
from billing.models.clock import DemoClock
from billing.models.closing import Closing
from billing.models.connections import Connection
from billing.models.contracts import Contract, ContractLine, ContractVersion
from billing.models.documents import CreditAllocation, Document, DocumentLine, DocumentSeries, PendingLine
from billing.models.future_invoices import FutureInvoice, FutureInvoiceVersion, Template
from billing.models.parties import Accounting, Basis, Customer, LegalEntity, Owner, Segment, Shape, Treatment
from billing.models.postings import Posting, PostingStep
from billing.models.reconcile import Correction, Finding, Reconciliation, Twin
from billing.models.teams import Team

__all__ = [
    "Accounting",
    "Basis",
    "Closing",
    "Connection",
    "Contract",
    "ContractLine",
    "ContractVersion",
    "Correction",
    "CreditAllocation",
    "Customer",
    "DemoClock",
    "Document",
    "DocumentLine",
    "DocumentSeries",
    "Finding",
    "FutureInvoice",
    "FutureInvoiceVersion",
    "LegalEntity",
    "Owner",
    "PendingLine",
    "Posting",
    "PostingStep",
    "Price",
    "Product",
    "Reconciliation",
    "Segment",
    "Shape",
    "Team",
    "Template",
    "Treatment",
    "Twin",
]
