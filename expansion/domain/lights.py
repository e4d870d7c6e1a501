"""The four lights: is the deal updated, this period billed, the future invoice updated, accounting told? (ux principle 3)"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Status(StrEnum):
    NOT_YET = "not_yet"
    WAITING = "waiting"
    DONE = "done"
    PROBLEM = "problem"
    NOT_NEEDED = "not_needed"


@dataclass(frozen=True, slots=True)
class Light:
    """One question, its answer, and in words what it waits for or what is wrong."""

    name: str
    status: Status
    words: str


@dataclass(frozen=True, slots=True)
class Delivery:
    """How far one posting is: the state of its outbox message, and what was said last; of a settled one, who settled it and why."""

    state: str
    words: str = ""


@dataclass(frozen=True, slots=True)
class Facts:
    """What the lights are read from. `document` and `template` are None when there is nothing to post.

    `by_finance` is `waiting` or `done` where Finance changes the template in accounting itself. `bills_itself`: there is no accounting
    system, dealops sends the documents to the customer.
    """

    state: str
    effective: str
    waits_for: str
    document_number: str = ""
    document_why: str = ""
    document: Delivery | None = None
    template: Delivery | None = None
    has_document: bool = False
    by_finance: str = ""
    bills_itself: bool = False


def lights(facts: Facts) -> tuple[Light, Light, Light, Light]:
    """Deal, this period, future invoice, accounting; in this order everywhere."""
    return (_deal(facts), _period(facts), _future(facts), _accounting(facts))


ENDED = {"rejected", "expired", "superseded", "discarded"}


def _before_applied(facts: Facts, name: str) -> Light | None:
    """What every light says while the change itself is not applied."""
    if facts.state == "draft":
        return Light(name, Status.NOT_YET, "Draft")
    if facts.state == "submitted":
        return Light(name, Status.WAITING, f"Waiting for {facts.waits_for}")
    if facts.state in {"approved", "scheduled"}:
        return Light(name, Status.WAITING, f"Scheduled for {facts.effective}")
    if facts.state in ENDED:
        return Light(name, Status.NOT_NEEDED, f"Not applied: {facts.state}")
    return None


def _deal(facts: Facts) -> Light:
    return _before_applied(facts, "Deal") or Light("Deal", Status.DONE, "Updated")


def _period(facts: Facts) -> Light:
    if facts.state == "submitted" and not facts.has_document:
        return Light("This period", Status.NOT_NEEDED, facts.document_why or "Nothing to bill now")
    early = _before_applied(facts, "This period")
    if early:
        return early
    if facts.document_number:
        return Light("This period", Status.DONE, facts.document_number)
    return Light("This period", Status.DONE, facts.document_why or "Nothing to bill now")


def _future(facts: Facts) -> Light:
    early = _before_applied(facts, "Future invoice")
    if early:
        return early
    if facts.template is None and facts.by_finance:
        is_done = facts.by_finance == "done"
        words = "Updated in accounting and verified" if is_done else "Waiting for Finance to update it in accounting"
        return Light("Future invoice", Status.DONE if is_done else Status.WAITING, words)
    if facts.template is None:
        return Light("Future invoice", Status.DONE, "Unchanged")
    if facts.template.state == "queued" and facts.document and facts.document.state == "parked":
        return Light("Future invoice", Status.WAITING, f"Waits behind {facts.document_number}, which needs a person")
    if facts.bills_itself:
        return _delivery("Future invoice", facts.template, done="Updated; dealops issues it", doing="Updating")
    return _delivery("Future invoice", facts.template, done="Updated and verified", doing="Replacing the template")


def _accounting(facts: Facts) -> Light:
    if facts.state in ENDED:
        return Light("Accounting", Status.NOT_NEEDED, "Nothing to tell")
    if facts.state != "applied":
        return Light("Accounting", Status.NOT_YET, "Not yet")
    if facts.bills_itself and facts.document is None:
        return Light("Accounting", Status.NOT_NEEDED, "Not needed: dealops bills itself")
    if facts.bills_itself and facts.document:
        return _delivery("Accounting", facts.document, done="Not needed; sent to the customer", doing="Sending to the customer")
    parts = [part for part in (facts.document, facts.template) if part is not None]
    if not parts:
        return Light("Accounting", Status.DONE, "Nothing to post")
    if facts.document and facts.document.state == "settled" and facts.template and facts.template.state not in {"settled", "done"}:
        return _beside_a_settled_one(facts, facts.template)
    worst = min(parts, key=lambda part: _ORDER.get(part.state, 0))
    return _delivery("Accounting", worst, done="Posted", doing="Posting")


def _beside_a_settled_one(facts: Facts, template: Delivery) -> Light:
    """Nothing more is sent about the document; the template still is, and what it waits for is told."""
    on_its_way = _delivery("Accounting", template, done="", doing="On its way")
    words = f"{on_its_way.words[0].lower()}{on_its_way.words[1:]}"
    return Light("Accounting", on_its_way.status, f"{facts.document_number} is settled otherwise; the template: {words}")


_ORDER = {"parked": 0, "unknown": 1, "sending": 2, "queued": 3, "settled": 4, "done": 5}


def _delivery(name: str, delivery: Delivery, *, done: str, doing: str) -> Light:
    if delivery.state == "done":
        return Light(name, Status.DONE, done)
    if delivery.state == "parked":
        return Light(name, Status.PROBLEM, f"Needs a person: {delivery.words}")
    if delivery.state == "settled":
        return Light(name, Status.NOT_NEEDED, delivery.words)
    if delivery.state == "unknown":
        return Light(name, Status.WAITING, "Unknown – asking accounting")
    if delivery.words:
        return Light(name, Status.WAITING, f"{doing}, saved and posts by itself: {delivery.words}")
    return Light(name, Status.WAITING, doing)
