"""Everything else that becomes known about a customer: engagement, intake, support, health, goals, milestones, onboarding, people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.db import transaction

from billing.domain.refusal import Refusal
from billing.models import Customer, Product
from dealops.accounts.models import User
from dealops.audit.operations import record
from expansion import rules_motion as rules
from expansion.domain.motion import kinds, qualification
from expansion.models import (
    AccountProfile,
    Affiliation,
    Contact,
    Deal,
    EngagementEvent,
    Goal,
    HealthOverride,
    HealthReading,
    Intake,
    Milestone,
    SupportEvent,
)


@dataclass(frozen=True, slots=True)
class Seen:
    """Somebody looked at a document: `reference` is the sender's own number of the event."""

    customer: str
    reference: str
    document: str
    kind: str
    at: datetime
    viewer: str = ""
    department: str = ""
    product: str = ""


def customer_of(number: str) -> Customer:
    """Raises Refusal naming `customer`."""
    found = Customer.objects.filter(number=number).first()
    if found is None:
        raise Refusal(
            "unknown_customer", "customer", f"There is no customer “{number[:40]}”. Send the number dealops shows, such as CU-1042."
        )
    return found


def product_of(code: str) -> Product | None:
    """None for a blank code. Raises Refusal naming `product`."""
    if not code:
        return None
    found = Product.objects.filter(code=code).first()
    if found is None:
        raise Refusal("unknown_product", "product", f"There is no product “{code[:40]}”. Take a code of the catalogue.")
    return found


@transaction.atomic
def record_engagement(*, seen: Seen, source: str, now: datetime) -> tuple[EngagementEvent, bool]:
    """Take one event; the second time the same reference comes it is the same event. Answers it and whether it is new."""
    if seen.kind not in kinds.ENGAGEMENT_KINDS:
        raise Refusal("unknown_kind", "kind", f"“{seen.kind[:40]}” is not known. Known: {', '.join(kinds.ENGAGEMENT_KINDS)}.")
    if seen.at > now:
        raise Refusal("in_the_future", "at", "The event lies in the future. Send it when it has happened.")
    return EngagementEvent.objects.get_or_create(
        reference=seen.reference,
        defaults={
            "customer": customer_of(seen.customer), "document": seen.document, "kind": seen.kind, "product": product_of(seen.product),
            "viewer": seen.viewer, "department": seen.department.strip(), "at": seen.at, "source": source,
        },
    )  # fmt: skip


@transaction.atomic
def record_intake(
    *, customer: Customer, reference: str, source: str, answers: Mapping[str, Any], at: datetime, product: Product | None = None,
    contact: Contact | None = None,
) -> tuple[Intake, bool]:  # fmt: skip
    """Keep what a customer asked for, the six fields (S3-18). Answers the intake and whether it is new."""
    unknown = set(answers) - set(qualification.INTAKE)
    if unknown:
        raise Refusal("unknown_field", sorted(unknown)[0], f"An intake has exactly these fields: {', '.join(qualification.INTAKE)}.")
    if not any(answers.get(name) not in ("", None) for name in qualification.INTAKE):
        raise Refusal("empty_intake", "goal", "Nothing was answered. Give at least the goal or the problem.")
    facts = {name: answers.get(name) for name in qualification.INTAKE if answers.get(name) not in ("", None)}
    defaults = {
        **facts, "customer": customer, "source": source, "product": product, "contact": contact, "at": at,
        "completeness": qualification.completeness(answers),
    }  # fmt: skip
    intake, made = Intake.objects.get_or_create(reference=reference, defaults=defaults)
    if made:
        words = (
            f"{customer.name} asked: {intake.problem or intake.goal or 'about a product'} ({intake.completeness} % of the intake known)."
        )
        _note(customer, "intake.received", words, at)
    return intake, made


@transaction.atomic
def record_support(
    *, customer: Customer, reference: str, kind: str, day: date, on: date, source: str, rating: Decimal | None = None,
    rating_of: int | None = None,
    closed_on: date | None = None, words: str = "",
) -> tuple[SupportEvent, bool]:  # fmt: skip
    """A ticket, an escalation, a rating. A second delivery may close it. Raises Refusal naming the field."""
    if kind not in kinds.SUPPORT_KINDS:
        raise Refusal("unknown_kind", "kind", f"“{kind[:40]}” is not known. Known: {', '.join(kinds.SUPPORT_KINDS)}.")
    if day > on:
        raise Refusal("in_the_future", "day", "The day lies in the future. Send it when it has happened.")
    if kind == "rating" and (rating is None or not rating_of or not 0 <= rating <= rating_of):
        raise Refusal("bad_rating", "rating", "A rating needs a number and the best one there is, such as 4.5 of 5.")
    event, made = SupportEvent.objects.get_or_create(
        reference=reference,
        defaults={
            "customer": customer, "kind": kind, "day": day, "closed_on": closed_on, "rating": rating, "rating_of": rating_of,
            "words": words,
            "source": source,
        },
    )  # fmt: skip
    if not made and closed_on and event.closed_on is None:
        event.closed_on = closed_on
        event.save(update_fields=["closed_on"])
    return event, made


@transaction.atomic
def record_health(
    *, customer: Customer, score: int | None, drivers: Sequence[Mapping[str, str]], day: date, source: str, at: datetime
) -> HealthReading:
    """A score of a day with its drivers; None says that it is unknown. The deals show the newest."""
    if score is not None and not 0 <= score <= 100:
        raise Refusal("bad_score", "score", "A health score is a whole number from 0 to 100.")
    reading, _ = HealthReading.objects.update_or_create(
        customer=customer, day=day, defaults={"score": score, "drivers": list(drivers), "source": source, "at": at}
    )
    newest = HealthReading.objects.filter(customer=customer).order_by("-day").first()
    Deal.objects.filter(customer=customer, is_open=True).update(health=newest.score if newest else None)
    return reading


@transaction.atomic
def override_health(*, customer: Customer, colour: str, reason: str, by: User, now: datetime) -> HealthOverride:
    """A person's own colour, above the score until it is lifted (K23). Raises NotAllowed or Refusal."""
    rules.demand(rules.why_not_judge_health(by))
    rules.demand(rules.why_not_see(by, customer))
    if colour not in {"red", "amber", "green"}:
        raise Refusal("bad_colour", "colour", "Choose red, amber or green.")
    if not reason.strip():
        raise Refusal("no_reason", "reason", "Say why, so that the next person understands it.")
    HealthOverride.objects.filter(customer=customer, lifted_at__isnull=True).update(lifted_at=now, lifted_by=by)
    override = HealthOverride.objects.create(customer=customer, colour=colour, reason=reason.strip(), by=by, at=now)
    _note(customer, "health.overridden", f"{by} set the health of {customer.name} to {colour}.", now, by=by, reason=reason.strip())
    return override


@transaction.atomic
def lift_health_override(*, customer: Customer, by: User, now: datetime) -> None:
    """The score counts again."""
    rules.demand(rules.why_not_judge_health(by))
    rules.demand(rules.why_not_see(by, customer))
    if HealthOverride.objects.filter(customer=customer, lifted_at__isnull=True).update(lifted_at=now, lifted_by=by):
        _note(customer, "health.lifted", f"{by} lets the score of {customer.name} count again.", now, by=by)


@transaction.atomic
def set_profile(*, customer: Customer, at: datetime, by: User | None = None, **facts: Any) -> AccountProfile:
    """Traits of the account: lifecycle, ownership, onboarding, next conversation. Only the given ones are written."""
    if facts.get("lifecycle") and facts["lifecycle"] not in kinds.LIFECYCLE:
        raise Refusal("bad_lifecycle", "lifecycle", f"Choose one of {', '.join(kinds.LIFECYCLE)}.")
    before = AccountProfile.objects.filter(customer=customer).first()
    profile, _ = AccountProfile.objects.update_or_create(customer=customer, defaults=facts)
    done = profile.onboarding_done_on
    if done and (before is None or before.onboarding_done_on != done):
        _note(customer, "onboarding.done", f"{customer.name} finished onboarding on {done:%-d %b %Y}.", at, by=by)
    return profile


@transaction.atomic
def set_goal(
    *, customer: Customer, title: str, at: datetime, capabilities: Sequence[str] = (), metric: str = "", due_on: date | None = None,
    weight: int = 1, state: str = "open", by: User | None = None,
) -> Goal:  # fmt: skip
    """A goal of the customer, by its title. Raises Refusal for a blank one."""
    if not title.strip():
        raise Refusal("no_goal", "title", "Say what the customer wants to reach.")
    facts = {"capabilities": list(capabilities), "metric": metric, "due_on": due_on, "weight": weight, "state": state}
    goal, made = Goal.objects.update_or_create(
        customer=customer, title=title.strip()[:200], defaults=facts, create_defaults={**facts, "created_at": at}
    )
    if made:
        _note(customer, "goal.set", f"{customer.name} wants: {goal.title}.", at, by=by)
    return goal


@transaction.atomic
def reach_milestone(*, customer: Customer, kind: str, day: date, on: date, source: str, at: datetime, words: str = "") -> Milestone:
    """Felt value (S4-49). The same one twice is one. Raises Refusal for a day to come."""
    if day > on:
        raise Refusal("in_the_future", "day", "A milestone is reached when it is reached; the day lies in the future.")
    milestone, made = Milestone.objects.get_or_create(customer=customer, kind=kind, day=day, defaults={"words": words, "source": source})
    if made:
        what = words or kinds.MILESTONE_KINDS.get(kind, kind.replace("_", " "))
        _note(customer, "milestone.reached", f"{customer.name} reached a milestone: {what}.", at)
    return milestone


def know_contact(*, customer: Customer, name: str, department: str = "", position: str = "", **more: Any) -> Contact:
    """A person at the customer, by name; what is given is kept, what is blank stays as it was."""
    if not name.strip():
        raise Refusal("no_contact", "contact", "Give the person's name.")
    given = {key: value for key, value in {"department": department, "position": position, **more}.items() if value not in ("", None)}
    contact, _ = Contact.objects.update_or_create(customer=customer, name=name.strip()[:120], defaults=given)
    return contact


def link_affiliate(*, parent: Customer, child: Customer) -> Affiliation:
    """`child` belongs to `parent`. Raises Refusal when that would be a circle."""
    if parent.pk == child.pk or Affiliation.objects.filter(parent=child, child=parent).exists():
        raise Refusal("circle", "parent", f"{child.name} cannot belong to {parent.name}: that would be a circle.")
    link, _ = Affiliation.objects.update_or_create(child=child, defaults={"parent": parent})
    return link


def _note(customer: Customer, action: str, sentence: str, at: datetime, *, by: User | None = None, reason: str = "") -> None:
    """On the timeline of each of the customer's deals."""
    subjects = [
        customer.permalink,
        *(f"deal:{number}" for number in Deal.objects.filter(customer=customer).values_list("number", flat=True)),
    ]
    record(action=action, sentence=sentence, subjects=subjects, chain=customer.legal_entity.code, at=at, by=by, reason=reason)
