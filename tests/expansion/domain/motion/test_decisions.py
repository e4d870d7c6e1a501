"""Routing over all 96 cases, the motion assistant, qualification, adoption."""

from decimal import Decimal

import pytest

from expansion.domain.motion import adoption, chooser, qualification, routing
from expansion.domain.motion.value import estimate
from expansion.domain.motion.white_space import Need
from tests.expansion.domain.motion.accounts import ON, READY, ready, used


@pytest.mark.req("S3-49", "S3-50", "S3-51", "S3-52", "S3-53")
def test_routing_is_total_over_all_96_cases_without_a_fallback():
    cases = routing.every_case()
    assert len(set(cases)) == 96
    ways = [routing.route(case) for case in cases]
    assert all(way.to in routing.LABELS and way.rule and not way.is_fallback for way in ways)


@pytest.mark.parametrize(
    ("case", "to", "joined"),
    [
        (("existing", "upsell", "straightforward", "account_manager"), "account_owner", ()),
        (("existing", "upsell", "deeper", "sales_rep"), "account_owner", ("solutions_consultant",)),
        (("post_purchase", "cross_sell", "straightforward", "sales_rep"), "account_manager", ()),
        (("existing", "cross_sell", "deeper", "account_manager"), "specialist", ("account_owner",)),
        (("existing", "implementation", "deeper", "support_led"), "solutions_consultant", ("account_owner",)),
        (("existing", "review", "straightforward", "support_led"), "account_owner", ("manager",)),
        (("existing", "upsell", "straightforward", "support_led"), "support", ("account_owner",)),
        (("active_opportunity", "upsell", "straightforward", "support_led"), "account_owner", ()),
    ],
)
def test_the_default_routes(case, to, joined):
    way = routing.route(routing.Case(*case))
    assert (way.to, way.joined) == (to, joined)


def test_criteria_nobody_knows_go_to_the_queue_with_an_alarm():
    way = routing.route(routing.Case("existing", "gift", "straightforward", "account_manager"))
    assert way.is_fallback and way.to == "team_queue"


@pytest.mark.req("S3-10", "S4-02", "S4-31", "S4-33")
@pytest.mark.parametrize(
    ("leaving", "onboarded", "expanding", "broadening", "motion"),
    [
        (True, True, True, True, "downgrade"), (True, False, False, False, "downgrade"), (False, False, True, True, "hold"),
        (False, False, False, False, "hold"), (False, True, True, False, "upsell"), (False, True, True, True, "upsell"),
        (False, True, False, True, "cross_sell"), (False, True, False, False, "none"),
    ],
)  # fmt: skip
def test_which_motion_fits(leaving, onboarded, expanding, broadening, motion):
    assert chooser.choose(leaving=leaving, onboarded=onboarded, expanding=expanding, broadening=broadening) == motion


@pytest.mark.parametrize(
    ("facts", "motion"),
    [
        ({}, "upsell"), ({"onboarding_done": None}, "hold"), ({"cancel_request": ON}, "downgrade"), ({"use": used(6, 10)}, "downgrade"),
        ({"use": used(12, 12)}, "none"), ({"use": used(12, 12), "needs": (Need("Plan", ("scheduling",)),)}, "cross_sell"),
    ],
)  # fmt: skip
@pytest.mark.req("S4-31", "S4-33")
def test_the_advice_for_an_account_says_why(facts, motion):
    advice = chooser.advise(ready(**facts), ON)
    assert advice.motion == motion and advice.sentence and len(advice.conditions) == 4


@pytest.mark.req("S1-10", "S1-11", "S1-24", "S2-09")
def test_what_has_to_be_known_before_a_salesperson_is_asked():
    known = {"goal": "g", "problem": "p", "evidence": "e", "contact": "Dana", "product": "team"}
    assert qualification.missing(known, mechanism="upsell") == []
    assert qualification.missing(known, mechanism="cross_sell") == ["Which department buys it"]
    assert qualification.missing({**known, "goal": " "}, mechanism="upsell") == ["What the customer wants to achieve"]
    assert len(qualification.missing({}, mechanism="upsell")) == 5


@pytest.mark.parametrize(
    ("scores", "enough"),
    [
        ({"budget": 3, "timing": 2, "need": 2}, True),
        ({"budget": 3, "timing": 2, "need": 1}, False),
        ({}, False),
        ({"budget": 1, "timing": 3, "need": 3, "commitment": 2}, True),
    ],
)
def test_three_of_four_are_enough(scores, enough):
    assert qualification.Score(scores).is_enough is enough


@pytest.mark.req("S3-18")
def test_an_intake_has_exactly_six_fields():
    assert qualification.INTAKE == ("current_product", "plan_type", "team_size", "goal", "timeline", "problem")
    assert qualification.completeness({"goal": "x", "problem": "y", "team_size": 3}) == 50
    assert qualification.completeness(dict.fromkeys(qualification.INTAKE, "x")) == 100


@pytest.mark.req("S2-31", "S4-64")
@pytest.mark.parametrize(("used_now", "passes"), [(22, False), (23, True), (25, True), (None, None), (10, False)])
def test_half_of_what_was_added_is_assigned_after_a_week(used_now, passes):
    added = adoption.Added(Decimal(20), Decimal(25))
    assert adoption.activation(added, Decimal(used_now) if used_now is not None else None)[0] is passes


@pytest.mark.parametrize(("used_now", "passes"), [(14, False), (15, True), (None, None)])
def test_sixty_percent_is_used_after_a_month(used_now, passes):
    added = adoption.Added(Decimal(20), Decimal(25))
    assert adoption.usage(added, Decimal(used_now) if used_now is not None else None)[0] is passes


def test_an_expansion_is_adopted_when_all_three_checks_are():
    assert adoption.verdict({}) == "running"
    assert adoption.verdict({"activation": True, "usage": True, "value": None}) == "running"
    assert adoption.verdict({"activation": True, "usage": True, "value": True}) == "passed"
    assert adoption.verdict({"activation": False, "usage": True, "value": True}) == "failed"


def test_the_value_of_a_step_shows_how_it_was_computed():
    more = estimate(READY, "upsell", "team")
    assert (more.value, more.units, more.words) == (250, 5, "5 more Team seats x 50 bring use to 80 % or less")
    assert estimate(READY, "upsell", "business").value == 20 * 30
    assert estimate(READY, "cross_sell", "scheduler").value == 180
    assert estimate(READY, "adoption", "scheduler").value == 0
    assert estimate(READY, "downgrade", "starter").value == 20 * -30
    assert estimate(READY, "upsell", "nothing").value is None
