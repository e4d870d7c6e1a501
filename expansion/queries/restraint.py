"""Whether customers are asked too much: gates people passed (7.6), noise (K34), offers that crowd at the ends of quarters (G3, S4-62)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from functools import reduce
from operator import or_
from typing import Any

from django.db.models import Count, Q

from dealops.accounts.models import User
from expansion.domain.motion.offers import OPEN
from expansion.domain.motion.outcomes import Noise, Pressure, noise, quarter_ends
from expansion.domain.motion.use import in_words
from expansion.models import Deal, Offer
from expansion.queries.facts import offers_of_the_week
from expansion.queries.signals import overrides_report
from expansion.scope import visible

OVERRIDE_DAYS = 90
NOISE_DAYS = 30


@dataclass(frozen=True, slots=True)
class Restraint:
    """`overrides` are rows of (guardrail, label, by, count) of the last 90 days; `pressures` each person who showed offers in a year.

    `week` counts the offers of seven days to all customers of the company, of which `cap` are the most (None: no limit).
    """

    overrides: list[dict[str, Any]]
    noise: Noise
    shown: int
    active: int
    pressures: tuple[Pressure, ...]
    week: int
    cap: int | None

    @property
    def per_account(self) -> str:
        """Offers shown to one active customer on average; "" without a customer."""
        return in_words(self.noise.per_account) if self.noise.per_account is not None else ""


def restraint(user: User, *, on: date) -> Restraint:
    """Of the customers this person sees. Six queries."""
    week, cap = offers_of_the_week(on=on)
    offers = visible(user, Offer.objects.all())
    shown = offers.filter(shown_at__date__gt=on - timedelta(days=NOISE_DAYS), shown_at__date__lte=on).count()
    active = visible(user, Deal.objects.filter(is_open=True)).aggregate(count=Count("customer", distinct=True))["count"]
    crowded = offers.filter(response__in=OPEN).values_list("customer__number").annotate(count=Count("pk")).filter(count__gt=1).order_by()
    return Restraint(
        overrides=overrides_report(user=user, first=on - timedelta(days=OVERRIDE_DAYS), last=on),
        noise=noise(shown=shown, active=active, open_offers=dict(crowded)), shown=shown, active=active,
        pressures=_pressures(offers, on), week=week, cap=cap,
    )  # fmt: skip


def _pressures(offers: Any, on: date) -> tuple[Pressure, ...]:
    ends = quarter_ends(on)
    within = reduce(or_, (Q(shown_at__date__range=span) for span in ends))
    year = offers.filter(shown_at__date__gt=ends[0][1] - timedelta(days=365), shown_at__date__lte=ends[0][1])
    rows = year.values_list("shown_by", "shown_by__name").annotate(at=Count("pk", filter=within), between=Count("pk", filter=~within))
    return tuple(Pressure(name, at, between) for _, name, at, between in rows.order_by("shown_by__name", "shown_by"))
