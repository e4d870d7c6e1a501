"""Who is told what. The in-app notice is the guaranteed one; e-mail and Slack go through the outbox (F32, F60)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.utils import timezone

from billing.models import Contract, Posting
from dealops.accounts.models import Role, User
from dealops.outbox.models import State as Delivery
from dealops.outbox.operations import enqueue
from expansion.domain.messages import Facts, fact_lines
from expansion.domain.quiet import over_at
from expansion.domain.slack import approval_blocks, decided_blocks, plain_blocks
from expansion.domain.summary import from_day
from expansion.domain.workflow import State
from expansion.models import Change, Handoff, Notice, NoticePreference, Question, Signal, page_of
from expansion.operations import digests, slack_posts
from expansion.scope import who_see

EMAIL_TOPIC = "notice.email"
SLACK_TOPIC = "notice.slack"
NEAR_THE_CAP = "near_the_cap"
WHY_ABOVE = "It waits too long, and you are the one it goes to then"
Topic = NoticePreference.Topic


def approval_needed(change: Change, contract: Contract, *, why: str, now: datetime) -> None:
    """Tell everyone who may decide by task and e-mail, and the channel by Slack."""
    facts = facts_of(change, contract, why=why)
    event = f"approval_needed.{change.version}"
    title = f"Approval needed: {contract.customer.name} {facts.sentence}"
    _ask(change, event=event, title=title, body=fact_lines(facts), why="You approve for {role}", now=now)
    _tell_slack(change, event=event, title=title, body=fact_lines(facts), blocks=approval_blocks(facts), now=now)


def second_needed(change: Change, contract: Contract, *, why: str, now: datetime) -> None:
    """One has agreed; tell those who may agree as well."""
    facts = facts_of(change, contract, why=why)
    event = f"second_needed.{change.version}.{len(change.agreed)}"
    title = f"Second approval needed: {contract.customer.name} {facts.sentence}"
    _ask(change, event=event, title=title, body=f"{why}\n{fact_lines(facts)}", why="You approve for {role}", now=now)
    _tell_slack(change, event=event, title=title, body=fact_lines(facts), blocks=approval_blocks(facts), now=now)


def reminded(change: Change, contract: Contract, *, event: str, by: User, now: datetime) -> int:
    """Ask those who decide once more; answers how many they are."""
    facts = facts_of(change, contract, why="")
    title = f"Reminder: {contract.customer.name} {facts.sentence} waits for a decision"
    return _ask(change, event=event, title=title, body=fact_lines(facts), why=f"{by} asks for an answer", now=now)


def deadline(change: Change, contract: Contract, *, standing: str, now: datetime) -> bool:
    """Time is short, over, or long over (`soon`, `late`, `escalated`): tell those who decide, or those above. False when told before."""
    event = f"decision_{standing}.{change.version}"
    if Notice.objects.filter(change=change, event=event).exists():
        return False
    facts = facts_of(change, contract, why="")
    words = {"soon": "is due soon", "late": "is overdue", "escalated": "is overdue by more than a working day"}[standing]
    title = f"A decision {words}: {contract.customer.name} {facts.sentence}"
    if standing != "escalated":
        _ask(change, event=event, title=title, body=fact_lines(facts), why="You approve for {role}", now=now)
        return True
    people = set_of(*(above(role) for role in change.waits_for))
    _tell_people(change, people, topic=Topic.APPROVALS, event=event, title=title, body=fact_lines(facts), why=WHY_ABOVE, now=now)
    _tell_slack(change, event=event, title=title, body=fact_lines(facts), blocks=approval_blocks(facts), now=now)
    return True


def handoff_event(standing: str, handoff: int) -> str:
    """What the notice of a hand-off's day is known by; `handoff` is its primary key."""
    return f"handoff_{standing}.{handoff}"


def handoff_deadline(handoff: Handoff, contract: Contract, *, standing: str, now: datetime) -> bool:
    """The day of a handed-over invoice comes near, or has passed. False when told before."""
    change, event = handoff.change, handoff_event(standing, handoff.pk)
    if Notice.objects.filter(change=change, event=event).exists():
        return False
    is_late = standing in {"late", "missed"}
    title = f"{'Overdue' if is_late else 'Due'} {handoff.due_on:%-d %b}: {handoff.title}"
    body = f"{handoff.title}, invoice of {handoff.bill_date:%-d %b %Y}.\n{fact_lines(facts_of(change, contract, why=''))}"
    people = set_of(team(handoff.team), above(handoff.team)) if is_late else team(handoff.team)
    if handoff.acknowledged_by and not is_late:
        people = [handoff.acknowledged_by]
    why = WHY_ABOVE if is_late else "It was handed to your team"
    _tell_people(change, people, topic=Topic.HANDOFFS, event=event, title=title, body=body, why=why, now=now)
    return True


def differs(handoff: Handoff, contract: Contract, *, found: str, now: datetime) -> None:
    """Accounting is not as expected after somebody said it was updated."""
    title = f"Not yet right in accounting: {contract.customer.name}"
    people = [person for person in {handoff.updated_by, handoff.acknowledged_by} if person]
    event, why = f"handoff_differs.{handoff.pk}.{handoff.checks}", "You updated it"
    _tell_people(handoff.change, people, topic=Topic.HANDOFFS, event=event, title=title, body=found, why=why, now=now)


def asked(change: Change, contract: Contract, question: Question, *, now: datetime) -> None:
    """Tell the maker what somebody wants to know."""
    title = f"{question.by} has a question about {change.number}"
    _tell_maker(change, event=f"asked.{question.pk}", title=title, body=question.text, now=now)


def answered(change: Change, contract: Contract, question: Question, *, now: datetime) -> None:
    """Tell whoever asked."""
    title = f"{question.answered_by} answered about {change.number}"
    body = f"{question.text}\n\n{question.answer}"
    why = "You asked this"
    _tell_people(change, [question.by], topic=Topic.APPROVALS, event=f"answered.{question.pk}", title=title, body=body, why=why, now=now)


def decided(change: Change, contract: Contract, *, decision: str, by: User, now: datetime, reason: str = "") -> None:
    """Tell the maker, and the channel that was asked."""
    facts = facts_of(change, contract, why="")
    title = f"{change.number} was {decision} by {by}"
    body = fact_lines(facts) + (f"\nReason: {reason}" if reason else "")
    event = f"{decision}.{change.version}"
    _tell_maker(change, event=event, title=title, body=body, now=now)
    if not slack_posts.settle(change):
        _tell_slack(change, event=event, title=title, body=body, blocks=decided_blocks(facts, title, reason), now=now)


def posted(change: Change, contract: Contract, *, now: datetime) -> None:
    """Tell the maker that accounting has all of it, or all but what a person settled otherwise."""
    body = fact_lines(facts_of(change, contract, why=""))
    rows = Posting.objects.filter(reference=change.number, message__state=Delivery.SETTLED)
    settled = [f"{row.document}: {row.message.settled_words}" for row in rows.select_related("document", "message__settled_by")]
    slack_posts.settle(change, posted=not settled)
    title = f"{change.number} is in accounting{', but for what was settled otherwise' if settled else ''}"
    _tell_maker(change, event="posted", title=title, body="\n".join([*settled, body]), now=now)


def returned(change: Change, contract: Contract, *, reason: str, now: datetime) -> None:
    """Tell the maker that it has to be done again."""
    # A submitted change may come back more than once, each time as another version.
    slack_posts.settle(change)
    event = "returned" if change.state == State.SUPERSEDED else f"returned.{change.version}"
    _tell_maker(change, event=event, title=f"{change.number} has to be submitted again", body=reason, now=now)


def carried_on(change: Change, contract: Contract, *, instead_of: str, cause: str, now: datetime) -> None:
    """Tell the maker that what was agreed goes on under another number."""
    body = f"{cause} changed the contract. What was agreed as {instead_of} still comes to the same amounts and takes effect on its day."
    _tell_maker(change, event="carried_on", title=f"{instead_of} goes on as {change.number}", body=body, now=now)


def cancelled(change: Change, contract: Contract, *, by: User, reason: str, now: datetime) -> None:
    """Tell the maker, and those who approved it, that a scheduled change will not take effect."""
    deciders = [decision.by for decision in change.decisions.select_related("by")]
    people = [person for person in (change.maker, *deciders) if person != by]
    title = f"{change.number} was cancelled by {by}"
    body = f"It would have taken effect on {change.effective:%-d %b %Y}. Reason: {reason}"
    why = "You had a part in it"
    _tell_people(change, people, topic=Topic.MY_CHANGES, event="cancelled", title=title, body=body, why=why, now=now)


def expired(change: Change, contract: Contract, *, reason: str, now: datetime) -> None:
    """Tell the maker that it will not take effect."""
    slack_posts.settle(change)
    _tell_maker(change, event="expired", title=f"{change.number} expired", body=f"{reason} Nothing was billed for it.", now=now)


def crm_moved(change: Change, *, event: str, title: str, body: str, now: datetime) -> None:
    """Tell the deal's owner, the maker and Finance that the CRM stopped a change, or lets it go on (F53, F54)."""
    deal = change.deal
    people = who_see(set_of([deal.owner, change.maker], team(Role.FINANCE)), deal.contract)
    why = "You own the deal, made the change, or decide about it"
    _tell_people(change, people, topic=Topic.MY_CHANGES, event=event, title=title, body=body, why=why, now=now)


def facts_of(change: Change, contract: Contract, *, why: str) -> Facts:
    """What a message repeats: the same numbers as the page, from the frozen impact."""
    return Facts(
        number=change.number,
        customer=contract.customer.name,
        sentence=from_day(change.impact["summary"], change.effective),
        impact=change.impact,
        currency=change.currency,
        maker=change.maker.name,
        why=why,
        link=link_to(change),
        due=f"{timezone.localtime(change.due_at):%-d %b %H:%M}" if change.due_at else "",
        asked=f"{change.number}|{change.version}|{change.content_hash}" if settings.SLACK_SIGNING_SECRET else "",
    )


def link_to(about: Change | Signal) -> str:
    """The page of a change or of a signal."""
    return f"{settings.SITE_URL}{page_of(about)}"


def review_of(change: Change) -> str:
    """Where it is decided."""
    return f"{settings.SITE_URL}/approvals/{change.number}"


def team(role: str) -> list[User]:
    return list(User.objects.filter(role=role, is_active=True).order_by("pk"))


def above(role: str) -> list[User]:
    """Those a matter goes to when nobody of `role` acts: who may approve most there, and RevOps."""
    people = team(role)
    most = max((person.approval_limit or 0 for person in people), default=0)
    return [*(person for person in people if (person.approval_limit or 0) == most), *team(Role.REVOPS)]


def set_of(*groups: Iterable[User]) -> list[User]:
    """Everybody once, in order."""
    return list({person.pk: person for group in groups for person in group}.values())


def _ask(change: Change, *, event: str, title: str, body: str, why: str, now: datetime) -> int:
    """Tell those of the roles that still have to agree, except who made, edited or agreed to it; answers how many."""
    banned = {change.maker_person, *change.hands, *change.agreed}
    count = 0
    for role in dict.fromkeys(change.waits_for):
        asked = who_see(team(role), change.deal.contract)
        people = [person for person in asked if person.person not in banned and not person.is_superuser]
        words = why.format(role=Role(role).label) if "{role}" in why else why
        _tell_people(change, people, topic=Topic.APPROVALS, event=event, title=title, body=body, why=words, now=now)
        count += len(people)
    return count


def _tell_maker(change: Change, *, event: str, title: str, body: str, now: datetime) -> None:
    why = "You made this change"
    _tell_people(change, [change.maker], topic=Topic.MY_CHANGES, event=event, title=title, body=body, why=why, now=now)


@dataclass(frozen=True, slots=True)
class Pressing:
    """What one person is told of one signal."""

    signal: Signal
    title: str
    body: str
    why: str


def near_the_cap(person: User, tellings: Sequence[Pressing], *, now: datetime) -> None:
    """Tell one person of customers who come near a limit; once for each signal (S1-20). More than a storm of them go out together, at once,
    in a fixed number of statements (F113)."""
    if len(tellings) > digests.A_STORM:
        _tell_together(person, tellings, now)
        return
    for one in tellings:
        _tell_people(one.signal, [person], topic=Topic.SIGNALS, event=NEAR_THE_CAP, title=one.title, body=one.body, why=one.why, now=now)


def _tell_together(person: User, tellings: Sequence[Pressing], now: datetime) -> None:
    wish = NoticePreference.objects.filter(user=person).first()
    quiet = wish and over_at(timezone.localtime(), wish.quiet_from, wish.quiet_until)
    ways = [(Notice.Channel.IN_APP, "")]
    if wish is None or Topic.SIGNALS in wish.email:
        ways.append((Notice.Channel.EMAIL, person.email))
    if wish is not None and Topic.SIGNALS in wish.slack:
        ways.append((Notice.Channel.SLACK, wish.slack_id))
    for channel, address in ways:
        rows = [
            Notice(
                signal=one.signal, event=NEAR_THE_CAP, channel=channel, recipient=person, address=address, title=one.title[:250],
                body=one.body, why=one.why, created_at=now,
            )
            for one in tellings
        ]  # fmt: skip
        gathered_in = digests.message_of_window(rows[0], not_before=quiet) if address else None
        for row in rows:
            row.gathered_in = gathered_in
        Notice.objects.bulk_create(rows, ignore_conflicts=True)


def _tell_people(
    about: Change | Signal, people: Iterable[User], *, topic: str, event: str, title: str, body: str, why: str, now: datetime
) -> None:
    """In the app always and at once; by e-mail and Slack as each person prefers, after their quiet hours. One query for all preferences."""
    people = list(people)
    wishes = {wish.user_id: wish for wish in NoticePreference.objects.filter(user__in=people)}
    thing: dict[str, Any] = {"change": about} if isinstance(about, Change) else {"signal": about}
    common = {**thing, "event": event, "title": title[:250], "body": body, "why": why, "created_at": now}
    in_app = [Notice(**common, recipient=person, channel=Notice.Channel.IN_APP) for person in people]
    Notice.objects.bulk_create(in_app, ignore_conflicts=True)
    for person in people:
        wish = wishes.get(person.pk)
        quiet = wish and over_at(timezone.localtime(), wish.quiet_from, wish.quiet_until)
        if wish is None or topic in wish.email:
            email = Notice(**common, recipient=person, channel=Notice.Channel.EMAIL, address=person.email)
            _send(email, EMAIL_TOPIC, not_before=quiet)
        if wish is not None and topic in wish.slack:
            blocks = plain_blocks(title, body, link_to(about))
            slack = Notice(**common, recipient=person, channel=Notice.Channel.SLACK, address=wish.slack_id, blocks=blocks)
            _send(slack, SLACK_TOPIC, not_before=quiet)


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


def _send(notice: Notice, topic: str, *, not_before: datetime | None = None) -> None:
    """One message per event, person and channel, however often it is asked for; in a storm only the first few each, the rest together.

    `not_before` is when the quiet hours of the person are over; what they held back goes out together as well.
    """
    about = notice.change.number if notice.change else notice.about.permalink
    identity = f"{about}|{notice.event}|{notice.channel}|{notice.address}"
    same = Notice.objects.filter(change=notice.change, signal=notice.signal, event=notice.event, channel=notice.channel)
    if same.filter(address=notice.address).exists():
        return
    if digests.goes_with_others(notice, quiet_until=not_before):
        notice.gathered_in = digests.message_of_window(notice, not_before=not_before)
    else:
        subject = f"notice:{identity}"[:80]
        notice.message = enqueue(topic=topic, identity=identity, subject=subject, payload={}, queue="notify", not_before=not_before)
    notice.save()
