"""What is known about customers on a day, read in sets: the same number of queries for one account and for twenty thousand."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

from billing.models import Price
from expansion.domain.motion.account import Account, Owned, ProductTrait, Use, Views
from expansion.domain.motion.gates import WEEK, WEEKLY_CAP
from expansion.domain.motion.use import THRESHOLD, CommitTrend
from expansion.domain.motion.white_space import Need
from expansion.models import ProductFacts, ProductRelation
from expansion.queries import facts_sql as sql

LOAD_FEWEST = 10
SHORT_LIVED_DAYS = 183
SINCE_DAYS = 120


def snapshots(*, on: date, customers: Collection[int] | None = None) -> dict[int, Account]:
    """Every customer with a contract (or those of these keys) as the plays see them on the day `on`. Nineteen queries.

    Facts later than `on` do not count, so that a back-test sees what was known then.
    """
    known = {"on": on, "customers": list(customers) if customers is not None else None}
    products = catalogue()
    owned, terms = _owned(known, products)
    usage = _usage(known, owned)
    trends = _trends(known)
    health, colours = dict(sql.rows(sql.HEALTH, known)), dict(sql.rows(sql.COLOURS, known))
    milestones = sql.grouped(sql.MILESTONES, known)
    support = {row[0]: row[1:] for row in sql.rows(sql.SUPPORT, known)}
    views, last_access = _views(known)
    logged = {customer: dict(found) for customer, found in sql.grouped(sql.LOGGED, known).items()}
    asked = {row[0]: row[1:] for row in sql.rows(sql.INTAKE, known)}
    goals, positions = sql.grouped(sql.GOALS, known), dict(sql.rows(sql.POSITIONS, known))
    offers = {row[0]: row[1:] for row in sql.rows(sql.OFFERS, known)}
    shown, cap = offers_of_the_week(on=on)
    short = dict(sql.rows(sql.SHORT_LIVED, {**known, "days": SHORT_LIVED_DAYS}))
    loads, limits = _loads(known)
    relations = _relations()
    accounts = {}
    for pk, number, name, segment, country, industry, size, ownership, stage, first_sale, onboarded, overdue in sql.rows(
        sql.CUSTOMERS, known
    ):
        mine = owned.get(pk, ())
        cancel, complaint, severity, rating, rated = support.get(pk, (None, None, 0, None, None))
        open_offer, last_no = offers.get(pk, (False, None))
        problem, product, asked_on = asked.get(pk, ("", "", None))
        start, end = terms.get(pk, (None, None))
        accounts[pk] = Account(
            number=number, name=name, segment=segment, country=country, industry=industry, size=size, owner_model=ownership, stage=stage,
            positions=tuple(positions.get(pk, ())), owned=mine, use=usage.get(pk, {}), trends=trends.get(pk, {}), health=health.get(pk),
            colour=colours.get(pk, ""), onboarding_done=onboarded, milestones=tuple(milestones.get(pk, ())), term_end=end,
            first_sale=first_sale or start, open_severity_one=severity or 0, overdue_days=max(0, (on - overdue).days) if overdue else 0,
            rating=(Fraction(rating), rated) if rating is not None else None, cancel_request=cancel, price_complaint=complaint,
            support_load=loads.get(pk), load_limit=limits.get(segment), views=views.get(pk, {}), last_access=last_access.get(pk),
            logged=logged.get(pk, {}), asked_problem=problem, asked_product=product or "", asked_on=asked_on,
            needs=tuple(Need(title, tuple(capabilities), weight) for title, capabilities, weight in goals.get(pk, ())),
            related=_related(mine, relations), removed_soon=tuple(set(short.get(pk, ())) - {o.product for o in mine}),
            open_offer=bool(open_offer), last_no=last_no, offers_this_week=shown, weekly_cap=cap,
            products=products,
        )  # fmt: skip
    return accounts


def offers_of_the_week(*, on: date) -> tuple[int, int | None]:
    """Offers shown to all customers together in the seven days up to `on`, and the most there may be; None is no limit. One query."""
    ((shown, is_set, cap),) = sql.rows(sql.OFFERS_OF_THE_WEEK, {"on": on, "week": WEEK})
    return shown, cap if is_set else WEEKLY_CAP


def catalogue() -> dict[str, ProductTrait]:
    """Every active product with what the motion knows about it. Three queries."""
    requires: dict[int, list[str]] = defaultdict(list)
    for product, other in ProductRelation.objects.filter(kind="requires", state="approved").values_list("product_id", "other__code"):
        requires[product].append(other)
    prices: dict[int, dict[str, Decimal]] = defaultdict(dict)
    for product, currency, price in Price.objects.filter(months__in=[0, 1]).values_list("product_id", "currency", "unit_price"):
        prices[product][currency] = price
    found = {}
    for facts in ProductFacts.objects.filter(product__is_active=True).select_related("product"):
        product = facts.product
        adoption = Fraction(facts.min_adoption, 100) if facts.min_adoption is not None else None
        found[product.code] = ProductTrait(
            product.code, product.name, product.family, product.tier, tuple(facts.capabilities), tuple(requires[product.pk]), adoption,
            facts.seat_cap, prices[product.pk], facts.can_pause,
        )  # fmt: skip
    return found


def _owned(known: Mapping[str, Any], products: Mapping[str, ProductTrait]) -> tuple[dict[int, tuple[Owned, ...]], dict[int, Any]]:
    """Per customer: what the contracts hold on the day, and (first start, nearest end)."""
    owned: dict[int, list[Owned]] = defaultdict(list)
    terms: dict[int, Any] = {}
    for pk, code, name, family, tier, unit, quantity, since, price, currency, start, end in sql.rows(sql.OWNED, known):
        cap = products[code].cap if code in products else None
        owned[pk].append(Owned(code, name, family, tier, unit, quantity, since, price, currency, cap))
        first, nearest = terms.get(pk, (start, end))
        terms[pk] = (min(first, start), min(nearest, end))
    return {pk: tuple(lines) for pk, lines in owned.items()}, terms


def _usage(known: Mapping[str, Any], owned: Mapping[int, Iterable[Owned]]) -> dict[int, dict[str, Use]]:
    """Newest count and the one of 30 days before, summed over departments; since when it is at the threshold. Two queries."""
    found: dict[int, dict[str, Use]] = defaultdict(dict)
    for pk, code, used, before, as_of, departments, newest in sql.rows(sql.USAGE, known):
        found[pk][code] = Use(code, used, before, as_of, tuple(departments or ()), newest or "")
    bought = {(pk, o.product): o.quantity for pk, lines in owned.items() for o in lines}
    high = {
        (pk, code): bought[pk, code]
        for pk, uses in found.items()
        for code, use in uses.items()
        if bought.get((pk, code)) and Fraction(use.used) >= THRESHOLD * Fraction(bought[pk, code])
    }
    if high:
        for pk, code, since in _since(known, high):
            found[pk][code] = replace(found[pk][code], over_since=since)
    return found


def _since(known: Mapping[str, Any], high: Mapping[tuple[int, str], Decimal]) -> Iterable[tuple[int, str, date]]:
    """The first day of the unbroken run of counts at or above the threshold, at today's quantity."""
    days: dict[tuple[int, str], list[tuple[date, Decimal]]] = defaultdict(list)
    keys = {"customers": [pk for pk, _ in high], "on": known["on"], "days": SINCE_DAYS}
    for pk, code, day, used in sql.rows(sql.USAGE_DAYS, keys):
        days[pk, code].append((day, used))
    for key, quantity in high.items():
        since = None
        for day, used in days.get(key, ()):
            over = Fraction(used) >= THRESHOLD * Fraction(quantity)
            since = (since or day) if over else None
        if since:
            yield (*key, since)


def _trends(known: Mapping[str, Any]) -> dict[int, dict[str, CommitTrend]]:
    found: dict[int, dict[str, CommitTrend]] = defaultdict(dict)
    for pk, code, units, used, start, end in sql.rows(sql.COMMITMENTS, known):
        found[pk][code] = CommitTrend(units, used, (known["on"] - start).days, (end - start).days)
    return found


def _views(known: Mapping[str, Any]) -> tuple[dict[int, dict[str, Views]], dict[int, date]]:
    """Engagement by kind, with module introductions opened by departments never seen before; and the day of the last access."""
    found: dict[int, dict[str, Views]] = defaultdict(dict)
    last: dict[int, date] = {}
    for pk, kind, recent, before, departments, fresh, newest in sql.rows(sql.ENGAGEMENT, known):
        found[pk][kind] = Views(recent, before, tuple(departments or ()), newest)
        if kind == "module_intro" and fresh:
            found[pk]["module_intro:new"] = Views(recent, before, tuple(fresh), newest)
        last[pk] = max(last.get(pk, newest), newest)
    return found, last


def _related(owned: Iterable[Owned], relations: Mapping[str, Collection[str]]) -> tuple[str, ...]:
    """Products that an approved relation leads to from what is owned."""
    mine = {o.product for o in owned}
    return tuple(sorted({other for product in mine for other in relations.get(product, ())} - mine))


def _relations() -> dict[str, set[str]]:
    """Approved relations, both ways for complements. One query."""
    found: dict[str, set[str]] = defaultdict(set)
    approved = ProductRelation.objects.filter(state="approved").exclude(kind="replaces")
    for product, other, kind in approved.values_list("product__code", "other__code", "kind"):
        found[product].add(other)
        if kind in {"complements", "requires", "part_of"}:
            found[other].add(product)
    return found


def _loads(known: Mapping[str, Any]) -> tuple[dict[int, Fraction], dict[str, Fraction]]:
    """Support events of 30 days per 1,000 of MRR, and per segment the limit: the smaller of P90 and twice the median (S2-23)."""
    loads: dict[int, Fraction] = {}
    by_segment: dict[str, list[Fraction]] = defaultdict(list)
    for pk, segment, events, mrr in sql.rows(sql.LOADS, known):
        load = Fraction(events) * 1000 / Fraction(mrr)
        loads[pk] = load
        by_segment[segment].append(load)
    limits = {}
    for segment, values in by_segment.items():
        values.sort()
        if len(values) >= LOAD_FEWEST:
            high, middle = values[(len(values) * 9) // 10], values[len(values) // 2]
            limits[segment] = min(high, 2 * middle) if middle else high
    return loads, {segment: limit for segment, limit in limits.items() if limit}
