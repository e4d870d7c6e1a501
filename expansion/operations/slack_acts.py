"""What people do from Slack: connect their account, open a form, decide. The same operations and rules as on the page (F59, F84)."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from django.conf import settings
from django.core import signing
from django.db import IntegrityError, transaction

from billing.clock import business_date
from billing.domain.refusal import Refusal
from dealops.accounts.models import User
from dealops.audit import context
from dealops.audit.operations import record
from dealops.outbox.operations import enqueue
from expansion import rules
from expansion.domain import slack
from expansion.domain.slack import Form, Press
from expansion.domain.workflow import State, WrongState
from expansion.models import Change, SlackAccount
from expansion.operations import deciding, notices
from expansion.queries.standing import authorities_of

MODAL_TOPIC: Final = "slack.modal"
WHISPER_TOPIC: Final = "slack.whisper"
TICKET_SECONDS: Final = 900
_TICKETS = signing.TimestampSigner(salt="slack-member")


class BadTicket(Exception):
    """The link to connect an account is too old or was changed."""


def press(pressed: Press, *, now: datetime) -> None:
    """A button of a message: opens the form, or whispers to this member alone why not. Writes outbox rows only."""
    if pressed.action not in (slack.APPROVE, slack.REJECT):
        return
    with transaction.atomic():
        user = user_of(pressed.member)
        if user is None:
            return _whisper(pressed, _invitation(pressed.member))
        context.known(user.pk)
        change, refusal = _wanted(pressed.value, user, pressed.action, now)
        if change is None or refusal:
            return _whisper(pressed, refusal)
        view = _form_for(pressed.action, change)
        payload = {"trigger": pressed.trigger, "view": view, "channel": pressed.channel, "member": pressed.member}
        enqueue(topic=MODAL_TOPIC, identity=pressed.trigger, subject=f"slack:{pressed.trigger}"[:80], payload=payload, queue="notify")


def decide(form: Form, *, now: datetime) -> dict[str, Any]:
    """A form that was sent: decides, and answers the last page of the form, a receipt or why nothing was done."""
    user = user_of(form.member)
    if user is None:
        return slack.last_page("Nothing was decided", "Your Slack account is no longer connected to dealops.")
    context.known(user.pk)
    number, version, shown_hash = _parts(form.value)
    try:
        change = _change(number)
        if form.action == slack.REJECT:
            done = deciding.reject(change_id=change.pk, version=version, reason=form.fields.get(slack.REASON, ""), by=user, now=now)
            return slack.last_page("Rejected", f"{done.number} was rejected. {done.maker} is told why.")
        if why_not := _why_not_here(change):
            return slack.last_page("Nothing was decided", why_not)
        done = deciding.approve(change_id=change.pk, version=version, shown_hash=shown_hash, by=user, now=now)
    except (Refusal, WrongState) as refusal:
        return slack.last_page("Nothing was decided", str(refusal))
    return slack.last_page("Approved", _receipt(done))


def ticket_for(member: str) -> str:
    """A signed proof that this Slack member was shown it; good for fifteen minutes."""
    return _TICKETS.sign(member)


def member_of(ticket: str) -> str:
    """Raises BadTicket."""
    try:
        return _TICKETS.unsign(ticket, max_age=TICKET_SECONDS)
    except signing.BadSignature:
        raise BadTicket("This link is too old. Press the button in Slack once more; you get a new one.") from None


def connect(*, ticket: str, by: User, now: datetime) -> SlackAccount:
    """This Slack member is this person from now on. Raises BadTicket, and Refusal when the member belongs to somebody else."""
    member = member_of(ticket)
    try:
        with transaction.atomic():
            account, _ = SlackAccount.objects.update_or_create(user=by, defaults={"member": member, "connected_at": now})
            _log("slack.connected", f"{by} connected the Slack account {member}.", by, now)
            return account
    except IntegrityError:
        words = "This Slack account is connected to somebody else here. They have to disconnect it first."
        raise Refusal("member_taken", "member", words) from None


def disconnect(*, by: User, now: datetime) -> None:
    """Nobody acts for this person from Slack any more."""
    with transaction.atomic():
        if SlackAccount.objects.filter(user=by).delete()[0]:
            _log("slack.disconnected", f"{by} disconnected their Slack account.", by, now)


def user_of(member: str) -> User | None:
    """The person behind a Slack member; None when nobody connected it or the account here is disabled."""
    return User.objects.filter(slack_account__member=member, is_active=True).first()


def _wanted(value: str, user: User, action: str, now: datetime) -> tuple[Change | None, str]:
    """The change a button speaks of, and why this person may not decide it now ("" when they may)."""
    number, version, shown_hash = _parts(value)
    try:
        change = _change(number)
    except Refusal as gone:
        return None, gone.message
    if why_not := _why_not(action, user, change, now):
        return change, f"You can't decide this: {why_not[0].lower()}{why_not[1:]}"
    if (change.version, change.content_hash) != (version, shown_hash):
        return change, f"{number} was changed since this message. Review what it says now: {notices.link_to(change)}"
    return change, ""


def _why_not(action: str, user: User, change: Change, now: datetime) -> str | None:
    if action == slack.REJECT:
        return rules.why_not_decide(user, change)
    on = business_date(change.deal.contract.legal_entity.time_zone, now)
    return rules.why_not_approve(user, change, authorities_of(user, on=on)) or _why_not_here(change)


def _why_not_here(change: Change) -> str | None:
    """Slack cannot ask who somebody is: what weighs a lot is approved on its page (F97)."""
    words = rules.why_confirm(change)
    if words is None or change.state != State.SUBMITTED:
        return None
    return f"{words} Open the review page and approve it there: {notices.review_of(change)}"


def _change(number: str) -> Change:
    change = (
        Change.objects.select_related("deal__contract__customer", "deal__contract__legal_entity", "maker").filter(number=number).first()
    )
    if change is None:
        raise Refusal("no_such_change", "change", "There is no such change any more.")
    return change


def _parts(value: str) -> tuple[str, int, str]:
    number, version, shown_hash = [*value.split("|"), "", "", ""][:3]
    return number, int(version) if version.isdecimal() and len(version) < 9 else 0, shown_hash


def _form_for(action: str, change: Change) -> dict[str, Any]:
    facts = notices.facts_of(change, change.deal.contract, why="")
    asked = facts.asked
    if action == slack.REJECT:
        return slack.reject_form(facts, asked=asked)
    return slack.approve_form(facts, asked=asked)


def _receipt(change: Change) -> str:
    if change.waits_for:
        return f"You agreed to {change.number}. It takes effect when the others have agreed as well."
    document = f" {change.document_number} is issued and goes to accounting." if change.document_number else ""
    return f"{change.number} is approved.{document} The message in the channel shows how it goes on: {notices.link_to(change)}"


def _invitation(member: str) -> str:
    link = f"{settings.SITE_URL}/slack/connect?ticket={ticket_for(member)}"
    return f"dealops does not know who you are yet. Sign in there and connect this Slack account, then press again: {link}"


def _whisper(pressed: Press, text: str) -> None:
    payload = {"channel": pressed.channel, "member": pressed.member, "text": text}
    enqueue(topic=WHISPER_TOPIC, identity=pressed.trigger, subject=f"slack:{pressed.trigger}"[:80], payload=payload, queue="notify")


def _log(action: str, sentence: str, by: User, now: datetime) -> None:
    record(action=action, sentence=sentence, subjects=[f"user:{by.pk}"], chain="people", at=now, by=by)
