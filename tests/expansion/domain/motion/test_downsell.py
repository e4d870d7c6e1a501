"""The downsell plan: plans before discounts, what cannot be had says why, and what it does to NRR (7.9, S4-21 to S4-25, G4, K33)."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from fractions import Fraction

import pytest

from expansion.domain.motion.account import ProductTrait
from expansion.domain.motion.downsell import Effect, Situation, plan
from expansion.domain.motion.steps import LineNow, intents, usual_quantity

TEAM = LineNow("k1", "team", "Team", "core", 2, "seat", Decimal(20), Decimal("50.00"))
ADDON = LineNow("k2", "scheduler", "Scheduler", "scheduling", 0, "licence", Decimal(1), Decimal("80.00"))
TRAITS = {
    "starter": ProductTrait("starter", "Starter", "core", 1, ("capture",), cap=15),
    "team": ProductTrait("team", "Team", "core", 2, ("capture", "sharing"), cap=120),
}
SITUATION = Situation(
    lines=[TEAM, ADDON],
    traits=TRAITS,
    prices={"starter": Decimal("20.00"), "team": Decimal("50.00")},
    used={"team": Decimal(12)},
    return_on=date(2026, 9, 16),
    discount_until=date(2026, 9, 16),
    discounts=0,
)


def by_code(**change):
    return {option.code: option for option in plan(replace(SITUATION, **change))}


@pytest.mark.req("S4-21", "S4-23", "S4-63")
def test_plans_come_before_discounts():
    options = plan(SITUATION)
    assert [option.code for option in options] == ["smaller_plan", "fewer_seats", "season", "pause", "discount"]
    assert options[0].intents == ({"action": "swap", "key": "k1", "product": "starter", "quantity": "15"},)
    assert options[0].sentence == "Team becomes Starter, 15 seats. They do without sharing."
    assert options[1].intents == ({"action": "quantity", "key": "k1", "quantity": "12"},)
    assert options[2].intents[1] == {"action": "return", "on": "2026-09-16"}
    assert "Finance has to agree" in options[-1].sentence and "16 Sep 2026" in options[-1].note
    assert options[-1].intents == ({"action": "price", "key": "k1", "unit_price": "45.00", "until": "2026-09-16"},)


@pytest.mark.req("S4-21")
def test_a_pause_is_there_where_the_product_allows_it_and_ends_on_its_day():
    traits = TRAITS | {"team": replace(TRAITS["team"], can_pause=True)}
    pause = by_code(traits=traits)["pause"]
    assert pause.intents == ({"action": "remove", "key": "k1", "until": "2026-09-16"},)
    assert pause.sentence == "Team stands still; all 20 seats come back by themselves on 16 Sep 2026."
    assert "ends before" in by_code(traits=traits, return_on=None)["pause"].why_not


@pytest.mark.parametrize(
    ("change", "code", "words"),
    [
        ({"used": {"team": Decimal(16)}}, "smaller_plan", "Starter allows 15 users; 16 are in use."),
        ({"prices": {"team": Decimal(50)}}, "smaller_plan", "Team is the smallest plan there is."),
        ({"used": {}}, "fewer_seats", "not counted"),
        ({"used": {"team": Decimal(20)}}, "fewer_seats", "Every seat is in use"),
        ({"return_on": None}, "season", "ends before"),
        ({}, "pause", "cannot be paused"),
        ({"discounts": 2}, "discount", "They had 2 discounts"),
    ],
)
def test_what_cannot_be_had_says_why(change, code, words):
    option = by_code(**change)[code]
    assert words in option.why_not and not option.intents


def test_a_discount_is_rounded_to_the_places_of_the_currency_in_the_sellers_favour():
    assert by_code()["discount"].intents[0]["unit_price"] == "45.00"
    line = replace(TEAM, price=Decimal("33.33"))
    assert by_code(lines=[line])["discount"].intents[0]["unit_price"] == "30.00"
    yen = replace(TEAM, price=Decimal(7505))
    assert by_code(lines=[yen], places=0)["discount"].intents[0]["unit_price"] == "6755"


def test_add_ons_alone_have_no_plan():
    assert plan(replace(SITUATION, lines=[ADDON])) == []


@pytest.mark.req("S4-22")
def test_the_effect_on_nrr_is_exact():
    effect = Effect(Decimal("1000.00"), Decimal("300.00"), Decimal("50000.00"))
    assert (effect.lost, effect.kept_share) == (Decimal("700.00"), Fraction(3, 10))
    assert (effect.nrr_points, effect.nrr_points_if_they_leave) == (Fraction(14, 10), Fraction(2))
    nothing = Effect(Decimal(0), Decimal(0), Decimal(0))
    assert nothing.kept_share is None and nothing.nrr_points is None


@pytest.mark.parametrize(
    ("product", "family", "tier", "quantity", "found"),
    [
        ("team", "core", 2, "25", [{"action": "quantity", "key": "k1", "quantity": "25"}]),
        ("team", "core", 2, "20", []),
        ("team", "core", 2, "0", [{"action": "remove", "key": "k1"}]),
        ("business", "core", 3, "20", [{"action": "swap", "key": "k1", "product": "business", "quantity": "20"}]),
        ("route-analytics", "analytics", 0, "1", [{"action": "add", "product": "route-analytics", "quantity": "1"}]),
    ],
)
def test_an_offer_becomes_steps_on_the_lines_there_are(product, family, tier, quantity, found):
    assert intents([TEAM, ADDON], product=product, family=family, tier=tier, quantity=Decimal(quantity)) == found


def test_the_usual_quantity_is_what_there_is_and_more():
    usual = [("team", "core", 2, 5), ("business", "core", 3, None), ("route-analytics", "analytics", 0, None)]
    found = [usual_quantity([TEAM, ADDON], product=p, family=f, tier=t, units=u) for p, f, t, u in usual]
    assert found == [25, 20, 1]
