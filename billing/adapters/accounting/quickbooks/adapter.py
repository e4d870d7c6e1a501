"""The accounting port on QuickBooks Online.

Three things of QuickBooks shape this adapter. Every change of something carries the SyncToken it was read with. A credit memo is used by a
payment of nothing that links it with an invoice. And a recurring transaction can be created and deleted; that it could be updated is not
documented, so capabilities say `replace`, as for Xero.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any

from billing.adapters.accounting.comparison import check_totals
from billing.adapters.accounting.port import (
    AlreadyThere,
    Ambiguous,
    AuthFailed,
    Capabilities,
    DocumentPayload,
    Gate,
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
from billing.adapters.accounting.quickbooks import shapes
from billing.adapters.accounting.quickbooks.config import QuickBooksConfig
from billing.adapters.accounting.quickbooks.shapes import quoted, understood
from billing.adapters.accounting.quickbooks.wire import Client, NotFound, Stale

# How many ids fit into one query.
IDS_OF_A_QUERY = 200


def build(
    *, base_url: str, tenant: str, token: str | Callable[[], str], organisation: str = "", gate: Gate | None = None, item: str = "1"
) -> QuickBooksAccounting:
    """The adapter for one company, shared within the process so that its HTTP connections are.

    `organisation` is what the legal entity is pinned to and goes before `tenant`. `token` is a token, or answers one that is good now.
    """
    if callable(token):
        # Equal partials are not the same key; what they call and with what is.
        return _built(base_url, organisation or tenant, "", getattr(token, "func", token), getattr(token, "args", ()), gate, item)
    return _built(base_url, organisation or tenant, token, None, (), gate, item)


@lru_cache(maxsize=32)
def _built(
    base_url: str, realm: str, token: str, token_of: Callable[..., str] | None, about: tuple[Any, ...], gate: Gate | None, item: str
) -> QuickBooksAccounting:
    def current_token() -> str:
        if token_of is not None:
            return token_of(*about)
        if not (token and realm):
            raise AuthFailed("Accounting is not connected yet: no QuickBooks company and token are configured.")
        return token

    return QuickBooksAccounting(QuickBooksConfig(realm=realm, token=current_token, base_url=base_url, gate=gate, item=item))


class QuickBooksAccounting:
    """One company in QuickBooks Online. Safe to share between threads."""

    capabilities = Capabilities(
        template="replace", allocations=True, lookup_by_reference=True, drafts=False, period_locks=True, payments=True
    )

    def __init__(self, config: QuickBooksConfig) -> None:
        self.config = config
        self._client = Client(config)

    # --- who

    def organisation(self) -> Organisation:
        """See the port. The realm is part of every address, so another company cannot answer; a token for another is refused (F44)."""
        company = self._client.read(f"companyinfo/{self.config.realm}").get("CompanyInfo")
        preferences = self._client.read("preferences").get("Preferences")
        if not isinstance(company, dict) or not isinstance(preferences, dict):
            raise WrongOrganisation("QuickBooks named no company for this connection.")
        return understood(self._organisation, company, preferences)  # type: ignore[no-any-return]

    def _organisation(self, company: dict[str, Any], preferences: dict[str, Any]) -> Organisation:
        return Organisation(
            id=self.config.realm,
            name=str(company["CompanyName"]),
            currency=shapes.ref((preferences.get("CurrencyPrefs") or {}).get("HomeCurrency")),
            country=str(company.get("Country") or ""),
            time_zone=str(company.get("DefaultTimeZone") or ""),
            lock_date=shapes.day((preferences.get("AccountingInfoPrefs") or {}).get("BookCloseDate")),
        )

    # --- customers

    def find_contact(self, *, number: str = "", name: str = "") -> RemoteContact | None:
        """See the port."""
        if number:
            ours = [c for c in self._contacts(f"DisplayName LIKE {quoted(f'%({number})')}") if c.number == number]
            if found := self._one(ours, number):
                return found
        if name:
            return self._one([c for c in self._contacts(f"DisplayName = {quoted(name)}") if name == c.name], name)
        return None

    def _contacts(self, condition: str) -> list[RemoteContact]:
        found = [understood(shapes.contact, row) for row in self._client.query("Customer", condition)]
        return [contact for contact in found if contact.is_active]

    @staticmethod
    def _one(found: Sequence[RemoteContact], name: str) -> RemoteContact | None:
        if len(found) > 1:
            raise Ambiguous(f"{len(found)} customers in accounting are called {name}.", ids=tuple(c.id for c in found))
        return found[0] if found else None

    def ensure_contact(self, *, number: str, name: str, email: str, key: str) -> RemoteContact:
        """See the port."""
        found = self.find_contact(number=number, name=name)
        if found is not None:
            return found
        body: dict[str, Any] = {"DisplayName": shapes.display_name(name, number), "CompanyName": name}
        if email:
            body["PrimaryEmailAddr"] = {"Address": email}
        return self._written(shapes.contact, self._client.write("customer", body, key=key), "Customer")  # type: ignore[no-any-return]

    def _contact_id(self, payload: DocumentPayload | TemplatePayload, key: str) -> str:
        if payload.contact_id:
            return payload.contact_id
        own = str(uuid.uuid5(uuid.NAMESPACE_OID, f"{key}/contact"))
        return self.ensure_contact(number=payload.contact_number, name=payload.contact_name, email=payload.contact_email, key=own).id

    # --- documents

    def find_document(self, *, kind: Kind, number: str = "", reference: str = "") -> RemoteDocument | None:
        """See the port. Voided ones give way to one that is not."""
        found = self.find_documents(kind=kind, number=number, reference=reference)
        standing = [document for document in found if document.status != "voided"] or list(found)
        if len(standing) > 1:
            raise Ambiguous(f"{len(standing)} documents in accounting carry {number or reference}.", ids=tuple(d.id for d in standing))
        return standing[0] if standing else None

    def find_documents(self, *, kind: Kind, number: str = "", reference: str = "") -> tuple[RemoteDocument, ...]:
        """See the port. QuickBooks does not show deleted ones."""
        if not number and not reference:
            raise ValueError("Say which number or reference to look for.")
        fields = {"DocNumber": number, "PrivateNote": reference}
        conditions = [f"{name} = {quoted(value)}" for name, value in fields.items() if value]
        return self._documents(kind, self._client.query(shapes.ENTITY[kind], *conditions))

    def list_documents(self, *, kind: Kind, since: date, changed_since: datetime | None = None) -> tuple[RemoteDocument, ...]:
        """See the port. A thousand a call."""
        conditions = [f"TxnDate >= '{since.isoformat()}'"]
        if changed_since:
            conditions.append(f"MetaData.LastUpdatedTime > '{changed_since.isoformat()}'")
        return self._documents(kind, self._client.query(shapes.ENTITY[kind], *conditions), since=since)

    def get_document(self, *, kind: Kind, id: str) -> RemoteDocument | None:
        """See the port."""
        try:
            row = self._client.read(f"{shapes.ENTITY[kind].lower()}/{id}").get(shapes.ENTITY[kind])
        except NotFound:
            return None
        if not isinstance(row, dict):
            raise Unreadable("QuickBooks answered about a document without naming one.")
        return self._documents(kind, [row])[0]

    def _documents(self, kind: Kind, rows: list[dict[str, Any]], *, since: date | None = None) -> tuple[RemoteDocument, ...]:
        """With what payments say of them. Oldest first."""
        uses = understood(shapes.uses_of, self._payments(kind, rows, since))
        wanted = {row.get("Id") for row in rows} if kind == "credit_note" else set()
        numbers = self._numbers({invoice for memo, invoice, *_ in uses.credits if memo in wanted})
        found = [understood(shapes.remote_document, kind, row, uses, numbers, self.config) for row in rows]
        return tuple(sorted(found, key=lambda document: (document.issue_date or date.min, len(document.id), document.id)))

    def _payments(self, kind: Kind, rows: list[dict[str, Any]], since: date | None) -> list[dict[str, Any]]:
        """The payments that can have touched these documents; none when every one of them is still wholly open."""
        touched = [row for row in rows if row.get("Balance") != row.get("TotalAmt")]
        if not touched:
            return []
        if since is not None:
            return self._client.query("Payment", f"TxnDate >= '{since.isoformat()}'")
        customers = sorted({understood(shapes.ref, row.get("CustomerRef")) for row in touched})
        return [payment for customer in customers for payment in self._client.query("Payment", f"CustomerRef = {quoted(customer)}")]

    def _numbers(self, ids: Iterable[str]) -> dict[str, str]:
        """The numbers of invoices by their ids."""
        wanted, found = sorted(ids), {}
        for start in range(0, len(wanted), IDS_OF_A_QUERY):
            few = ", ".join(quoted(id) for id in wanted[start : start + IDS_OF_A_QUERY])
            found |= {str(row.get("Id")): str(row.get("DocNumber") or "") for row in self._client.query("Invoice", f"Id IN ({few})")}
        return found

    def post_document(self, payload: DocumentPayload, *, key: str) -> RemoteDocument:
        """See the port."""
        entity = shapes.ENTITY[payload.kind]
        body = shapes.document(payload, self._contact_id(payload, key), self.config)
        answer = self._client.write(entity.lower(), body, key=key)
        remote: RemoteDocument = self._written(
            lambda row: shapes.remote_document(payload.kind, row, shapes.Uses(), {}, self.config), answer, entity
        )
        if (remote.number, remote.reference) != (payload.number, payload.reference):
            raise Unknown(f"Asked to issue {payload.number}, QuickBooks answered about {remote.number} ({remote.reference}).")
        check_totals(payload, remote)
        return remote

    def allocate(self, *, credit_note_id: str, invoice_number: str, amount: Decimal, on: date, key: str) -> RemoteAllocation:
        """See the port: a payment over nothing that links the two."""
        invoice = self.find_document(kind="invoice", number=invoice_number)
        if invoice is None:
            raise Permanent(f"The invoice {invoice_number} is not in accounting; post it first.")
        linked = [("Invoice", invoice.id), ("CreditMemo", credit_note_id)]
        body = {
            "CustomerRef": {"value": invoice.contact_id},
            "CurrencyRef": {"value": invoice.currency},
            "TotalAmt": Decimal(0),
            "TxnDate": on.isoformat(),
            "Line": [{"Amount": amount, "LinkedTxn": [{"TxnId": id, "TxnType": kind}]} for kind, id in linked],
        }
        uses = self._written(lambda row: shapes.uses_of([row]), self._client.write("payment", body, key=key), "Payment")
        if [(memo, used_on, used) for memo, used_on, used, _ in uses.credits] != [(credit_note_id, invoice.id, amount)]:
            raise Unknown(f"Asked to use {amount} on {invoice_number}, QuickBooks answered with something else.")
        return RemoteAllocation(invoice.id, invoice_number, amount, on)

    # --- templates

    def list_templates(self, *, reference: str = "", contact_number: str = "", live_only: bool = True) -> tuple[RemoteTemplate, ...]:
        """See the port. QuickBooks cannot be asked for a memo, so all are read; a deleted one is not shown any more."""
        contact = None
        if contact_number:
            contact = self.find_contact(number=contact_number)
            if contact is None:
                return ()
        rows = [row["Invoice"] for row in self._client.query("RecurringTransaction") if isinstance(row.get("Invoice"), dict)]
        days = self._terms() if rows else {}
        found = [understood(shapes.remote_template, row, days, self.config) for row in rows]
        return tuple(
            template
            for template in found
            if (not reference or template.reference == reference) and (contact is None or template.contact_id == contact.id)
        )

    def get_template(self, id: str) -> RemoteTemplate | None:
        """See the port; a deleted one is gone."""
        row = self._template_row(id)
        return understood(shapes.remote_template, row, self._terms(), self.config) if row else None

    def _template_row(self, id: str) -> dict[str, Any] | None:
        try:
            found = self._client.read(f"recurringtransaction/{id}").get("RecurringTransaction")
        except NotFound:
            return None
        row = found.get("Invoice") if isinstance(found, dict) else None
        if not isinstance(row, dict):
            raise Unreadable("QuickBooks answered about a recurring transaction that is no invoice.")
        return row

    def _terms(self) -> dict[str, int]:
        """Days to pay by term."""
        return {str(row.get("Id")): int(row.get("DueDays") or 0) for row in self._client.query("Term")}

    def _term(self, days: int, key: str) -> str:
        """The id of the term that gives so many days, made when there is none."""
        found = next((id for id, given in self._terms().items() if given == days), None)
        if found is not None:
            return found
        own = str(uuid.uuid5(uuid.NAMESPACE_OID, f"{key}/term"))
        body = {"Name": f"Net {days}", "Type": "STANDARD", "DueDays": days}
        return self._written(lambda row: str(row["Id"]), self._client.write("term", body, key=own), "Term")  # type: ignore[no-any-return]

    def create_template(self, payload: TemplatePayload, *, key: str) -> RemoteTemplate:
        """See the port. The first invoice's day becomes the anchor."""
        term = self._term(payload.due_days, key)
        body = shapes.template(payload, self._contact_id(payload, key), term, key, self.config)
        try:
            answer = self._client.write("recurringtransaction", body, key=key)
        except AlreadyThere as taken:
            # The name carries our key: it can only be what an earlier try of this very step has left.
            raise Unknown(taken.words) from taken
        remote: RemoteTemplate = self._written(
            lambda row: shapes.remote_template(row["Invoice"], {term: payload.due_days}, self.config), answer, "RecurringTransaction"
        )
        if remote.reference != payload.reference or remote.status != "live":
            raise Unknown(f"Asked for a live template {payload.reference}, QuickBooks answered about {remote.reference}, {remote.status}.")
        check_totals(payload, remote)
        return remote

    def delete_template(self, id: str, *, key: str) -> RemoteTemplate:
        """See the port. Changed in between means: read again and decide again, later."""
        row = self._template_row(id)
        if row is None:
            return shapes.removed_template(id)
        try:
            body = {"Invoice": {"Id": id, "SyncToken": str(row.get("SyncToken", ""))}}
            answer = self._client.write("recurringtransaction", body, key=key, operation="delete")
        except NotFound:
            return shapes.removed_template(id)
        except Stale as stale:
            raise RetryLater(stale.words, after=0) from stale
        if self._written(lambda found: str(found["status"]), answer, "RecurringTransaction") != "Deleted":
            raise Unknown(f"Asked to delete template {id}, QuickBooks did not say that it is gone.")
        return shapes.removed_template(id)

    # --- answers

    @staticmethod
    def _written(convert: Callable[[Any], Any], answer: dict[str, Any], name: str) -> Any:
        """The answer to a write as our value; what we cannot read may still have been done."""
        try:
            return understood(convert, answer.get(name))
        except Unreadable as error:
            raise Unknown(error.words) from error
