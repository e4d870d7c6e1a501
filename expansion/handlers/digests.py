"""What was too much to be told one by one, in one message (F113)."""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings

from dealops.outbox.relay import Delivery
from expansion.domain.slack import plain_blocks
from expansion.handlers import mail, slack
from expansion.models import Notice
from expansion.queries.notices import all_of_them, digest_of, email_of, link_of


def send(delivery: Delivery) -> Callable[[], None]:
    """Everything gathered in one window for one address, as one e-mail or one Slack message. One alone goes as it would have gone."""
    notices = list(delivery.message.notices.select_related("change", "signal").order_by("pk"))
    if not notices:
        return mail.nothing
    first, address = notices[0], notices[0].address
    subject, text = digest_of(notices, is_quiet=bool(delivery.message.payload.get("is_quiet")))
    blocks = plain_blocks(subject, text, all_of_them())
    mailed = f"[dealops] {subject}"
    if len(notices) == 1:
        subject, blocks = first.title, first.blocks or plain_blocks(first.title, first.body, link_of(first))
        mailed, text = email_of(first)
    if first.channel == Notice.Channel.EMAIL:
        mail.send(mailed, text, to=address)
    elif settings.SLACK_TOKEN:
        key = str(delivery.message.key)
        with slack.translated():
            found = slack.client().find(address, key) if delivery.look_first else None
            found or slack.client().post(address, subject, blocks, key=key)
    return mail.nothing
