from billing.models.catalogue import Price, Product
from billing.models.clock import DemoClock
from billing.models.closing import Closing
from billing.models.contracts import Contract, ContractLine, ContractVersion
from billing.models.documents import CreditAllocation, Document, DocumentLine, DocumentSeries, PendingLine
from billing.models.future_invoices import FutureInvoice, FutureInvoiceVersion, Template
from billing.models.parties import Basis, Customer, LegalEntity, Owner, Segment, Shape, Treatment
from billing.models.postings import Posting, PostingStep

__all__ = [
    "Basis",
    "Closing",
    "Contract",
    "ContractLine",
    "ContractVersion",
    "CreditAllocation",
    "Customer",
    "DemoClock",
    "Document",
    "DocumentLine",
    "DocumentSeries",
    "FutureInvoice",
    "FutureInvoiceVersion",
    "LegalEntity",
    "Owner",
    "PendingLine",
    "Posting",
    "PostingStep",
    "Price",
    "Product",
    "Segment",
    "Shape",
    "Template",
    "Treatment",
]
