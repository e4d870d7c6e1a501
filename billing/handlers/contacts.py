"""The customer in accounting, made once however many contracts of a new customer are posted at the same time."""

from __future__ import annotations

import contextlib
import time
import uuid
from collections.abc import Sequence

from billing.adapters.accounting import port

# For contacts that are not found with the others: well below a lease and Celery's soft limit.
PATIENCE_SECONDS = 15.0
# About the connection, not about one contact.
STOPS_ALL = (port.RetryLater, port.AuthFailed, port.WrongOrganisation)
NAMESPACE = uuid.UUID("0b6f2e52-8a53-5a0e-9a55-6f3a3d1f7c21")


def contact_of(accounting: port.Accounting, payload: port.DocumentPayload | port.TemplatePayload, *, books: str) -> str:
    """The id of the payload's customer in `books` (the legal entity's code), made when it is not there.

    The key is the customer's, not the message's: two workers that find nothing at the same moment ask for the same contact.
    """
    seed = "|".join(("contact", books, payload.contact_number, payload.contact_name, payload.contact_email))
    try:
        contact = accounting.ensure_contact(
            number=payload.contact_number,
            name=payload.contact_name,
            email=payload.contact_email,
            key=str(uuid.uuid5(NAMESPACE, seed)),
        )
    except port.AlreadyThere:
        found = accounting.find_contact(number=payload.contact_number)
        if found is None:
            raise
        return found.id
    return contact.id


def contacts_of(
    accounting: port.TakesSeveral, payloads: Sequence[port.DocumentPayload], *, books: str
) -> dict[str, str | port.AccountingError]:
    """The same for many, by customer number: those that are there in a call or two, the others one by one, each with its own failure.

    What is new over there takes a few calls each; after PATIENCE_SECONDS, or once accounting asks to wait, the rest comes with a later
    call.
    """
    assert isinstance(accounting, port.Accounting)
    found: dict[str, str | port.AccountingError] = {}
    with contextlib.suppress(port.Unreadable):  # one of them makes no sense; asked one by one it is known which
        found |= {number: contact.id for number, contact in accounting.find_contacts(payloads).items()}
    until, stop = time.monotonic() + PATIENCE_SECONDS, None
    for payload in payloads:
        if payload.contact_number in found:
            continue
        if stop is None and time.monotonic() > until:
            stop = port.RetryLater("Other customers' contacts were looked for first; it goes with one of the next calls.", after=1)
        if stop is not None:
            found[payload.contact_number] = stop
            continue
        try:
            found[payload.contact_number] = contact_of(accounting, payload, books=books)
        except port.AccountingError as error:
            found[payload.contact_number] = error
            stop = error if isinstance(error, STOPS_ALL) else None
    return found
