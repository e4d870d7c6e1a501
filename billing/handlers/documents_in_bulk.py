"""Posts many issued invoices of one legal entity in one call; each exactly once, each with a fate of its own (F37)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from celery.exceptions import SoftTimeLimitExceeded

from billing.adapters.accounting import comparison, port
from billing.clock import now
from billing.connections import accounting_for
from billing.handlers.contacts import contacts_of
from billing.handlers.documents import check_ours, names
from billing.handlers.errors import in_outbox_words, translated
from billing.handlers.payloads import document_payload
from billing.models import LegalEntity, Posting
from billing.operations.postings import note_document_posted, note_document_seen
from dealops.outbox.crash import crash_point
from dealops.outbox.handlers import Fate
from dealops.outbox.models import Message
from dealops.outbox.relay import Delivery, LeaseLost

# About the connection, not about an invoice: asking again with fewer would change nothing.
ABOUT_ALL = (port.AuthFailed, port.WrongOrganisation)


@dataclass(slots=True)
class Element:
    """One invoice of a call."""

    delivery: Delivery
    posting: Posting
    payload: port.DocumentPayload

    @property
    def id(self) -> int:
        return self.delivery.message.pk


def most(message: Message) -> int:
    """How many invoices one call may carry to the books this message is for; 1 also where they cannot be reached at all."""
    try:
        return accounting_for(_entity(message)).capabilities.invoices_per_call
    except port.AccountingError:
        return 1


def _entity(message: Message) -> LegalEntity:
    return LegalEntity.objects.get(code=message.payload["together"])


def post(deliveries: Sequence[Delivery]) -> dict[int, Fate]:
    """What may have arrived before is looked up in one call, the rest is sent in one; what is open after that is for the next try."""
    fates: dict[int, Fate] = {}
    elements = _elements(deliveries, fates)
    with translated():
        accounting = accounting_for(_entity(deliveries[0].message))
    assert isinstance(accounting, port.TakesSeveral)
    elements = _look_up(accounting, elements, fates)
    elements = _address(accounting, elements, fates)
    _send(accounting, elements, fates)
    return fates


def _elements(deliveries: Sequence[Delivery], fates: dict[int, Fate]) -> list[Element]:
    found = Posting.objects.filter(message__in=[delivery.message.pk for delivery in deliveries])
    found = found.select_related("document__legal_entity", "document__customer", "document__contract").prefetch_related("document__lines")
    postings = {posting.message_id: posting for posting in found}
    elements = []
    for delivery in deliveries:
        try:
            posting = postings[delivery.message.pk]
            elements.append(Element(delivery, posting, document_payload(posting.document)))
        except SoftTimeLimitExceeded:
            raise
        except Exception as error:
            fates[delivery.message.pk] = error
    return elements


def look_up(accounting: port.TakesSeveral, elements: Sequence[Element]) -> dict[str, port.RemoteDocument | port.AccountingError]:
    """What earlier, uncertain tries may have left under our numbers (F33)."""
    numbers = [element.payload.number for element in elements if element.delivery.look_first]
    return accounting.find_invoices(numbers) if numbers else {}


def _look_up(accounting: port.TakesSeveral, elements: Sequence[Element], fates: dict[int, Fate]) -> list[Element]:
    """Those that are not there, so that they are sent; of those that cannot be looked up none is."""
    try:
        found = look_up(accounting, elements)
    except port.AccountingError as error:
        fates |= {element.id: in_outbox_words(error) for element in elements if element.delivery.look_first}
        return [element for element in elements if not element.delivery.look_first]
    for element in elements:
        if there := found.get(element.payload.number):
            fates[element.id] = _concluded(element, there, adopted=True)
    return [element for element in elements if element.id not in fates]


def _address(accounting: port.TakesSeveral, elements: Sequence[Element], fates: dict[int, Fate]) -> list[Element]:
    """The elements with the id of their contact; those whose contact is not to be had are left out."""
    if not elements:
        return []
    document = elements[0].posting.document
    assert document is not None
    try:
        contacts = contacts_of(accounting, [element.payload for element in elements], books=document.legal_entity.code)
    except port.AccountingError as error:
        contacts = {element.payload.contact_number: error for element in elements}
    addressed = []
    for element in elements:
        contact = contacts[element.payload.contact_number]
        if isinstance(contact, port.AccountingError):
            fates[element.id] = in_outbox_words(contact)
        else:
            addressed.append(replace(element, payload=replace(element.payload, contact_id=contact)))
    return addressed


def _send(accounting: port.TakesSeveral, elements: Sequence[Element], fates: dict[int, Fate]) -> None:
    """Those that are still ours, in one call.

    A call that is refused as a whole did nothing: its halves are sent, down to the one invoice that it is about.
    """
    elements = _still_ours(elements, fates)
    if not elements:
        return
    crash_point("post.before_remote")
    answers: Sequence[port.RemoteDocument | port.AccountingError]
    try:
        answers = accounting.post_invoices([one.payload for one in elements], keys=[one.delivery.key for one in elements])
    except port.AccountingError as error:
        if len(elements) > 1 and isinstance(error, port.Permanent) and not isinstance(error, ABOUT_ALL):
            middle = len(elements) // 2
            _send(accounting, elements[:middle], fates)
            _send(accounting, elements[middle:], fates)
            return
        answers = [error] * len(elements)
    crash_point("post.after_remote")
    for element, answer in zip(elements, answers, strict=True):
        fates[element.id] = _fate(accounting, element, answer)


def _still_ours(elements: Sequence[Element], fates: dict[int, Fate]) -> list[Element]:
    """Right before the call: what another worker has taken over meanwhile is not sent by this one (F17)."""
    ours = []
    for element in elements:
        try:
            element.delivery.renew()
        except LeaseLost as lost:
            fates[element.id] = lost
        else:
            ours.append(element)
    return ours


def _fate(accounting: port.TakesSeveral, element: Element, answer: port.RemoteDocument | port.AccountingError) -> Fate:
    """A twin of the same number is read, never made again (F40)."""
    if isinstance(answer, port.AlreadyThere):
        try:
            there = accounting.find_invoices([element.payload.number]).get(element.payload.number)
        except port.AccountingError as error:
            return in_outbox_words(error)
        return _concluded(element, there or answer, adopted=True)
    if isinstance(answer, port.Mismatch) and isinstance(answer.remote, port.RemoteDocument):
        answer = answer.remote
    return _concluded(element, answer, adopted=False)


def _concluded(element: Element, answer: port.RemoteDocument | port.AccountingError, *, adopted: bool) -> Fate:
    """What to note about an invoice that is there; when it is not as it should be, that it is there all the same (F45)."""
    if isinstance(answer, port.AccountingError):
        return in_outbox_words(answer)
    posting, there = element.posting, names(answer)
    try:
        check_ours(element.payload, answer)
        comparison.check_totals(element.payload, answer)
        crash_point("post.after_checked")
    except port.Permanent as wrong:
        try:
            element.delivery.checkpoint(lambda: note_document_seen(posting, **there))
        except LeaseLost as lost:
            return lost
        return in_outbox_words(wrong)
    return lambda: note_document_posted(posting, **there, adopted=adopted, at=now())
