"""The downsell plan of a deal with what each way keeps, and what became of those that were taken (K33)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction

from django.db.models import Sum

from billing.clock import business_date
from billing.domain.money import places
from billing.domain.periods import add_months
from billing.domain.refusal import Refusal
from billing.models import Contract
from expansion.domain import workflow
from expansion.domain.motion.downsell import DISCOUNT_MONTHS, SEASON_MONTHS, Effect, Option, Situation, plan, settles_on
from expansion.domain.motion.outcomes import SAVE_CHECK_DAYS, Saved, saved_mrr
from expansion.domain.motion.use import in_words, percent_words
from expansion.models import Change, Deal, Signal
from expansion.queries.catalogue import sellable_on
from expansion.queries.facts import snapshots
from expansion.queries.offers import lines_now
from expansion.queries.preview import Preview, preview


@dataclass(frozen=True, slots=True)
class Row:
    """One way with its preview; `why_not` says why it cannot be had, then there is none."""

    option: Option
    seen: Preview | None
    effect: Effect | None
    why_not: str

    @property
    def kept(self) -> str:
        share = self.effect.kept_share if self.effect else None
        return percent_words(share) if share is not None else ""

    @property
    def points(self) -> str:
        return _points(self.effect.nrr_points if self.effect else None)

    @property
    def points_if_they_leave(self) -> str:
        return _points(self.effect.nrr_points_if_they_leave if self.effect else None)


@dataclass(frozen=True, slots=True)
class Kept:
    """A smaller plan that was taken: its change, K33 as of today, and the day it settles. Only a save counts as saved (S4-10, K03)."""

    change: Change
    saved: Saved
    settles_on: date
    has_left: bool
    is_save: bool


def _points(value: Fraction | None) -> str:
    """`0.42 points lower`; NRR is a percentage, so its change is counted in points."""
    if value is None:
        return "unknown"
    if 0 < value < Fraction(5, 1000):
        return "less than 0.01 points lower"
    return f"{in_words(value)} points lower" if value else "none"


def options_of(deal: Deal, *, on: date) -> list[Option]:
    """Every way in its rank, without the amounts. A fixed number of queries."""
    contract = deal.contract
    account = snapshots(on=on, customers=[deal.customer_id]).get(deal.customer_id)
    if account is None:
        return []
    prices = {product.code: product.unit_price for product in sellable_on(contract) if product.is_recurring}
    back = add_months(on, SEASON_MONTHS)
    used = {code: use.used for code, use in account.use.items()}
    return plan(
        Situation(
            lines=lines_now(contract, on), traits=account.products, prices=prices, used=used,
            return_on=back if back < contract.end else None,
            discount_until=min(add_months(on, DISCOUNT_MONTHS), contract.end), discounts=_discounts(deal, on),
            places=places(contract.currency),
        )
    )  # fmt: skip


def plan_of(deal: Deal, *, on: date) -> list[Row]:
    """Every way with what it does: at most five previews."""
    base = portfolio_mrr(deal.contract.currency)
    return [_row(deal, option, base, on) for option in options_of(deal, on=on)]


def _row(deal: Deal, option: Option, base: Decimal, on: date) -> Row:
    if option.why_not:
        return Row(option, None, None, option.why_not)
    contract = deal.contract
    try:
        seen = preview(deal=deal, contract=contract, intents=option.intents, effective=max(on, contract.start), today=on)
    except Refusal as refusal:
        return Row(option, None, None, refusal.message)
    return Row(option, seen, Effect(seen.impact.mrr_before, seen.impact.mrr_after, base), "")


def portfolio_mrr(currency: str) -> Decimal:
    """Recurring revenue of every open deal in one currency. One query."""
    return Deal.objects.filter(is_open=True, contract__currency=currency).aggregate(sum=Sum("mrr"))["sum"] or Decimal(0)


def _discounts(deal: Deal, on: date) -> int:
    """Applied changes of the customer in twelve months that lowered a price by hand. One query."""
    since = add_months(on, -12)
    made = Change.objects.filter(
        deal__customer=deal.customer_id, state=workflow.State.APPLIED, applied_at__date__gte=since, mrr_delta__lt=0
    )
    return sum(any(edit.get("action") == "price" for edit in edits) for edits in made.values_list("edits", flat=True))


def kept_by(customer_id: int, *, on: date) -> Sequence[Kept]:
    """Downgrades that took effect in the last half year, the newest first, with what they saved so far (K33). Two queries."""
    since = on - timedelta(days=2 * SAVE_CHECK_DAYS)
    changes = Change.objects.filter(
        deal__customer=customer_id, state=workflow.State.APPLIED, mechanism="downgrade", reverses__isnull=True, applied_at__date__gte=since
    )
    rows = changes.select_related("deal__contract__legal_entity").order_by("-applied_at", "-pk")[:6]
    signs = list(
        Signal.objects.filter(customer=customer_id, mechanism="downgrade").exclude(state="dismissed").values_list("first_seen", flat=True)
    )
    return [_kept(change, signs, on) for change in rows]


def _kept(change: Change, signs: Sequence[datetime], on: date) -> Kept:
    """A downgrade is a save when something spoke of leaving in the 90 days before it: without that they only needed less."""
    contract = change.deal.contract
    assert isinstance(change.applied_at, datetime)
    applied = max(change.effective, business_date(contract.legal_entity.time_zone, change.applied_at))
    left = contract.end if contract.state != Contract.State.ACTIVE or contract.end <= on else None
    before, after = Decimal(change.impact["mrr_before"]), Decimal(change.impact["mrr_after"])
    saved = saved_mrr(before=before, after=after, applied=applied, on=on, churned=left)
    is_save = any(seen <= change.applied_at <= seen + timedelta(days=SAVE_CHECK_DAYS) for seen in signs)
    return Kept(change, saved, settles_on(applied, SAVE_CHECK_DAYS), left is not None, is_save)
