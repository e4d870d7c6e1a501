"""Where dealops bills itself, the customer gets each document by e-mail: a note, the lines and totals, and the PDF, all from one row.

Mail has no look-up: nobody can ask a mail server whether it took a letter an hour ago. A try that may have reached it is therefore shown
to a person, and only their Retry sends again, under the same Message-ID, so that most mailboxes drop a second copy.
"""

from __future__ import annotations

import smtplib
import socket
from collections.abc import Callable

from django.core.mail import EmailMessage
from django.template.loader import render_to_string

from billing.clock import now
from billing.models import Document, Posting
from billing.operations.postings import note_document_sent, note_next_invoice_kept
from billing.pdf import document_pdf
from billing.pdf.pages import words
from billing.pdf.values import of_document
from dealops.outbox.crash import crash_point
from dealops.outbox.handlers import NoAnswer, Refused, TryLater
from dealops.outbox.relay import Delivery

# What tells the customer why; the floor above knows the change behind a document and hands this in.
_note_of: list[Callable[[Document], str]] = []
# The letter certainly did not leave: the server was never reached, or it said that it has no time.
NOT_REACHED = (ConnectionRefusedError, socket.gaierror, smtplib.SMTPConnectError, smtplib.SMTPHeloError, smtplib.SMTPAuthenticationError)
SERVER_BUSY = range(400, 500)
WAY_OUT = (
    "RevOps corrects the address on the customer, then presses Retry on Sync. If the customer has it by other means, Finance settles it "
    "otherwise there."
)


def notes_from(note_of: Callable[[Document], str]) -> None:
    """Where the note on a document comes from; called once at start. It answers an empty text when there is no change behind it."""
    _note_of[:] = [note_of]


def send(delivery: Delivery) -> Callable[[], None]:
    """One issued document to its customer, once."""
    posting = Posting.objects.select_related("document__legal_entity", "document__customer", "document__contract").get(
        message=delivery.message
    )
    document = posting.document
    assert document is not None
    # The copy on the document says who was billed; where their mail goes today is the customer's own row.
    address = document.customer.email
    if not address:
        raise Refused(f"{document.customer.name} has no e-mail address. RevOps enters one on the customer, then presses Retry on Sync.")
    if may_have_left(delivery):
        raise Refused(
            f"Whether {document.number} reached {address} is not known: dealops was interrupted while it was sent. Look for "
            f"{delivery.key} at your mail provider; Retry sends it again."
        )
    delivery.renew()
    _hand_over(letter(document, address=address, key=delivery.key))
    crash_point("mail.after_sent")
    return lambda: note_document_sent(posting, address=address, message_id=message_id(delivery.key), at=now())


def may_have_left(delivery: Delivery) -> bool:
    """Whether an earlier try may have been taken by the mail server, and no person has looked since."""
    return delivery.look_first and delivery.message.doubts > 0


def kept(delivery: Delivery) -> Callable[[], None]:
    """The next invoice changed where no other system makes it: dealops issues it on its day, so it is noted and done."""
    posting = Posting.objects.select_related("version", "contract__legal_entity", "contract__customer").get(message=delivery.message)
    return lambda: note_next_invoice_kept(posting, at=now())


def message_id(key: str) -> str:
    """The same for every try of one letter."""
    return f"<{key}@dealops>"


def letter(document: Document, *, address: str, key: str) -> EmailMessage:
    """The e-mail with its PDF. Every number in it is one that the PDF prints."""
    note = _note_of[0](document) if _note_of else ""
    printed = words(of_document(document, note))
    text = render_to_string("messages/customer_document.txt", {"page": printed})
    subject = f"{printed['title']} from {document.seller['name']}"
    # A name with a line end in it would begin a header of its own (F92).
    mail = EmailMessage(" ".join(subject.split()), text, to=[address], headers={"Message-ID": message_id(key)})
    mail.attach(f"{document.number}.pdf", document_pdf(document, note), "application/pdf")
    return mail


def _hand_over(mail: EmailMessage) -> None:
    """Raises TryLater, Refused or NoAnswer."""
    try:
        mail.send()
    except NOT_REACHED as error:
        raise TryLater(f"The mail server was not reached: {error}") from error
    except smtplib.SMTPRecipientsRefused as error:
        raise Refused(f"The mail server does not take mail to {', '.join(error.recipients)}. {WAY_OUT}") from error
    except smtplib.SMTPResponseException as error:
        said = f"The mail server said {error.smtp_code}: {_text(error.smtp_error)}"
        raise (TryLater(said) if error.smtp_code in SERVER_BUSY else Refused(f"{said.rstrip('.')}. {WAY_OUT}")) from error
    except OSError as error:
        raise NoAnswer(f"The mail server did not say whether it took it: {error}") from error


def _text(said: bytes | str) -> str:
    return said.decode(errors="replace") if isinstance(said, bytes) else said
