"""E-mail: the facts as text and one link."""

from __future__ import annotations

from collections.abc import Callable

from django.core.mail import EmailMessage

from billing.models import Document
from dealops.outbox.handlers import TryLater
from dealops.outbox.relay import Delivery
from expansion.models import Notice
from expansion.queries.documents import change_behind
from expansion.queries.notices import email_of
from expansion.web.paper import note_of


def nothing() -> None:
    """Delivered; there is nothing more to note."""


def send_email(delivery: Delivery) -> Callable[[], None]:
    """One e-mail with the facts as text and one link; nothing can be decided from the mail itself (F95)."""
    notice = Notice.objects.select_related("change", "signal").get(message=delivery.message)
    subject, text = email_of(notice)
    send(subject, text, to=notice.address)
    return nothing


def send(subject: str, text: str, *, to: str) -> None:
    """One e-mail. Raises TryLater."""
    # A name with a line end in it would begin a header of its own (F92).
    mail = EmailMessage(" ".join(subject.split()), text, to=[to])
    try:
        mail.send()
    except OSError as error:
        raise TryLater(f"The mail server did not take it: {error}") from error


def note_on(document: Document) -> str:
    """The note the customer reads on a document: that of the change behind it, the same as on the page."""
    change = change_behind(document)
    return note_of(change) if change else ""
