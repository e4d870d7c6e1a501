"""Two years of ordinary life: recurring invoices on their days, and changes that people made, submitted and decided."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from django.db.models import Q

from billing.domain.refusal import Refusal
from billing.models import Document
from billing.operations.billing_run import bill
from billing.operations.postings import queue_document
from dealops.accounts.models import User
from expansion.domain import workflow
from expansion.models import Change, Deal, Notice
from expansion.operations import changes
from expansion.operations.deals import place, stage_of

CHANGES_BEFORE_THE_STORY = 41
FIRST_CHANGE = date(2026, 1, 6)
# What was submitted in the last days still waits for Finance.
DAYS_UNDECIDED = 8
GOALS = (
    "Onboard the new regional team before quarter end",
    "Bring the warehouse staff onto the same plan",
    "Give planners live reports",
    "Cut the spend of a closed branch",
    "Answer auditors without spreadsheets",
)


def live_through(deals: list[Deal], people: Mapping[str, User], *, until: date) -> None:
    """Walk the calendar to `until`: bill each first and each odd day, make the changes of that day. The same history every time."""
    dice = random.Random(41)  # noqa: S311 - the same demo every time
    plan = _plan(deals, dice, until)
    changed = {deal.contract_id for day in plan.values() for deal in day}
    for day in sorted({*_bill_days(until), *plan}):
        bill(on=day, at=_at(day, 6))
        _post_what_matters(day, until, changed)
        for deal in plan.get(day, ()):
            _change(deal, people, dice, day, decided=day < until - timedelta(days=DAYS_UNDECIDED))
    _settle_the_boards(deals, dice, until)
    Notice.objects.filter(channel=Notice.Channel.IN_APP, created_at__lt=_at(until - timedelta(days=3), 0)).update(read_at=_at(until, 7))


# (pipeline, stage, how many, next step, days until it is due): conversations that have not become a change yet.
CONVERSATIONS = (
    ("upsells", "signal", 2, "Ask about the new team", 2),
    ("upsells", "qualified", 2, "Send the seat comparison", 0),
    ("upsells", "offered", 1, "Call about the offer", -3),
    ("upsells", "agreed", 1, "Draft the change", 1),
    ("cross_sells", "signal", 1, "Understand the reporting need", 4),
    ("cross_sells", "qualified", 1, "Find the budget owner", 3),
    ("cross_sells", "offered", 1, "Demo of Route Analytics", 6),
    ("downgrades", "signal", 1, "Talk about the closed branch", 1),
    ("main", "renewal_due", 3, "Prepare the renewal", 12),
    ("main", "at_risk", 2, "Executive check-in", -1),
)


def _post_what_matters(day: date, until: date, changed: set[int]) -> None:
    """Accounting gets the invoices whose period still runs, and those that a change of this year may credit."""
    issued = Document.objects.filter(origin="recurring", issue_date=day).filter(
        Q(service_end__gt=until) | Q(contract__in=changed, service_end__gt=FIRST_CHANGE)
    )
    for document in issued.order_by("number"):
        queue_document(document)


def _settle_the_boards(deals: list[Deal], dice: random.Random, until: date) -> None:
    """Older changes have moved on to their adoption check or back to the main board; some deals are being talked about."""
    for deal in Deal.objects.filter(stage__code="applied").select_related("stage", "pipeline", "contract__legal_entity"):
        age = (until - deal.stage_since.date()).days
        if age > 75:
            place(deal, stage_of("main", "live"), by=None, now=_at(until - timedelta(days=age - 75), 9))
        elif age > 25:
            place(deal, stage_of(deal.pipeline.code, "adoption_check"), by=None, now=_at(until - timedelta(days=age - 25), 9))
    quiet = list(
        Deal.objects.filter(stage__code="live", changes=None)
        .exclude(number="DL-1042")
        .select_related("stage", "pipeline", "owner", "contract__legal_entity")
        .order_by("pk")
    )
    for pipeline, stage, count, step, days in CONVERSATIONS:
        for deal in dice.sample(quiet, count):
            quiet.remove(deal)
            place(deal, stage_of(pipeline, stage), by=deal.owner, now=_at(until - timedelta(days=dice.choice((1, 3, 6, 11, 18))), 11))
            deal.next_step, deal.next_step_on = step, until + timedelta(days=days)
            deal.save(update_fields=["next_step", "next_step_on"])
    for deal in dice.sample(quiet, len(quiet) * 2 // 3):
        deal.next_step, deal.next_step_on = (
            dice.choice(("Quarterly review", "Check usage", "Say thank you")),
            until + timedelta(days=dice.randrange(3, 60)),
        )
        deal.save(update_fields=["next_step", "next_step_on"])


def _bill_days(until: date) -> Iterator[date]:
    """Every day on which some contract's period begins."""
    day = date(2024, 6, 1)
    while day <= until:
        if day.day in {1, 3, 8, 10, 15}:
            yield day
        day += timedelta(days=1)


def _plan(deals: list[Deal], dice: random.Random, until: date) -> dict[date, list[Deal]]:
    """Which deal changes on which day; Northbeam UK stays as it is, so that its numbers are the story's."""
    others = [deal for deal in deals if deal.contract.legal_entity.code != "northbeam-uk"]
    chosen = dice.sample(others, CHANGES_BEFORE_THE_STORY)
    plan: dict[date, list[Deal]] = {}
    span = (until - FIRST_CHANGE).days
    for turn, deal in enumerate(chosen):
        day = FIRST_CHANGE + timedelta(days=span * turn // (len(chosen) - 1))
        plan.setdefault(max(day, deal.contract.start + timedelta(days=3)), []).append(deal)
    return plan


def _change(deal: Deal, people: Mapping[str, User], dice: random.Random, day: date, *, decided: bool) -> Change | None:
    """One change as people make it: drafted, submitted, and where Finance owns it, decided by Finance."""
    maker, now = deal.owner, _at(day, 10)
    line = deal.contract.lines.filter(removed_in__isnull=True).select_related("product").order_by("id").first()
    assert line is not None
    try:
        change = changes.draft(deal=deal, intents=_intents(line, dice), effective=day, by=maker, now=now, goal=dice.choice(GOALS))
        change = changes.submit(
            change_id=change.pk, version=change.version, shown_hash=change.content_hash, by=maker, now=now + timedelta(minutes=5)
        )
    except Refusal:
        return None
    if change.state == workflow.State.SUBMITTED and decided:
        approver = people["george"]
        approve = {"change_id": change.pk, "version": change.version, "by": approver, "now": now + timedelta(hours=2)}
        if dice.random() < 0.08:
            return changes.reject(**approve, reason="The purchase order is for fewer seats; please correct the number.")
        return changes.approve(**approve, shown_hash=change.content_hash)
    return change


def _intents(line: Any, dice: random.Random) -> list[dict[str, str]]:
    """More seats most of the time, sometimes another product, sometimes fewer."""
    seats = int(line.quantity)
    kind = dice.choice(("more", "more", "more", "add", "fewer"))
    if kind == "add":
        owned = {row.product.code for row in line.contract.lines.filter(removed_in__isnull=True).select_related("product")}
        free = [code for code in ("route-analytics", "scheduler", "api-access", "premium-support") if code not in owned]
        return [{"action": "add", "product": dice.choice(free), "quantity": "1"}]
    step = max(1, seats // dice.choice((4, 5, 8)))
    return [{"action": "quantity", "key": str(line.key), "quantity": str(seats + step if kind == "more" else max(1, seats - step))}]


def _at(day: date, hour: int) -> datetime:
    return datetime.combine(day, time(hour, 0), UTC)
