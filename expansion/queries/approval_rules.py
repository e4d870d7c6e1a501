"""Which approval rules fit a change, and how much its maker has asked for lately."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import Sum
from django.db.models.functions import Abs

from billing.domain.impact import Impact
from billing.domain.terms import Terms
from expansion.domain.approval import DEFAULT_RULES, Facts, Rule, Verdict, evaluate
from expansion.domain.workflow import State
from expansion.models import ApprovalRule, Change

ROLLING = timedelta(days=30)
ASKED = [state.value for state in (State.SUBMITTED, State.APPROVED, State.SCHEDULED, State.APPLIED)]


def rules_in_force() -> tuple[Rule, ...]:
    """The active rules in their order; where nobody ever wrote one, those every installation starts with. One query."""
    rows = list(ApprovalRule.objects.order_by("position", "pk"))
    return tuple(row.as_rule() for row in rows if row.is_active) if rows else DEFAULT_RULES


def no_rules() -> str:
    """What holds while no rule is in force, as a sentence for people; "" where one is. One query."""
    active = list(ApprovalRule.objects.values_list("is_active", flat=True))
    if not active:
        return "No approval rules yet. Finance approves where it owns the future invoice, and whatever reaches a closed period."
    return "" if any(active) else "No approval rules are in force: each is switched off, and every change takes effect at once."


def verdict_on(
    *, impact: Impact, before: Terms, after: Terms, intents: Sequence[Mapping[str, Any]], owner: str, effective: date, today: date
) -> Verdict:
    """Who has to agree to this change, by the rules as they are now. One query."""
    facts = Facts(
        amount=_amount(impact),
        currency=impact.currency,
        document=impact.expected_document or impact.document,
        owner=owner,
        mechanisms=impact.mechanisms,
        discount=_highest_discount(before, after),
        days_back=max((today - effective).days, 0),
        prior_period=impact.prior_period,
        waives=impact.waived > 0,
        sets_price=any(intent.get("action") == "price" or intent.get("unit_price") not in (None, "") for intent in intents),
    )
    return evaluate(rules_in_force(), facts)


def _amount(impact: Impact) -> Decimal:
    """Net of this period's document, also where it is issued on the effective day only."""
    if impact.document == "none" and impact.expected_document:
        return sum((abs(invoice.net) for invoice in impact.invoices_after if invoice.kind == "one_off"), Decimal(0))
    return impact.net


def _highest_discount(before: Terms, after: Terms) -> Decimal:
    kept = set(before.lines)
    return max((line.discount for line in after.lines if line not in kept), default=Decimal(0))


def asked_for_lately(change: Change, *, now: datetime) -> Decimal:
    """The rolling sum of M25: what this maker has handed in for this contract in thirty days, without signs, this change included.

    One currency, because a contract has one. One query.
    """
    handed_in = Change.objects.filter(
        deal=change.deal_id, maker_person=change.maker_person, state__in=ASKED, submitted_at__gte=now - ROLLING, submitted_at__lte=now
    ).exclude(pk=change.pk)
    others = handed_in.aggregate(total=Sum(Abs("amount_now")))["total"] or Decimal(0)
    return Decimal(others) + abs(change.amount_now)
