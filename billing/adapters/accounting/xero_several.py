"""Several invoices in one call to Xero, each with a fate of its own: with summarizeErrors=false one that is refused stops no other."""

from __future__ import annotations

import json
import re
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from xero_python.accounting import AccountingApi, Invoices
from xero_python.api_client.serializer import serialize

from billing.adapters.accounting import xero_shapes as shapes
from billing.adapters.accounting.port import AccountingError, Ambiguous, DocumentPayload, RemoteContact, RemoteDocument, RetryLater, Unknown

# What Xero itself advises for one call.
INVOICES_PER_CALL = 50
# For so many unknown customers the list of all contacts is read, if it has no more pages than that; and how long it is good.
LISTED_FROM = 10
LIST_SIZE, LIST_PAGES, LIST_SECONDS = 1000, 5, 600.0
NOTHING_LISTED: tuple[float, list[RemoteContact] | None] = (0.0, None)
# An element that Xero failed at rather than refused: whether it is there has to be looked up.
_FAILED = re.compile(r"an (?:unexpected )?error occurred", re.IGNORECASE)


def quoted(value: str) -> str:
    """A text inside a `where` expression."""
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def standing(found: Sequence[RemoteDocument], name: str) -> RemoteDocument | None:
    """The one document of that number or reference; voided ones give way to one that is not. Raises Ambiguous."""
    found = [document for document in found if document.status != "voided"] or list(found)
    if len(found) > 1:
        raise Ambiguous(f"{len(found)} documents in accounting carry {name}.", ids=tuple(document.id for document in found))
    return found[0] if found else None


class SeveralInvoices:
    """The part of the Xero adapter that the port calls TakesSeveral."""

    _api: AccountingApi
    _contacts: dict[str, RemoteContact]
    _list = NOTHING_LISTED  # good until when, and the contacts
    _get: Callable[..., Any]
    _put: Callable[..., Any]
    _only: Callable[[list[Any] | None], Any]
    _read: Callable[[Callable[[Any], Any], Any], Any]
    _paged: Callable[..., Iterator[Any]]
    _document: Callable[..., RemoteDocument]
    _lines: Callable[[DocumentPayload], list[Any]]
    _issued: Callable[[DocumentPayload, Any], RemoteDocument]
    _doubting_contact: Callable[[DocumentPayload, str], Any]
    post_document: Callable[..., RemoteDocument]

    def find_contacts(self, wanted: Sequence[DocumentPayload]) -> dict[str, RemoteContact]:
        """See the port. A name that belongs to a contact of another number is left to `ensure_contact`, which says so."""
        found = {one.contact_number: self._contacts[one.contact_number] for one in wanted if one.contact_number in self._contacts}
        unknown = {one.contact_number: one.contact_name for one in wanted if one.contact_number not in found}
        listed = self._listed() if len(unknown) >= LISTED_FROM else None
        if listed is not None:
            return found | _matched(unknown, listed, by_number=False) | _matched(unknown, listed, by_number=True)
        for by_number in (True, False):
            left = {number: name for number, name in unknown.items() if number not in found}
            if left:
                asked = _where("ContactNumber", left) if by_number else _where("Name", left.values())
                found |= _matched(left, self._active(self._contacts_page(where=asked)), by_number=by_number)
        return found

    def _listed(self) -> list[RemoteContact] | None:
        """All active contacts, read a thousand a call and kept for a few minutes; None where they are too many for that."""
        until, contacts = self._list
        if time.monotonic() < until:
            return contacts
        answer = self._contacts_page(page_size=LIST_SIZE, summary_only=True)
        pages = answer.pagination.page_count if answer.pagination else None
        contacts = None
        if pages is not None and pages <= LIST_PAGES:
            rest = (self._contacts_page(page=page, page_size=LIST_SIZE, summary_only=True) for page in range(2, pages + 1))
            contacts = [contact for one in (answer, *rest) for contact in self._active(one)]
        self._list = (time.monotonic() + LIST_SECONDS, contacts)
        return contacts

    def _contacts_page(self, *, page: int = 1, **options: Any) -> Any:
        return self._get(self._api.get_contacts, page=page, **options)

    def _active(self, answer: Any) -> list[RemoteContact]:
        contacts = (self._read(shapes.remote_contact, item) for item in answer.contacts or [])
        return [contact for contact in contacts if contact.is_active]

    def find_invoices(self, numbers: Sequence[str]) -> dict[str, RemoteDocument | AccountingError]:
        """See the port. Deleted ones have given their number back."""
        by_number: dict[str, list[RemoteDocument]] = {}
        for item in self._paged("invoice", [], invoice_numbers=list(numbers)):
            document = self._read(partial(self._document, "invoice"), item)
            if document.status != "deleted" and document.number in numbers:
                by_number.setdefault(document.number, []).append(document)
        found: dict[str, RemoteDocument | AccountingError] = {}
        for number, documents in by_number.items():
            try:
                one = standing(documents, number)
            except Ambiguous as several:
                found[number] = several
            else:
                assert one is not None
                found[number] = one
        return found

    def post_invoices(self, payloads: Sequence[DocumentPayload], *, keys: Sequence[str]) -> list[RemoteDocument | AccountingError]:
        """See the port. An invoice whose values Xero cannot take is not sent, and one that is alone goes under its own key."""
        fates: dict[int, RemoteDocument | AccountingError] = {}
        bodies: dict[int, Any] = {}
        for place, payload in enumerate(payloads):
            try:
                bodies[place] = shapes.invoice(payload, payload.contact_id, self._lines(payload))
            except AccountingError as error:
                fates[place] = error
        if len(bodies) == 1:
            (place,) = bodies
            return [fates.get(place) or self._alone(payload, key) for place, (payload, key) in enumerate(zip(payloads, keys, strict=True))]
        if bodies:
            body = Invoices(invoices=list(bodies.values()))
            key = self._key_of([keys[place] for place in bodies], body)
            items = self._put(self._api.create_invoices, body, key=key, summarize_errors="false", unitdp=4).invoices or []
            remembered = set(self._contacts)
            for position, place in enumerate(bodies):
                payload = payloads[place]
                item = _item_of(payload, items, position, len(bodies))
                fates[place] = self._fate(payload, item, remembered=payload.contact_number in remembered)
        return [fates[place] for place in range(len(payloads))]

    def _alone(self, payload: DocumentPayload, key: str) -> RemoteDocument | AccountingError:
        try:
            return self.post_document(payload, key=key)
        except AccountingError as error:
            return error

    def _key_of(self, keys: Sequence[str], body: Any) -> str:
        """One key for the call. Xero refuses a key that comes with another body, so it is made of the body as well: what is left over
        of a call, or has another contact now, is another call."""
        sent = json.dumps(serialize(body), sort_keys=True, default=str)
        return str(uuid.uuid5(uuid.NAMESPACE_OID, "\n".join((*keys, sent))))

    def _fate(self, payload: DocumentPayload, item: Any | None, *, remembered: bool) -> RemoteDocument | AccountingError:
        if item is None:
            return Unknown(f"Xero's answer does not say what became of {payload.number}.")
        try:
            with self._doubting_contact(payload, payload.contact_id):
                return self._issued(payload, self._only([item]))
        except AccountingError as error:
            if _FAILED.search(error.words):
                return Unknown(error.words)
            if "contact" not in error.words.lower():
                return error
            # What was known of contacts may be what is wrong. Several of one contact: the first refusal has made it forgotten, and the
            # others are to look it up anew as well.
            self._list = NOTHING_LISTED
            return RetryLater(error.words, after=0) if remembered else error


def _where(field: str, values: Iterable[str]) -> str:
    return " OR ".join(f"{field}=={quoted(value)}" for value in dict.fromkeys(values))


def _matched(wanted: Mapping[str, str], contacts: Sequence[RemoteContact], *, by_number: bool) -> dict[str, RemoteContact]:
    """Of our customers, number to name, those of which there is exactly one: of that number, or of that name and without a number."""
    by_key: dict[str, list[RemoteContact]] = {}
    for contact in contacts:
        if by_number or not contact.number:
            by_key.setdefault(contact.number if by_number else contact.name, []).append(contact)
    same = {number: by_key.get(number if by_number else name, []) for number, name in wanted.items()}
    return {number: found[0] for number, found in same.items() if len(found) == 1}


def _item_of(payload: DocumentPayload, items: Sequence[Any], position: int, sent: int) -> Any | None:
    """The element of an answer that speaks of this invoice: the only one of its number, or the refusal without a number in its place."""
    same = [item for item in items if shapes.text(item.invoice_number) == payload.number]
    if len(same) == 1:
        return same[0]
    if not same and len(items) == sent and not shapes.text(items[position].invoice_number) and items[position].validation_errors:
        return items[position]
    return None
