"""For whom a play speaks: what customers own, how many products, how much of them they use, who and where they are."""

from datetime import date
from decimal import Decimal

import pytest

from expansion.domain.motion.account import Owned, Use
from expansion.domain.motion.conditions import read_condition
from expansion.domain.motion.fields import FIELDS, OWNERSHIP_BY_ADOPTION, SEGMENTS
from tests.expansion.domain.motion.accounts import ON, ready, team

SCHEDULER = Owned("scheduler", "Scheduler", "scheduling", 0, "licence", Decimal(4), date(2026, 2, 1), Decimal(180), "GBP")
ADDON = Owned("addon", "Add-on", "addon", 0, "licence", Decimal(1), date(2026, 2, 1), Decimal(10), "GBP")
ONE, TWO, THREE = ready(), ready(owned=(team(), SCHEDULER)), ready(owned=(team(), SCHEDULER, ADDON))


def holds(account, *conditions):
    """Whether an account is in the segment these traits describe."""
    read = [read_condition({"field": field, "op": op, "value": value}, kind="static", place="static.0") for field, op, value in conditions]
    return all(condition.matching(account, ON, {}) is not None for condition in read)


@pytest.mark.req("S3-16")
@pytest.mark.parametrize(
    ("conditions", "expected"),
    [
        ([("product_count", "=", "1")], (True, False, False)),
        ([("product_count", "=", "2")], (False, True, False)),
        ([("product_count", ">=", "3")], (False, False, True)),
        ([("products", "has", "team"), ("products", "lacks", "scheduler")], (True, False, False)),
        ([("products", "has", "scheduler"), ("products", "lacks", "addon")], (False, True, False)),
    ],
    ids=["one product", "two", "three or more", "has A not B", "has B not C"],
)
def test_customers_by_what_they_own(conditions, expected):
    assert tuple(holds(account, *conditions) for account in (ONE, TWO, THREE)) == expected


@pytest.mark.req("S2-15")
@pytest.mark.parametrize(
    ("condition", "fits", "other"),
    [
        (("country", "=", "GB"), {"country": "GB"}, {"country": "DE"}),
        (("adoption", ">=", "0.60"), {}, {"use": {"team": Use("team", Decimal(9), None, ON)}}),
        (("positions", "has", "Head of dispatch"), {"positions": ("Head of dispatch",)}, {"positions": ("Buyer",)}),
        (("products", "has", "team"), {}, {"owned": ()}),
        (("plan", "=", "team"), {}, {"owned": (SCHEDULER,)}),
        (("size", "between", ["50", "200"]), {"size": 64}, {"size": 400}),
        (("tenure_days", ">=", "90"), {}, {"first_sale": date(2026, 6, 1)}),
        (("health", ">=", "70"), {}, {"health": 69}),
    ],
    ids=lambda value: value[0] if isinstance(value, tuple) else "",
)
def test_a_segment_is_described_by_place_use_position_products_plan_size_tenure_and_health(condition, fits, other):
    assert holds(ready(**fits), condition)
    assert not holds(ready(**other), condition)


@pytest.mark.parametrize("field", ["country", "positions", "size", "adoption", "health", "tenure_days"])
def test_what_is_unknown_puts_nobody_into_a_segment(field):
    """Unknown is no value of any segment."""
    unknown = ready(country="", positions=(), size=None, use={}, health=None, first_sale=None)
    op, value = ("has", "Buyer") if field == "positions" else ("=", "GB") if field == "country" else (">=", "0")
    assert not holds(unknown, (field, op, value))


@pytest.mark.req("S3-19")
def test_a_new_segment_begins_with_ownership_and_adoption_and_demographics_come_after():
    first, second = (names for _, names in SEGMENTS)
    assert {condition["field"] for condition in OWNERSHIP_BY_ADOPTION} == {"product_count", "adoption"} <= set(first)
    assert {"size", "industry", "country", "positions"} <= set(second)
    assert {*first, *second} == {name for name, field in FIELDS.items() if field.kind == "static"}
    in_use = [tuple(condition.values()) for condition in OWNERSHIP_BY_ADOPTION]
    assert holds(ONE, *in_use)
    assert not holds(ready(use={"team": Use("team", Decimal(9), None, ON)}), *in_use)
