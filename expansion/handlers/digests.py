"""What was too much to be told one by one, in one message (F113)."""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings

from dealops.outbox.relay import Delivery
from expansion.domain.slack import plain_blocks
from expansion.handlers import mail, slack
from expansion.models import Notice
from expansion.queries.notices import all_of_them, digest_of


def send(delivery: Delivery) -> Callable[[], None]:
    """Everything gathered in one window for one address, as one e-mail or one Slack message."""
    notices = list(delivery.message.notices.select_related("change", "signal").order_by("pk"))
    if not notices:
        return mail.nothing
    subject, text = digest_of(notices)
    address = notices[0].address
    if notices[0].channel == Notice.Channel.EMAIL:
        mail.send(f"[dealops] {subject}", text, to=address)
    elif settings.SLACK_TOKEN:
        key = str(delivery.message.key)
        with slack.translated():
            found = slack.client().find(address, key) if delivery.look_first else None
            found or slack.client().post(address, subject, plain_blocks(subject, text, all_of_them()), key=key)
    return mail.nothing
