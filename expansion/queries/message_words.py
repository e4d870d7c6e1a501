"""What a message of the outbox that carries neither posting nor notice is about, in words and with the page to look at (S13)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from dealops.outbox.models import Message
from expansion.models import Change, CrmLink, Deal, Handoff
from expansion.queries.crm import LINES_TOPIC, POLL_TOPIC, READ_TOPIC, WRITE_TOPIC
from expansion.queries.crm_context import CONTEXT_TOPIC

# topic -> what is done, with the deal's number in its place.
_OF_A_DEAL = {
    READ_TOPIC: "Read {} as HubSpot has it now",
    WRITE_TOPIC: "Amount, stage and numbers of {} for HubSpot",
    CONTEXT_TOPIC: "Context of the hand-off of {} for HubSpot",
    LINES_TOPIC: "Line items of {} for HubSpot",
}
_BY_ITSELF = {
    POLL_TOPIC: ("What changed in HubSpot without a word to us", "HubSpot", "/crm"),
    "accounting.reconcile": ("Compare what accounting has with what is expected", "accounting", "/sync?tab=differences"),
    "notice.digest": ("Notifications that go out together", "", "/notifications"),
    "slack.settle": ("Slack: a question says how it was decided", "Slack", ""),
    "slack.modal": ("Slack: what is shown before a decision", "Slack", ""),
    "slack.whisper": ("Slack: an answer for one person", "Slack", ""),
}
# A row of the page: what, about whom, where to look.
Words = tuple[str, str, str]


def things_of(messages: Iterable[Message]) -> dict[str, Deal | Change]:
    """Message subject -> the deal or the change it speaks of, for messages with HubSpot and checks of hand-offs. At most two queries."""
    wanted = list(messages)
    links = {message.subject: message.payload.get("link") for message in wanted if message.topic in _OF_A_DEAL}
    tasks = {message.subject: message.payload.get("handoff") for message in wanted if message.topic == "handoff.check"}
    found: dict[str, Deal | Change] = {}
    if links:
        rows = CrmLink.objects.filter(pk__in=links.values()).select_related("deal__customer")
        deals = {link.pk: link.deal for link in rows}
        found |= {subject: deals[pk] for subject, pk in links.items() if pk in deals}
    if tasks:
        handoffs = Handoff.objects.filter(pk__in=tasks.values()).select_related("change__deal__customer")
        changes = {handoff.pk: handoff.change for handoff in handoffs}
        found |= {subject: changes[pk] for subject, pk in tasks.items() if pk in changes}
    return found


def words_of(message: Message, things: Mapping[str, Deal | Change]) -> Words:
    """The topic and subject themselves where nothing better is known, as of a newer version's messages."""
    thing = things.get(message.subject)
    if isinstance(thing, Deal) and message.topic in _OF_A_DEAL:
        return _OF_A_DEAL[message.topic].format(thing.number), thing.customer.name, f"/deals/{thing.number}"
    if isinstance(thing, Change) and message.topic == "handoff.check":
        return f"See whether accounting has what {thing.number} asks for", thing.deal.customer.name, f"/changes/{thing.number}"
    if message.topic in _BY_ITSELF:
        what, who, href = _BY_ITSELF[message.topic]
        return what, who or str(message.payload.get("address", "")), href
    if message.topic == "change.confirm":
        number = str(message.payload.get("change", ""))
        return f"Close the hand-off of {number} once accounting has it", number, f"/changes/{number}"
    if message.topic == "bulk.slice":
        number = str(message.payload.get("job", ""))
        return f"The next rows of bulk job {number}", "dealops", f"/bulk/{number}"
    if number := str(message.payload.get("document", "")):
        return f"Document {number}", number, f"/documents/{number}"
    return message.topic, message.subject, ""
