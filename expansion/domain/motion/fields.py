"""What a rule may ask about a customer: static traits and live signals, each with its own words (7.1, S3-13, S3-22)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

from expansion.domain.motion import windows
from expansion.domain.motion.account import Account
from expansion.domain.motion.use import percent_words

RECENT_DAYS = 30
LOGGED_DAYS = 14


@dataclass(frozen=True, slots=True)
class Reading:
    """One value of a field. `key` names the occurrence, so that one occurrence fires once; a `level` lasts until it is over.

    `words` continue a sentence that begins with the customer's name.
    """

    value: Any
    words: str
    key: str = ""
    level: bool = False
    since: date | None = None
    as_of: date | None = None
    product: str = ""


@dataclass(frozen=True, slots=True)
class Field:
    """`kind` is static or live, `type` number, text, set or yes; `family` groups live signals for reports (S3-23 to S3-26)."""

    name: str
    kind: str
    type: str
    label: str
    read: Callable[[Account, date], Iterable[Reading]]
    family: str = ""


def _day(day: date) -> str:
    return f"{day.day} {day:%b}"


def _count(quantity: Decimal, unit: str) -> str:
    return f"{quantity.normalize():f} {unit}{'' if quantity == 1 else 's'}"


def _plan(account: Account, on: date) -> Iterable[Reading]:
    if account.plan:
        yield Reading(account.plan.product, f"is on {account.plan.name} ({_count(account.plan.quantity, account.plan.unit)})")


def _products(account: Account, on: date) -> Iterable[Reading]:
    names = ", ".join(owned.name for owned in account.owned)
    yield Reading(frozenset(owned.product for owned in account.owned), f"owns {names or 'no product'}")


def _product_count(account: Account, on: date) -> Iterable[Reading]:
    count = len({owned.product for owned in account.owned})
    yield Reading(count, f"owns {count} {'product' if count == 1 else 'products'} ({', '.join(o.name for o in account.owned)})")


def _tenure(account: Account, on: date) -> Iterable[Reading]:
    if account.first_sale and account.first_sale <= on:
        yield Reading((on - account.first_sale).days, f"has been a customer since {_day(account.first_sale)} {account.first_sale.year}")


def _text(name: str, words: str) -> Callable[[Account, date], Iterable[Reading]]:
    def read(account: Account, on: date) -> Iterable[Reading]:
        value = getattr(account, name)
        if value not in ("", None):
            yield Reading(value, words.format(value))

    return read


def _positions(account: Account, on: date) -> Iterable[Reading]:
    yield Reading(frozenset(account.positions), f"is used by {', '.join(account.positions) or 'nobody we know'}")


def _adoption(account: Account, on: date) -> Iterable[Reading]:
    """Uneven: something is used heavily while something else that is owned is not (W3)."""
    shares = {owned.name: share for owned in account.owned if (share := account.share(owned.product)) is not None}
    if len(shares) > 1:
        high, low = max(shares, key=lambda name: shares[name]), min(shares, key=lambda name: shares[name])
        words = f"uses {high} at {percent_words(shares[high])} and {low} at {percent_words(shares[low])}"
        yield Reading(shares[high] - shares[low], words)


def _in_use(account: Account, on: date) -> Iterable[Reading]:
    """How much of what they own they have made their own; where nothing is counted it is unknown, not nothing."""
    counted = [owned for owned in account.owned if account.share(owned.product) is not None]
    if counted:
        share = Fraction(len(account.adopted), len(account.owned))
        yield Reading(share, f"uses {len(account.adopted)} of the {len(account.owned)} products it owns")


def _utilisation(account: Account, on: date) -> Iterable[Reading]:
    for owned in account.owned:
        use, share = account.use.get(owned.product), account.share(owned.product)
        if use and share is not None and owned.unit == "seat":
            since = use.over_since or use.as_of
            words = (
                f"has used {use.used.normalize():f} of {_count(owned.quantity, f'{owned.name} {owned.unit}')} ({percent_words(share)}) "
                f"since {_day(since)}"
            )
            yield Reading(share, words, f"utilisation:{owned.product}", True, since, use.as_of, owned.product)


def _plan_cap(account: Account, on: date) -> Iterable[Reading]:
    plan = account.plan
    if plan and plan.cap:
        use = account.use.get(plan.product)
        used = max(use.used if use else Decimal(0), plan.quantity)
        words = f"fills {used.normalize():f} of the {plan.cap} users that {plan.name} allows"
        as_of = use.as_of if use else on
        yield Reading(Fraction(used) / plan.cap, words, f"plan_cap:{plan.product}", True, as_of, as_of, plan.product)


def _commitment(account: Account, on: date) -> Iterable[Reading]:
    for product, trend in account.trends.items():
        left = trend.days_to_cap
        name = account.products[product].name if product in account.products else product
        words = f"has used {trend.used.normalize():,f} of {trend.commit.normalize():,f} units of {name} and reaches the cap in {left} days"
        yield Reading(trend.projected / Fraction(trend.commit), words, f"commitment:{product}", True, on, on, product)


def _use_drop(account: Account, on: date) -> Iterable[Reading]:
    for product, use in account.use.items():
        if use.before:
            drop = 1 - Fraction(use.used) / Fraction(use.before)
            words = f"uses {percent_words(max(drop, Fraction(0)))} less than 30 days ago"
            yield Reading(drop, words, f"use_drop:{product}", True, use.as_of, use.as_of, product)


def _growing_department(account: Account, on: date) -> Iterable[Reading]:
    for product, use in account.use.items():
        if use.new_department:
            key = f"department:{product}:{use.new_department}"
            yield Reading(True, f"has a new department at work: {use.new_department}", key, False, use.as_of, use.as_of, product)


def _onboarding(account: Account, on: date) -> Iterable[Reading]:
    done = account.onboarding_done
    if done and done <= on:
        yield Reading((on - done).days, f"finished onboarding on {_day(done)}", f"onboarding:{done}", False, done, done)


def _milestone(account: Account, on: date) -> Iterable[Reading]:
    for kind, day in account.milestones:
        if day <= on:
            words = f"reached “{kind.replace('_', ' ')}” on {_day(day)}"
            yield Reading((on - day).days, words, f"milestone:{kind}:{day}", False, day, day)


def _renewal(account: Account, on: date) -> Iterable[Reading]:
    if account.term_end:
        left = (account.term_end - on).days
        yield Reading(left, f"renews in {left} days, on {_day(account.term_end)}", f"renewal:{account.term_end}", False, on, on)


def _since_sale(account: Account, on: date) -> Iterable[Reading]:
    if account.first_sale:
        days = (on - account.first_sale).days
        words = f"bought {days} days ago, on {_day(account.first_sale)}"
        yield Reading(days, words, f"sale:{account.first_sale}", False, account.first_sale, on)


def _rating(account: Account, on: date) -> Iterable[Reading]:
    if account.rating and windows.within(account.rating[1], on, windows.AFTER_RATING):
        score, day = account.rating
        yield Reading(score, f"rated support {percent_words(score)} on {_day(day)}", f"rating:{day}", False, day, day)


def _happened(name: str, words: str) -> Callable[[Account, date], Iterable[Reading]]:
    def read(account: Account, on: date) -> Iterable[Reading]:
        day = getattr(account, name)
        if windows.within(day, on, RECENT_DAYS):
            yield Reading(True, f"{words} on {_day(day)}", f"{name}:{day}", False, day, day)

    return read


def _views(kind: str, words: str) -> Callable[[Account, date], Iterable[Reading]]:
    def read(account: Account, on: date) -> Iterable[Reading]:
        views = account.views.get(kind)
        if views and views.recent:
            times = "once" if views.recent == 1 else f"{views.recent} times"
            yield Reading(views.recent, f"{words} {times} in 14 days", f"views:{kind}", True, views.last, views.last)

    return read


def _new_department_views(account: Account, on: date) -> Iterable[Reading]:
    views = account.views.get("module_intro:new")
    for department in views.departments if views else ():
        assert views
        words = f"had {department}, a new department, open the introduction of a module on {_day(views.last)}"
        yield Reading(True, words, f"module_intro:{department}", False, views.last, views.last)


def _guide_growth(account: Account, on: date) -> Iterable[Reading]:
    views = account.views.get("adoption_guide")
    rising = any(use.before is not None and use.used > use.before for use in account.use.values())
    if views and views.before and rising:
        growth = Fraction(views.recent, views.before) - 1
        words = f"reads the adoption guide {percent_words(growth)} more than in the 14 days before, while use is rising"
        yield Reading(growth, words, "guide_growth", True, views.last, views.last)


def _absence(account: Account, on: date) -> Iterable[Reading]:
    if account.last_access and account.last_access <= on:
        days = (on - account.last_access).days
        yield Reading(days, f"has not opened anything for {days} days", "absence", True, account.last_access, account.last_access)


def _logged(account: Account, on: date) -> Iterable[Reading]:
    kinds = {kind: day for kind, day in account.logged.items() if windows.within(day, on, LOGGED_DAYS)}
    if kinds:
        newest = max(kinds, key=lambda kind: kinds[kind])
        words = f"told us ({newest.replace('_', ' ')}) on {_day(kinds[newest])}"
        yield Reading(frozenset(kinds), words, f"logged:{newest}:{kinds[newest]}", False, kinds[newest], kinds[newest])


def _gap(account: Account, on: date) -> Iterable[Reading]:
    best = account.gap.best
    product = account.asked_product if account.asked_product and not account.owns(account.asked_product) else ""
    if product and windows.within(account.asked_on, on, RECENT_DAYS):
        assert account.asked_on
        name = account.products[product].name if product in account.products else product
        words = f"described on {_day(account.asked_on)} “{account.asked_problem}”, which {name} solves"
        yield Reading(True, words, f"asked:{product}:{account.asked_on}", False, account.asked_on, account.asked_on, product)
    elif best:
        name = account.products[best.product].name
        yield Reading(True, f"has the goal “{best.goals[0]}”, which needs {name}", f"gap:{best.product}", True, on, on, best.product)


_ALL = (
    Field("products", "static", "set", "Products owned", _products),
    Field("product_count", "static", "number", "How many products", _product_count),
    Field("plan", "static", "text", "Plan", _plan),
    Field("adoption", "static", "number", "Share of the owned products in use", _in_use),
    Field("adoption_spread", "static", "number", "Spread between the most and the least used product", _adoption),
    Field("tenure_days", "static", "number", "Days since the first sale", _tenure),
    Field("health", "static", "number", "Health score", _text("health", "has a health of {}")),
    Field("stage", "static", "text", "Account stage", _text("stage", "is an account in the stage {}")),
    Field("size", "static", "number", "Size of the company", _text("size", "has {} people")),
    Field("industry", "static", "text", "Industry", _text("industry", "is in {}")),
    Field("country", "static", "text", "Location", _text("country", "is in {}")),
    Field("segment", "static", "text", "Segment", _text("segment", "is in the segment {}")),
    Field("positions", "static", "set", "Positions of its people", _positions),
    Field("owner_model", "static", "text", "Who owns the account", _text("owner_model", "is owned by the {}")),
    Field("utilisation", "live", "number", "Share of the seats in use", _utilisation, "usage"),
    Field("plan_cap", "live", "number", "Share of the plan's cap", _plan_cap, "usage"),
    Field("commitment", "live", "number", "Projected share of the commitment", _commitment, "usage"),
    Field("use_drop", "live", "number", "Fall of use in 30 days", _use_drop, "risk"),
    Field("new_department", "live", "yes", "A new department is at work", _growing_department, "usage"),
    Field("onboarding_days", "live", "number", "Days since onboarding was done", _onboarding, "usage"),
    Field("milestone_days", "live", "number", "Days since a value milestone", _milestone, "usage"),
    Field("renewal_days", "live", "number", "Days to the end of the term", _renewal, "date"),
    Field("sale_days", "live", "number", "Days since the initial sale", _since_sale, "post_purchase"),
    Field("rating", "live", "number", "Support rating, as a share of the best one", _rating, "intent"),
    Field("cancel_request", "live", "yes", "Asked to cancel", _happened("cancel_request", "asked to cancel"), "risk"),
    Field(
        "price_complaint", "live", "yes", "Complained about the price", _happened("price_complaint", "complained about the price"), "risk"
    ),
    Field("higher_plan_views", "live", "number", "Views of a higher plan", _views("higher_plan", "looked at a higher plan"), "intent"),
    Field("module_new_department", "live", "yes", "A new department opened a module's page", _new_department_views, "intent"),
    Field("guide_growth", "live", "number", "Growth of guide reading", _guide_growth, "intent"),
    Field("absence_days", "live", "number", "Days without access", _absence, "risk"),
    Field("gated_attempts", "live", "number", "Attempts at gated features", _views("gated_feature", "tried a gated feature"), "intent"),
    Field("pricing_views", "live", "number", "Visits of the pricing page", _views("pricing", "looked at the prices"), "intent"),
    Field("comparison_views", "live", "number", "Comparison reopened", _views("comparison", "reopened the product comparison"), "intent"),
    Field("integration_views", "live", "number", "Integration pages", _views("integration", "asked about integrations"), "intent"),
    Field("admin_views", "live", "number", "Admin controls", _views("admin_controls", "asked about admin controls"), "intent"),
    Field("logged", "live", "set", "Logged by a person", _logged, "intent"),
    Field("gap", "live", "yes", "A need no owned product meets", _gap, "gap"),
)
FIELDS = {field.name: field for field in _ALL}
# What customers own and use says more than who they are (S3-19): the builder offers it first and opens with it.
WHO_THEY_ARE = ("segment", "owner_model", "size", "industry", "country", "positions")
SEGMENTS = (
    ("What they own and use", tuple(f.name for f in _ALL if f.kind == "static" and f.name not in WHO_THEY_ARE)),
    ("Who and where they are", WHO_THEY_ARE),
)
OWNERSHIP_BY_ADOPTION = (
    {"field": "product_count", "op": ">=", "value": "1"},
    {"field": "adoption", "op": ">=", "value": "0.60"},
)
