"""Two years of ordinary life: recurring invoices on their days, and changes that people made, submitted and decided."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from billing.domain.refusal import Refusal
from billing.operations.billing_run import bill
from dealops.accounts.models import User
from expansion.domain import workflow
from expansion.models import Change, Deal, Notice
from expansion.operations import changes

CHANGES_BEFORE_THE_STORY = 41
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
    for day in sorted({*_bill_days(until), *plan}):
        bill(on=day, at=_at(day, 6))
        for deal in plan.get(day, ()):
            _change(deal, people, dice, day, decided=day < until - timedelta(days=2))
    Notice.objects.filter(channel=Notice.Channel.IN_APP, created_at__lt=_at(until - timedelta(days=3), 0)).update(read_at=_at(until, 7))


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
    span = (until - date(2026, 1, 6)).days
    for place, deal in enumerate(chosen):
        day = date(2026, 1, 6) + timedelta(days=span * place // (len(chosen) - 1))
        plan.setdefault(max(day, deal.contract.start + timedelta(days=3)), []).append(deal)
    return plan


def _change(deal: Deal, people: Mapping[str, User], dice: random.Random, day: date, *, decided: bool) -> Change | None:
    """One change as people make it: drafted, submitted, and where Finance owns it, decided by Finance."""
    maker, now = deal.owner, _at(day, 10)
    line = deal.contract.lines.filter(removed_in__isnull=True).select_related("product").order_by("id").first()
    assert line is not None
    try:
        change = changes.draft(deal=deal, intents=_intents(line, dice), effective=day, by=maker, now=now, goal=dice.choice(GOALS))
        change = changes.submit(change_id=change.pk, version=change.version, shown_hash=change.content_hash, by=maker, now=now + timedelta(minutes=5))
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
