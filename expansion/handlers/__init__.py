"""Deliveries of the expansion floor: confirmations, bulk jobs, e-mail, Slack."""

from __future__ import annotations

from billing.handlers import mailing
from dealops.outbox import handlers
from expansion.handlers import crm, crm_context, crm_lines, mail, slack, work
from expansion.handlers import digests as gathered
from expansion.operations import bulk, digests, handoffs, slack_acts, slack_posts
from expansion.operations.notices import EMAIL_TOPIC, SLACK_TOPIC
from expansion.queries.crm import LINES_TOPIC, POLL_TOPIC, READ_TOPIC, WRITE_TOPIC
from expansion.queries.crm_context import CONTEXT_TOPIC


def register() -> None:
    """Name who delivers each topic; called once when the app is ready."""
    mailing.notes_from(mail.note_on)
    handlers.register(handoffs.CONFIRM_TOPIC, work.confirm)
    handlers.register(handoffs.CHECK_TOPIC, work.check_handoff)
    handlers.register(bulk.TOPIC, work.bulk_slice)
    handlers.register(EMAIL_TOPIC, mail.send_email)
    handlers.register(SLACK_TOPIC, slack.send_slack)
    handlers.register(digests.TOPIC, gathered.send)
    handlers.register(slack_posts.SETTLE_TOPIC, slack.settle)
    handlers.register(slack_acts.MODAL_TOPIC, slack.open_modal)
    handlers.register(slack_acts.WHISPER_TOPIC, slack.whisper)
    handlers.register(READ_TOPIC, crm.read)
    handlers.register(WRITE_TOPIC, crm.write)
    handlers.register(LINES_TOPIC, crm_lines.write)
    handlers.register(CONTEXT_TOPIC, crm_context.write)
    handlers.register(POLL_TOPIC, crm.poll)
