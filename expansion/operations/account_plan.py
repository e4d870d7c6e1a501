"""Where an account stands in its life, and when to talk to it next about what (S2-11, S3-66)."""

from __future__ import annotations

from datetime import date, datetime

from django.db import transaction

from billing.domain.refusal import Refusal
from billing.models import Customer
from dealops.accounts.models import User
from dealops.audit.operations import record
from expansion import rules_motion as rules
from expansion.domain.motion.kinds import LIFECYCLE
from expansion.models import AccountProfile, Deal, Goal


@transaction.atomic
def plan_account(
    *, customer: Customer, lifecycle: str, talk_on: date | None, talk_about: str, by: User, on: date, now: datetime
) -> AccountProfile:
    """Set the stage of life and the next conversation; both stand on the timeline of the customer's deals.

    From onboarding on somebody of Customer Success is responsible, and from value on a goal is written down (S2-11). Raises NotAllowed, or
    Refusal naming `lifecycle`, `talk_on` or `talk_about`.
    """
    rules.demand(rules.why_not_plan_account(by))
    rules.demand(rules.why_not_see(by, customer))
    _check_talk(talk_on, talk_about, on)
    profile, _ = AccountProfile.objects.select_for_update().get_or_create(customer=customer)
    if lifecycle != profile.lifecycle:
        _check_lifecycle(customer, lifecycle)
    before = (profile.lifecycle, profile.next_talk_on, profile.next_talk_about)
    profile.lifecycle, profile.next_talk_on, profile.next_talk_about = lifecycle, talk_on, talk_about.strip()
    if before == (profile.lifecycle, profile.next_talk_on, profile.next_talk_about):
        return profile
    profile.save(update_fields=["lifecycle", "next_talk_on", "next_talk_about"])
    numbers = Deal.objects.filter(customer=customer).values_list("number", flat=True)
    record(
        action="account.planned",
        sentence=_said(customer, profile),
        subjects=[customer.permalink, *(f"deal:{number}" for number in numbers)],
        chain=customer.legal_entity.code,
        at=now,
        by=by,
    )
    return profile


def _said(customer: Customer, profile: AccountProfile) -> str:
    stage = f" is in the stage {profile.lifecycle}" if profile.lifecycle else " has no stage of life yet"
    talk = f"; next conversation on {profile.next_talk_on:%-d %b %Y} about {profile.next_talk_about}" if profile.next_talk_on else ""
    return f"{customer.name}{stage}{talk}."


def _check_talk(talk_on: date | None, talk_about: str, on: date) -> None:
    if talk_on is None and talk_about.strip():
        raise Refusal("no_day", "talk_on", "Say on which day to talk about it.")
    if talk_on is None:
        return
    if talk_on < on:
        raise Refusal("in_the_past", "talk_on", "The next conversation lies ahead. Choose today or a later day.")
    if not talk_about.strip():
        raise Refusal("no_topic", "talk_about", "Say what the conversation is about, so that it is about them.")
    if len(talk_about.strip()) > 200:
        raise Refusal("too_long", "talk_about", "Say it in 200 characters.")


def _check_lifecycle(customer: Customer, lifecycle: str) -> None:
    if lifecycle and lifecycle not in LIFECYCLE:
        raise Refusal("bad_lifecycle", "lifecycle", f"Choose one of {', '.join(LIFECYCLE)}.")
    place = LIFECYCLE.index(lifecycle) if lifecycle else 0
    if place >= LIFECYCLE.index("onboarding"):
        without = Deal.objects.filter(customer=customer, is_open=True, success_manager__isnull=True).order_by("number").first()
        if without:
            raise Refusal("no_success_manager", "lifecycle", f"{without.number} has nobody of Customer Success yet. Assign somebody first.")
    if place >= LIFECYCLE.index("value") and not Goal.objects.filter(customer=customer).exists():
        raise Refusal("no_goal", "lifecycle", "No goal is written down yet. Ask what they want to achieve, then say they reached value.")
