"""No accounting system at all: dealops issues the invoices and sends them to the customer itself. Nothing is posted, nothing is found."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

from billing.adapters.accounting.port import (
    Capabilities,
    DocumentPayload,
    Kind,
    Organisation,
    Permanent,
    RemoteAllocation,
    RemoteContact,
    RemoteDocument,
    RemoteTemplate,
    TemplatePayload,
)

NOTHING_THERE = "This legal entity keeps no books in an accounting system: dealops sends its documents itself, so nothing is posted."


class InHouse:
    """The port of a legal entity that bills itself. Questions find nothing; writes are refused, because nobody should ask for one."""

    capabilities = Capabilities(
        template="none", allocations=False, lookup_by_reference=False, drafts=False, period_locks=False, payments=False
    )

    def __init__(self, *, name: str, currency: str) -> None:
        self.name, self.currency = name, currency

    def organisation(self) -> Organisation:
        """See the port: the legal entity itself."""
        return Organisation(id="", name=f"{self.name} (dealops itself)", currency=self.currency)

    def find_contact(self, *, number: str = "", name: str = "") -> RemoteContact | None:
        """See the port."""
        return None

    def find_document(self, *, kind: Kind, number: str = "", reference: str = "") -> RemoteDocument | None:
        """See the port."""
        return None

    def find_documents(self, *, kind: Kind, number: str = "", reference: str = "") -> tuple[RemoteDocument, ...]:
        """See the port."""
        return ()

    def list_documents(self, *, kind: Kind, since: date, changed_since: datetime | None = None) -> tuple[RemoteDocument, ...]:
        """See the port."""
        return ()

    def get_document(self, *, kind: Kind, id: str) -> RemoteDocument | None:
        """See the port."""
        return None

    def list_templates(self, *, reference: str = "", contact_number: str = "", live_only: bool = True) -> tuple[RemoteTemplate, ...]:
        """See the port."""
        return ()

    def get_template(self, id: str) -> RemoteTemplate | None:
        """See the port."""
        return None

    # --- writes

    def ensure_contact(self, *, number: str, name: str, email: str, key: str) -> RemoteContact:
        """Refused."""
        raise Permanent(NOTHING_THERE)

    def post_document(self, payload: DocumentPayload, *, key: str) -> RemoteDocument:
        """Refused."""
        raise Permanent(NOTHING_THERE)

    def allocate(self, *, credit_note_id: str, invoice_number: str, amount: Decimal, on: date, key: str) -> RemoteAllocation:
        """Refused."""
        raise Permanent(NOTHING_THERE)

    def create_template(self, payload: TemplatePayload, *, key: str) -> RemoteTemplate:
        """Refused."""
        raise Permanent(NOTHING_THERE)

    def delete_template(self, id: str, *, key: str) -> RemoteTemplate:
        """Refused."""
        raise Permanent(NOTHING_THERE)
