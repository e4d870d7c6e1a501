"""The customer in accounting, made once however many contracts of a new customer are posted at the same time."""

from __future__ import annotations

import uuid

from billing.adapters.accounting import port

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
