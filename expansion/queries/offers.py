"""What the pages and the API of offers show, and what the form of one opens with. Each function has a fixed number of queries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from django.db.models import Count, Q, QuerySet, Window

from billing.domain.refusal import Refusal
from billing.models import Contract, Product
from billing.queries import recurring_rows
from dealops.accounts.models import User
from expansion.domain.motion import offers as domain
from expansion.domain.motion.steps import LineNow, intents, usual_quantity
from expansion.models import AWAITS_CHANGE, Deal, Goal, Introduction, Offer, Signal
from expansion.queries.preview import Preview, preview
from expansion.scope import visible

PAGE_SIZE = 30
TABS = {"waiting": "Waiting for an answer", "deferred": "Ask again", "settled": "Answered", "all": "All"}
STATES = {
    "waiting": tuple(sorted(domain.OPEN)), "deferred": ("deferred",), "settled": ("accepted", "declined", "ignored"),
    "all": (),
}  # fmt: skip
WITH = ("customer__legal_entity", "deal__contract__legal_entity", "product", "shown_by", "answered_by", "change", "signal__play")


@dataclass(frozen=True, slots=True)
class OfferPage:
    """One page of a tab, the count of each tab, and the cursor of the next page."""

    rows: tuple[Offer, ...]
    counts: Mapping[str, int]
    after: str


@dataclass(frozen=True, slots=True)
class Start:
    """What the form of an offer opens with. `quantity` is how many of the product there shall be."""

    product: str = ""
    quantity: str = ""
    goal: str = ""
    why_now: str = ""
    words: str = ""


def listing(user: User, *, tab: str, search: str = "", after: str = "") -> OfferPage:
    """Offers to customers of this person's teams, the newest first. Two queries."""
    found = visible(user, Offer.objects.all())
    if search.strip():
        words = search.strip()[:100]
        found = found.filter(Q(customer__name__icontains=words) | Q(words__icontains=words))
    by_state = dict(found.values_list("response").annotate(Count("pk")).order_by())
    counts = {name: sum(count for state, count in by_state.items() if not STATES[name] or state in STATES[name]) for name in TABS}
    shown = found.filter(response__in=STATES[tab]) if STATES[tab] else found
    if after.isdecimal() and len(after) < 18:
        shown = shown.filter(pk__lt=int(after))
    rows = list(shown.select_related(*WITH).order_by("-pk")[: PAGE_SIZE + 1])
    more = str(rows[PAGE_SIZE - 1].pk) if len(rows) > PAGE_SIZE else ""
    return OfferPage(tuple(rows[:PAGE_SIZE]), counts, more)


def one(pk: int, user: User) -> Offer:
    """Raises Offer.DoesNotExist, also for another team's."""
    found: Offer = visible(user, Offer.objects.all()).select_related(*WITH).get(pk=pk)
    return found


def to_ask(user: User, *, today: date, limit: int = 8) -> tuple[tuple[Offer, ...], int]:
    """Offers of this person's accounts that wait for an answer or are to be asked again today, the oldest first. One query."""
    mine = Q(deal__owner=user) | Q(deal__success_manager=user) | Q(shown_by=user)
    due = Q(response__in=domain.OPEN) | Q(response="deferred", deferred_until__lte=today)
    found = visible(user, Offer.objects.all()).filter(mine, due)
    rows = found.annotate(together=Window(Count("pk"))).select_related("customer", "deal", "product").order_by("shown_at", "pk")[:limit]
    return tuple(rows), rows[0].together if rows else 0


def open_of(customer_id: int) -> Offer | None:
    """The one open offer of an account. One query."""
    return Offer.objects.filter(customer=customer_id, response__in=domain.OPEN).select_related("shown_by").first()


def of_deal(deal_id: int) -> Offer | None:
    """The newest offer of a deal that is open, to be asked again, or accepted and awaits its change. One query."""
    live = Q(response__in=domain.WAITING) | AWAITS_CHANGE
    return Offer.objects.filter(live, deal=deal_id).select_related("product", "shown_by").order_by("-pk").first()


def lines_now(contract: Contract, on: date) -> list[LineNow]:
    """The recurring lines in force on the day, else the next one of each to come. One query."""
    return [
        LineNow(
            str(line.key), line.product.code, line.product.name, line.product.family, line.product.tier, line.product.unit, line.quantity,
            line.unit_price,
        )
        for line in recurring_rows(contract, on)
    ]  # fmt: skip


def intents_for(lines: Sequence[LineNow], product: Product, quantity: str) -> list[dict[str, str]]:
    """Raises Refusal naming the quantity when it is no number, or when nothing would change."""
    try:
        wanted = Decimal(quantity)
    except ArithmeticError:
        wanted = Decimal(-1)
    # An exponent of its own makes a number of gigabytes; it is looked at before anything spells it out.
    if not wanted.is_finite() or not -6 <= int(wanted.as_tuple().exponent) <= 9 or not 0 <= wanted < 10**9:
        raise Refusal("bad_quantity", "quantity", "Give a number of units, such as 25.")
    found = intents(lines, product=product.code, family=product.family, tier=product.tier, quantity=wanted)
    if not found:
        raise Refusal("nothing_changed", "quantity", f"They have {quantity} x {product.name} already. Offer another number or product.")
    return found


def computed(deal: Deal, edits: Sequence[Mapping[str, Any]], *, on: date) -> Preview:
    """What the offer would do when it is accepted on the day. Raises Refusal."""
    contract = deal.contract
    return preview(deal=deal, contract=contract, intents=edits, effective=max(on, contract.start), today=on)


def start_of(deal: Deal, *, signal: Signal | None, given: Introduction | None, on: date) -> Start:
    """Everything that is known before anybody types (S3-54). At most two queries."""
    need: Mapping[str, Any] = given.context.get("need", {}) if given else {}
    product = signal.product if signal else None
    lines = lines_now(deal.contract, on)
    quantity = ""
    if product is not None:
        units = signal.units if signal else None
        known = usual_quantity(lines, product=product.code, family=product.family, tier=product.tier, units=units)
        quantity = format(known.normalize(), "f")
    goal = str(need.get("goal", "")) or (signal.goal if signal else "")
    if not goal:
        goal = (
            Goal.objects.filter(customer=deal.customer_id, state="open").order_by("-weight", "pk").values_list("title", flat=True).first()
            or ""
        )
    return Start(
        product=product.code if product else "", quantity=quantity, goal=goal, why_now=signal.because if signal else "",
        words=signal.message if signal else "",
    )  # fmt: skip


def deals_of(user: User) -> QuerySet[Deal]:
    """Deals this person may offer something on."""
    found: QuerySet[Deal] = visible(user, Deal.objects.filter(is_open=True)).select_related("customer", "contract__legal_entity")
    return found
