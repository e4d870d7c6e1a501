"""Who is told what. The in-app notice is the guaranteed one; e-mail and Slack go through the outbox (F32, F60)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.utils import timezone

from billing.models import Contract
from dealops.accounts.models import Role, User
from dealops.outbox.operations import enqueue
from expansion.domain.messages import Facts, approval_blocks, decided_blocks, fact_lines
from expansion.domain.workflow import State
from expansion.models import Change, Notice
from expansion.scope import who_see

EMAIL_TOPIC = "notice.email"
SLACK_TOPIC = "notice.slack"
HOURS_TO_DECIDE = 8


def decision_due(now: datetime) -> datetime:
    """When Finance should have decided: eight hours after submission."""
    return now + timedelta(hours=HOURS_TO_DECIDE)


def approval_needed(change: Change, contract: Contract, *, why: str, now: datetime) -> None:
    """Tell everyone in Finance by task and e-mail, and the channel by Slack."""
    facts = facts_of(change, contract, why=why)
    event = f"approval_needed.{change.version}"
    title = f"Approval needed: {contract.customer.name} {facts.sentence}"
    finance = User.objects.filter(role=Role.FINANCE, is_active=True).exclude(person=change.maker_person)
    people = who_see(finance, contract)
    _tell_people(change, people, event=event, title=title, body=fact_lines(facts), why="You approve for Finance", now=now)
    _tell_slack(change, event=event, title=title, body=fact_lines(facts), blocks=approval_blocks(facts), now=now)


def reminded(change: Change, contract: Contract, *, event: str, by: User, now: datetime) -> int:
    """Ask those who decide once more; answers how many they are."""
    facts = facts_of(change, contract, why="")
    people = list(User.objects.filter(role=Role.FINANCE, is_active=True).exclude(person=change.maker_person))
    title = f"Reminder: {contract.customer.name} {facts.sentence} waits for a decision"
    _tell_people(change, people, event=event, title=title, body=fact_lines(facts), why=f"{by} asks for an answer", now=now)
    return len(people)


def decided(change: Change, contract: Contract, *, decision: str, by: User, now: datetime, reason: str = "") -> None:
    """Tell the maker, and the channel that was asked."""
    facts = facts_of(change, contract, why="")
    title = f"{change.number} was {decision} by {by}"
    body = fact_lines(facts) + (f"\nReason: {reason}" if reason else "")
    event = f"{decision}.{change.version}"
    _tell_people(change, [change.maker], event=event, title=title, body=body, why="You made this change", now=now)
    _tell_slack(change, event=event, title=title, body=body, blocks=decided_blocks(facts, title, reason), now=now)


def posted(change: Change, contract: Contract, *, now: datetime) -> None:
    """Tell the maker that accounting has all of it."""
    facts = facts_of(change, contract, why="")
    title = f"{change.number} is in accounting"
    _tell_people(change, [change.maker], event="posted", title=title, body=fact_lines(facts), why="You made this change", now=now)


def returned(change: Change, contract: Contract, *, reason: str, now: datetime) -> None:
    """Tell the maker that it has to be done again."""
    title = f"{change.number} has to be submitted again"
    # A submitted change may come back more than once, each time as another version.
    event = "returned" if change.state == State.SUPERSEDED else f"returned.{change.version}"
    _tell_people(change, [change.maker], event=event, title=title, body=reason, why="You made this change", now=now)


def carried_on(change: Change, contract: Contract, *, instead_of: str, cause: str, now: datetime) -> None:
    """Tell the maker that what was agreed goes on under another number."""
    title = f"{instead_of} goes on as {change.number}"
    body = f"{cause} changed the contract. What was agreed as {instead_of} still comes to the same amounts and takes effect on its day."
    _tell_people(change, [change.maker], event="carried_on", title=title, body=body, why="You made this change", now=now)


def cancelled(change: Change, contract: Contract, *, by: User, reason: str, now: datetime) -> None:
    """Tell the maker, and those who approved it, that a scheduled change will not take effect."""
    deciders = [decision.by for decision in change.decisions.select_related("by")]
    people = [person for person in (change.maker, *deciders) if person != by]
    title = f"{change.number} was cancelled by {by}"
    body = f"It would have taken effect on {change.effective:%-d %b %Y}. Reason: {reason}"
    _tell_people(change, people, event="cancelled", title=title, body=body, why="You had a part in it", now=now)


def expired(change: Change, contract: Contract, *, reason: str, now: datetime) -> None:
    """Tell the maker that it will not take effect."""
    title = f"{change.number} expired"
    body = f"{reason} Nothing was billed for it."
    _tell_people(change, [change.maker], event="expired", title=title, body=body, why="You made this change", now=now)


def facts_of(change: Change, contract: Contract, *, why: str) -> Facts:
    """What a message repeats: the same numbers as the page, from the frozen impact."""
    return Facts(
        number=change.number,
        customer=contract.customer.name,
        sentence=f"{change.impact['summary']} from {change.effective:%-d %b %Y}",
        impact=change.impact,
        currency=change.currency,
        maker=change.maker.name,
        why=why,
        link=f"{settings.SITE_URL}/changes/{change.number}",
        due=f"{timezone.localtime(change.due_at):%-d %b %H:%M}" if change.due_at else "",
    )


def _tell_people(change: Change, people: Iterable[User], *, event: str, title: str, body: str, why: str, now: datetime) -> None:
    for person in people:
        common = {"change": change, "event": event, "recipient": person, "title": title[:250], "body": body, "why": why, "created_at": now}
        Notice.objects.get_or_create(
            change=change, event=event, channel=Notice.Channel.IN_APP, recipient=person, address="", defaults=common
        )
        _send(Notice(**common, channel=Notice.Channel.EMAIL, address=person.email), EMAIL_TOPIC)


def _tell_slack(change: Change, *, event: str, title: str, body: str, blocks: Sequence[dict[str, Any]], now: datetime) -> None:
    notice = Notice(
        change=change,
        event=event,
        channel=Notice.Channel.SLACK,
        address=settings.SLACK_CHANNEL,
        title=title[:250],
        body=body,
        blocks=list(blocks),
        why="The channel of those who approve",
        created_at=now,
    )
    _send(notice, SLACK_TOPIC)


def _send(notice: Notice, topic: str) -> None:
    """One message per event, person and channel, however often it is asked for."""
    identity = f"{notice.change.number}|{notice.event}|{notice.channel}|{notice.address}"
    notice.message = enqueue(topic=topic, identity=identity, subject=f"notice:{identity}"[:80], payload={}, queue="notify")
    if not Notice.objects.filter(message=notice.message).exists():
        notice.save()
