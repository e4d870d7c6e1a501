"""Which messages a person may settle otherwise, and the document each is about.

Only documents: an invoice, a credit note, a correction, or the letter that takes their place where dealops bills itself. The replacement of
a template is never settled, because exactly one live template per contract has to come out of it (M10). Its way out is to put the template
right in accounting and retry: a template that is right is taken, whoever made it.
"""

from __future__ import annotations

from dataclasses import dataclass

from billing.models import Contract, Correction, Document, Posting
from dealops.outbox.models import Message

CORRECTION = "accounting.correction"
TOPICS = frozenset({"accounting.document", "customer.document", CORRECTION})
NOT_A_DOCUMENT = "Only a document can be settled otherwise."
NOT_A_TEMPLATE = (
    "A template is not settled otherwise, because every contract needs exactly one. Make it right in accounting, under the contract's "
    "number as its reference, then Retry: dealops compares it and takes it as it is."
)


class CannotSettle(Exception):
    """This message cannot be settled otherwise, or not in these words; the sentence says what to do instead."""


@dataclass(frozen=True, slots=True)
class Thing:
    """What a message tells: a document, or a correction of one. `name` is its number."""

    name: str
    document: Document
    contract: Contract

    @property
    def subjects(self) -> list[str]:
        """Whose stories tell what is decided about it."""
        document, contract = self.document, self.contract
        return [document.permalink, f"change:{document.reference}", contract.permalink, contract.customer.permalink]

    @property
    def chain(self) -> str:
        """The chain of the log that keeps it."""
        return self.document.legal_entity.code


def thing_of(message: Message) -> Thing:
    """The document a message is about. Raises CannotSettle for a message that is about none."""
    if message.topic not in TOPICS:
        raise CannotSettle(
            NOT_A_TEMPLATE if Posting.objects.filter(message=message, kind=Posting.Kind.TEMPLATE).exists() else NOT_A_DOCUMENT
        )
    model = Correction if message.topic == CORRECTION else Posting
    row = model.objects.select_related("document__contract__customer", "document__legal_entity").filter(message=message).first()
    if row is None or row.document is None:
        raise CannotSettle("This was told again by another message since; decide about that one.")
    name = row.number if isinstance(row, Correction) else row.document.number
    return Thing(name, row.document, row.document.contract)
