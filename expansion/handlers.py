"""Deliveries of the expansion floor: confirmations, e-mail, Slack."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.core.mail import EmailMessage
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from billing.adapters.accounting import port
from billing.clock import now
from billing.handlers.errors import translated
from billing.handlers.reading import read_template
from billing.models import Contract, FutureInvoice
from dealops.outbox import handlers
from dealops.outbox.handlers import NoAnswer, Refused, TryLater
from dealops.outbox.relay import Delivery
from expansion.models import Notice
from expansion.operations import bulk, execution, handoffs
from expansion.operations.notices import EMAIL_TOPIC, SLACK_TOPIC
from expansion.queries.notices import email_of


def register() -> None:
    handlers.register(handoffs.CONFIRM_TOPIC, confirm)
    handlers.register(handoffs.CHECK_TOPIC, check_handoff)
    handlers.register(EMAIL_TOPIC, send_email)
    handlers.register(SLACK_TOPIC, send_slack)
    handlers.register(bulk.TOPIC, bulk_slice)


def confirm(delivery: Delivery) -> Callable[[], None]:
    """Everything before it on the same contract is delivered, so the change is in accounting."""
    number = delivery.message.payload["change"]
    return lambda: execution.confirm(number, now=now())


def check_handoff(delivery: Delivery) -> Callable[[], None]:
    """Read the live template of the contract and say what is different from the expected invoice; reading twice does no harm."""
    facts = delivery.message.payload
    contract = Contract.objects.select_related("legal_entity", "customer").get(deal__changes__handoffs=facts["handoff"])
    version = FutureInvoice.objects.values_list("current_id", flat=True).get(contract=contract)
    with translated():
        reading = read_template(contract)
    rows = [{"field": one.field, "ours": one.ours, "theirs": one.theirs} for one in reading.differences]
    return lambda: handoffs.checked(
        handoff_id=facts["handoff"],
        check=facts["check"],
        differences=rows,
        template=_live(reading.live),
        version=version,
        now=now(),
    )


def _live(live: tuple[port.RemoteTemplate, ...]) -> dict[str, Any] | None:
    return {"remote_id": live[0].id, "next_date": live[0].next_date} if len(live) == 1 else None


def bulk_slice(delivery: Delivery) -> Callable[[], None]:
    """The next rows of a bulk job. Nothing outside is called; a slice begun twice goes on with the rows that still wait."""
    payload = delivery.message.payload
    return bulk.work(job_id=payload["job"], number=payload["slice"], clock=now, alive=delivery.renew)


def _nothing() -> None:
    """Delivered; there is nothing more to note."""


def send_email(delivery: Delivery) -> Callable[[], None]:
    """One e-mail with the facts as text and one link; nothing can be decided from the mail itself (F95)."""
    notice = Notice.objects.select_related("change").get(message=delivery.message)
    subject, text = email_of(notice)
    mail = EmailMessage(subject, text, to=[notice.address])
    try:
        mail.send()
    except OSError as error:
        raise TryLater(f"The mail server did not take it: {error}") from error
    return _nothing


def send_slack(delivery: Delivery) -> Callable[[], None]:
    """Post to the channel; without a token the message stays on the preview page and counts as shown there."""
    if not settings.SLACK_TOKEN:
        return _nothing
    notice = Notice.objects.get(message=delivery.message)
    client = WebClient(token=settings.SLACK_TOKEN, timeout=20, retry_handlers=[])
    try:
        client.chat_postMessage(channel=notice.address, text=notice.title, blocks=notice.blocks)
    except SlackApiError as error:
        words = str(error.response.get("error", error))
        if error.response.status_code == 429:
            raise TryLater("Slack asks to wait.", after=float(error.response.headers.get("Retry-After", 30))) from error
        raise Refused(f"Slack refused it: {words}") from error
    except OSError as error:
        raise NoAnswer("Slack did not answer.") from error
    return _nothing
