"""Slack: posts, the forms behind their buttons, whispers to one member, and posts brought up to date (F59, F60)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from django.conf import settings
from django.utils import timezone

from billing.clock import now
from dealops.outbox.handlers import NoAnswer, Refused, TryLater
from dealops.outbox.relay import Delivery
from expansion.adapters.slack import Posted, RefusedBySlack, RetryLater, Slack, Unknown
from expansion.domain.slack import settled_blocks
from expansion.domain.workflow import LABELS, State
from expansion.handlers.mail import nothing
from expansion.models import Change, Decision, Notice, SlackPost
from expansion.operations import notices, slack_posts

# Slack lets a form be opened for three seconds after the press.
TOO_LATE: Final = frozenset({"expired_trigger_id", "exchanged_trigger_id", "trigger_expired"})
PRESS_AGAIN: Final = "That took too long for Slack. Press the button once more."
MARKS: Final = {State.REJECTED: "\N{CROSS MARK}", State.DRAFT: "\N{LEFTWARDS ARROW WITH HOOK}"}


def client() -> Slack:
    return Slack(settings.SLACK_TOKEN, settings.SLACK_API_URL)


def send_slack(delivery: Delivery) -> Callable[[], None]:
    """Post to the channel or the member; without a token the message stays on the preview page and counts as shown there."""
    if not settings.SLACK_TOKEN:
        return nothing
    notice, key = Notice.objects.get(message=delivery.message), str(delivery.message.key)
    with translated():
        found = client().find(notice.address, key) if delivery.look_first else None
        posted = found or client().post(notice.address, notice.title, notice.blocks, key=key)
    return lambda: slack_posts.noted(notice_id=notice.pk, channel=posted.channel, ts=posted.ts)


def settle(delivery: Delivery) -> Callable[[], None]:
    """Put what became of the change into the message that asked about it, as it is now."""
    payload = delivery.message.payload
    post = SlackPost.objects.select_related("notice__change__deal__contract__customer", "notice__change__maker").get(pk=payload["post"])
    change = post.notice.change
    if slack_posts.still_asks(change, post.notice.event):
        return nothing
    facts = notices.facts_of(change, change.deal.contract, why="")
    mark, words = _outcome(change, posted=payload["state"].endswith(".posted"))
    blocks = settled_blocks(post.notice.title, facts, mark=mark, words=words)
    with translated():
        client().update(Posted(post.channel, post.ts), f"{post.notice.title}: {words}", blocks)
    return lambda: slack_posts.settled(post_id=post.pk, state=payload["state"])


def open_modal(delivery: Delivery) -> Callable[[], None]:
    """Show the form to whoever pressed; when Slack's three seconds are over, ask to press again."""
    given = delivery.message.payload
    with translated():
        try:
            client().open_modal(given["trigger"], given["view"])
        except RefusedBySlack as refused:
            if refused.code not in TOO_LATE:
                raise
            client().whisper(given["channel"], given["member"], PRESS_AGAIN)
    return nothing


def whisper(delivery: Delivery) -> Callable[[], None]:
    """Say something to one member alone."""
    given = delivery.message.payload
    with translated():
        client().whisper(given["channel"], given["member"], given["text"])
    return nothing


@contextmanager
def translated() -> Iterator[None]:
    """Slack's errors in the outbox's three words."""
    try:
        yield
    except RetryLater as error:
        raise TryLater(str(error), after=error.after) from error
    except Unknown as error:
        raise NoAnswer(str(error)) from error
    except RefusedBySlack as error:
        raise Refused(str(error)) from error


def _outcome(change: Change, *, posted: bool) -> tuple[str, str]:
    """Mark and sentence: who decided when, and how far it is."""
    state = State(change.state)
    decision = Decision.objects.filter(change=change, is_final=True).select_related("by").order_by("-pk").first()
    if decision is None or state == State.DRAFT:
        words = "Recalled by the maker" if state == State.DRAFT else LABELS[state]
        return MARKS.get(state, "\N{HEAVY MINUS SIGN}"), f"{words}. There is nothing to decide any more."
    verb = "Rejected" if decision.kind == Decision.Kind.REJECT else "Approved"
    parts = [f"{verb} by {decision.by}, {timezone.localtime(decision.at):%-d %b %H:%M}"]
    if state == State.SCHEDULED:
        parts.append(f"takes effect on {change.effective:%-d %b %Y}")
    if change.document_number:
        parts.append(change.document_number)
    if posted:
        parts.append(f"in accounting since {timezone.localtime(now()):%H:%M}")
    if decision.reason:
        parts.append(f"reason: {decision.reason}")
    return MARKS.get(state, "\N{WHITE HEAVY CHECK MARK}"), " \N{MIDDLE DOT} ".join(parts)
