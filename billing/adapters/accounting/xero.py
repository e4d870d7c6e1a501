"""The accounting port on Xero, by xero-python behind the guard. Ledgerly speaks the same and differs by its base address only.

Two things of Xero shape this adapter. A repeating invoice can be created and deleted, never updated, so capabilities say `replace`.
And POST on /Invoices updates an invoice of the same number, so documents are only ever created with PUT.
"""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Callable, Iterator
from datetime import date, datetime
from decimal import Decimal
from functools import partial
from typing import Any

from xero_python.accounting import (
    AccountingApi,
    Allocation,
    Allocations,
    Contact,
    Contacts,
    CreditNotes,
    Invoice,
    Invoices,
    RepeatingInvoice,
    RepeatingInvoices,
)
from xero_python.exceptions import OpenApiException

from billing.adapters.accounting import xero_shapes as shapes
from billing.adapters.accounting.comparison import check_totals
from billing.adapters.accounting.port import (
    AccountingError,
    AlreadyThere,
    Ambiguous,
    Capabilities,
    DocumentPayload,
    Kind,
    Organisation,
    Permanent,
    RemoteAllocation,
    RemoteContact,
    RemoteDocument,
    RemoteTemplate,
    RetryLater,
    TemplatePayload,
    Unknown,
    Unreadable,
    WrongOrganisation,
)
from billing.adapters.accounting.xero_config import XeroConfig
from billing.adapters.accounting.xero_guard import GuardedClient, NotFound, sort_words
from billing.adapters.accounting.xero_several import INVOICES_PER_CALL, SeveralInvoices, quoted, standing

PAGE_SIZE = 100
# What the SDK can stumble over in an answer that is JSON but not what it expects: wrong types, unknown enum values, missing parts.
_NONSENSE = (OpenApiException, ValueError, TypeError, KeyError, IndexError, AttributeError, ArithmeticError)


class XeroAccounting(SeveralInvoices):
    """One organisation in Xero. Safe to share between threads; holds no connection state but a pool and the contacts it has seen."""

    capabilities = Capabilities(
        template="replace",
        allocations=True,
        lookup_by_reference=True,
        drafts=True,
        period_locks=True,
        payments=True,
        keeps_anchor_day=False,
        invoices_per_call=INVOICES_PER_CALL,
    )

    def __init__(self, config: XeroConfig) -> None:
        self.config = config
        self._api = AccountingApi(GuardedClient(config.token, config.gate), base_url=config.base_url)
        self._contacts: dict[str, RemoteContact] = {}  # by our customer number; only those that have worked

    # --- calls

    def _get(self, call: Callable[..., Any], *args: Any, **options: Any) -> Any:
        try:
            return call(self.config.tenant_id, *args, _request_timeout=self.config.timeout, **options)
        except AccountingError:
            raise
        except _NONSENSE as error:
            raise Unreadable(f"Xero's answer makes no sense here: {type(error).__name__} {error}"[:500]) from error

    def _put(self, call: Callable[..., Any], *args: Any, key: str, **options: Any) -> Any:
        try:
            return call(self.config.tenant_id, *args, idempotency_key=str(key), _request_timeout=self.config.timeout, **options)
        except AccountingError:
            raise
        except _NONSENSE as error:
            raise Unknown(f"Xero answered, but not readably: {type(error).__name__} {error}"[:500]) from error

    @staticmethod
    def _only(items: list[Any] | None) -> Any:
        """The one element of an answer to a write, checked: with summarizeErrors=false a refusal comes with status 200."""
        if not items or len(items) != 1:
            raise Unknown(f"Xero answered one write with {len(items or [])} elements.")
        item = items[0]
        messages = [shapes.text(error.message) for error in getattr(item, "validation_errors", None) or ()]
        if messages or getattr(item, "has_errors", False) or shapes.text(getattr(item, "status_attribute_string", "")) == "ERROR":
            raise sort_words(" ".join(messages) or "Xero refused it without a reason.")
        return item

    @staticmethod
    def _read(convert: Callable[[Any], Any], item: Any) -> Any:
        """What the SDK made of an answer, as our value."""
        try:
            return convert(item)
        except AccountingError:
            raise
        except _NONSENSE as error:
            raise Unreadable(f"Xero's answer makes no sense here: {type(error).__name__} {error}"[:500]) from error

    def _written(self, convert: Callable[[Any], Any], item: Any) -> Any:
        """The answer to a write as our value; what we cannot read may still have been done."""
        try:
            return self._read(convert, item)
        except Unreadable as error:
            raise Unknown(error.words) from error

    # --- who

    def organisation(self) -> Organisation:
        """See the port."""
        items = self._get(self._api.get_organisations).organisations
        if not items:
            raise WrongOrganisation("Xero named no organisation for this connection.")
        found = items[0]
        id, name = shapes.text(found.organisation_id), shapes.text(found.name)
        if self.config.organisation_id and id != self.config.organisation_id:
            raise WrongOrganisation(f"This connection leads to {name} ({id}), not to the pinned {self.config.organisation_id}.")
        locks = [day for day in (found.period_lock_date, found.end_of_year_lock_date) if day is not None]
        return Organisation(
            id=id,
            name=name,
            currency=shapes.text(getattr(found.base_currency, "value", None)),
            country=shapes.text(getattr(found.country_code, "value", None)),
            time_zone=shapes.text(getattr(found.timezone, "value", None)),
            lock_date=max(locks, default=None),
            is_demo=bool(found.is_demo_company),
        )

    # --- contacts

    def find_contact(self, *, number: str = "", name: str = "") -> RemoteContact | None:
        """See the port."""
        for field_name, value in (("ContactNumber", number), ("Name", name)):
            if not value:
                continue
            items = self._get(self._api.get_contacts, where=f"{field_name}=={quoted(value)}", page=1).contacts or []
            contacts = [self._read(shapes.remote_contact, item) for item in items]
            same = [c for c in contacts if c.is_active and value == (c.number if field_name == "ContactNumber" else c.name)]
            if len(same) > 1:
                raise Ambiguous(f"{len(same)} contacts in accounting are called {value}.", ids=tuple(c.id for c in same))
            if same:
                return same[0]
        return None

    def ensure_contact(self, *, number: str, name: str, email: str, key: str) -> RemoteContact:
        """See the port. Raises AlreadyThere when the name belongs to a contact with another number.

        A contact that has worked is remembered, since every look-up counts against Xero's limits.
        """
        if number in self._contacts:
            return self._contacts[number]
        found = self.find_contact(number=number, name=name)
        if found is not None and found.number not in ("", number):
            raise AlreadyThere(
                f"The contact {name} in accounting has the number {found.number}, not {number}. Rename one of the two there."
            )
        if found is None:
            body = Contacts(contacts=[shapes.model(Contact, contact_number=number, name=name, email_address=email or None)])
            answer = self._put(self._api.create_contacts, body, key=key, summarize_errors="false")
            found = self._written(shapes.remote_contact, self._only(answer.contacts))
        return found

    def _contact_id(self, payload: DocumentPayload | TemplatePayload, key: str) -> str:
        if payload.contact_id:
            return payload.contact_id
        own_key = str(uuid.uuid5(uuid.NAMESPACE_OID, f"{key}/contact"))
        contact = self.ensure_contact(number=payload.contact_number, name=payload.contact_name, email=payload.contact_email, key=own_key)
        return contact.id

    @contextlib.contextmanager
    def _doubting_contact(self, payload: DocumentPayload | TemplatePayload, contact_id: str) -> Iterator[None]:
        """Remember a contact that worked. A refusal on a remembered one may be its fault (archived, merged): look it up anew next time."""
        try:
            yield
        except Permanent as refusal:
            if self._contacts.pop(payload.contact_number, None) is not None and "contact" in refusal.words.lower():
                raise RetryLater(refusal.words, after=0) from refusal
            raise
        worked = RemoteContact(contact_id, payload.contact_name, payload.contact_number, payload.contact_email)
        self._contacts[payload.contact_number] = worked

    def _lines(self, payload: DocumentPayload | TemplatePayload) -> list[Any]:
        config = self.config
        return [shapes.line_item(line, payload.currency, config.tax_types, config.account_code) for line in payload.lines]

    # --- documents

    def _naming(self, kind: str, id: str) -> str:
        return self.config.label(id) if self.config.label else ""

    def _link(self, kind: str, id: str) -> str:
        return self.config.links.get(kind, "").replace("{id}", id)

    def _document(self, kind: Kind, item: Any) -> RemoteDocument:
        return shapes.remote_document(kind, item, label=self._naming, link=self._link)

    def find_document(self, *, kind: Kind, number: str = "", reference: str = "") -> RemoteDocument | None:
        """See the port. Voided ones give way to one that is not."""
        found = self.find_documents(kind=kind, number=number, reference=reference)
        return standing(found, number or reference)

    def find_documents(self, *, kind: Kind, number: str = "", reference: str = "") -> tuple[RemoteDocument, ...]:
        """See the port."""
        if not number and not reference:
            raise ValueError("Say which number or reference to look for.")
        documents = [self._read(partial(self._document, kind), item) for item in self._pages(kind, number, reference)]
        return tuple(
            document
            for document in documents
            if document.status != "deleted"
            and (not number or document.number == number)
            and (not reference or document.reference == reference)
        )

    def list_documents(self, *, kind: Kind, since: date, changed_since: datetime | None = None) -> tuple[RemoteDocument, ...]:
        """See the port. A hundred a call; reading only what changed is what Xero asks for (If-Modified-Since)."""
        terms = [f"Date>=DateTime({since.year},{since.month:02d},{since.day:02d})"]
        options = {"if_modified_since": changed_since} if changed_since else {}
        found = (self._read(partial(self._document, kind), item) for item in self._paged(kind, terms, **options))
        return tuple(document for document in found if document.status != "deleted")

    def _pages(self, kind: Kind, number: str, reference: str) -> Iterator[Any]:
        is_invoice = kind == "invoice"
        terms: list[str] = []
        options: dict[str, Any] = {}
        if number and is_invoice and "," not in number:
            options["invoice_numbers"] = [number]
        elif number:
            terms.append(f"{'InvoiceNumber' if is_invoice else 'CreditNoteNumber'}=={quoted(number)}")
        if reference:
            terms.append(f"Reference=={quoted(reference)}")
        yield from self._paged(kind, terms, **options)

    def _paged(self, kind: Kind, terms: list[str], **options: Any) -> Iterator[Any]:
        """Every page of a question; the answers carry lines because they are paged."""
        is_invoice = kind == "invoice"
        where = " AND ".join(['Type=="ACCREC"' if is_invoice else 'Type=="ACCRECCREDIT"', *terms])
        call = self._api.get_invoices if is_invoice else self._api.get_credit_notes
        page = 0
        while True:
            page += 1
            answer = self._get(call, where=where, page=page, unitdp=4, **options)
            items = (answer.invoices if is_invoice else answer.credit_notes) or []
            yield from items
            if len(items) < PAGE_SIZE:
                return

    def get_document(self, *, kind: Kind, id: str) -> RemoteDocument | None:
        """See the port."""
        try:
            if kind == "invoice":
                items = self._get(self._api.get_invoice, id, unitdp=4).invoices
            else:
                items = self._get(self._api.get_credit_note, id, unitdp=4).credit_notes
        except NotFound:
            return None
        return self._read(partial(self._document, kind), items[0]) if items else None

    def post_document(self, payload: DocumentPayload, *, key: str) -> RemoteDocument:
        """See the port."""
        lines = self._lines(payload)
        contact_id = self._contact_id(payload, key)
        options = {"key": key, "summarize_errors": "false", "unitdp": 4}
        with self._doubting_contact(payload, contact_id):
            if payload.kind == "invoice":
                body = Invoices(invoices=[shapes.invoice(payload, contact_id, lines)])
                item = self._only(self._put(self._api.create_invoices, body, **options).invoices)
            else:
                body = CreditNotes(credit_notes=[shapes.credit_note(payload, contact_id, lines)])
                item = self._only(self._put(self._api.create_credit_notes, body, **options).credit_notes)
        return self._issued(payload, item)

    def _issued(self, payload: DocumentPayload, item: Any) -> RemoteDocument:
        """The answer to one new document, when it is the one that was asked for."""
        remote: RemoteDocument = self._written(partial(self._document, payload.kind), item)
        if (remote.number, remote.reference) != (payload.number, payload.reference) or remote.status not in ("issued", "paid"):
            raise Unknown(f"Asked to issue {payload.number}, Xero answered about {remote.number} ({remote.reference}), {remote.status}.")
        check_totals(payload, remote)
        return remote

    def allocate(self, *, credit_note_id: str, invoice_number: str, amount: Decimal, on: date, key: str) -> RemoteAllocation:
        """See the port."""
        invoice = self.find_document(kind="invoice", number=invoice_number)
        if invoice is None:
            raise Permanent(f"The invoice {invoice_number} is not in accounting; post it first.")
        allocation = Allocation(invoice=shapes.model(Invoice, invoice_id=invoice.id), amount=shapes.number(amount), date=on)
        answer = self._put(
            self._api.create_credit_note_allocation,
            credit_note_id,
            Allocations(allocations=[allocation]),
            key=key,
            summarize_errors="false",
        )
        done = self._written(shapes.remote_allocation, self._only(answer.allocations))
        if done.amount != amount:
            raise Unknown(f"Asked to allocate {amount} to {invoice_number}, Xero answered with {done.amount}.")
        return RemoteAllocation(invoice.id, invoice_number, amount, on)

    # --- templates

    def _template(self, item: Any) -> RemoteTemplate:
        return shapes.remote_template(item, label=self._naming, link=self._link)

    def list_templates(self, *, reference: str = "", contact_number: str = "", live_only: bool = True) -> tuple[RemoteTemplate, ...]:
        """See the port."""
        terms = [f"Reference=={quoted(reference)}"] if reference else []
        contact = None
        if contact_number:
            contact = self.find_contact(number=contact_number)
            if contact is None:
                return ()
            terms.append(f"Contact.ContactID==guid({quoted(contact.id)})")
        options = {"where": " AND ".join(terms)} if terms else {}
        items = self._get(self._api.get_repeating_invoices, **options).repeating_invoices or []
        return tuple(
            template
            for template in (self._read(self._template, item) for item in items)
            if (not reference or template.reference == reference)
            and (contact is None or template.contact_id == contact.id)
            and not (live_only and template.status == "deleted")
        )

    def get_template(self, id: str) -> RemoteTemplate | None:
        """See the port."""
        try:
            items = self._get(self._api.get_repeating_invoice, id).repeating_invoices
        except NotFound:
            return None
        return self._read(self._template, items[0]) if items else None

    def create_template(self, payload: TemplatePayload, *, key: str) -> RemoteTemplate:
        """See the port. The first invoice's day becomes the anchor: from 28 February it will not go on to 31 March."""
        lines = self._lines(payload)
        contact_id = self._contact_id(payload, key)
        body = RepeatingInvoices(repeating_invoices=[shapes.template(payload, contact_id, lines)])
        # Templates have no place for validation errors in the SDK's model, so a refusal has to come as status 400.
        with self._doubting_contact(payload, contact_id):
            answer = self._put(self._api.create_repeating_invoices, body, key=key, summarize_errors="true")
            item = self._only(answer.repeating_invoices)
        remote: RemoteTemplate = self._written(self._template, item)
        if remote.reference != payload.reference or remote.status != "live":
            raise Unknown(f"Asked for a live template {payload.reference}, Xero answered about {remote.reference}, {remote.status}.")
        check_totals(payload, remote)
        return remote

    def delete_template(self, id: str, *, key: str) -> RemoteTemplate:
        """See the port."""
        body = RepeatingInvoices(repeating_invoices=[shapes.model(RepeatingInvoice, repeating_invoice_id=id, status="DELETED")])
        try:
            answer = self._put(self._api.update_repeating_invoice, id, body, key=key)
        except Permanent:
            found = self.get_template(id)
            if found is not None and found.status == "deleted":
                return found
            raise
        remote: RemoteTemplate = self._written(self._template, self._only(answer.repeating_invoices))
        if remote.id != id or remote.status != "deleted":
            raise Unknown(f"Asked to delete template {remote.reference}, Xero answered that it is {remote.status}.")
        return remote
