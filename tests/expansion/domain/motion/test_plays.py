"""Rules: what is refused with which sentence, what fires, what is held, and why somebody sees it."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest

from billing.domain.refusal import Refusal
from expansion.domain.motion.account import Owned, Use, Views
from expansion.domain.motion.fields import FIELDS
from expansion.domain.motion.gates import COOL_DOWN, HEALTH
from expansion.domain.motion.plays import evaluate, read_play, why_not_live
from expansion.domain.motion.presets import DSR, EVERY, PRESETS
from expansion.domain.motion.use import CommitTrend
from expansion.domain.motion.white_space import Need
from tests.expansion.domain.motion.accounts import ON, READY, ready, team, used

FULL = EVERY["TM2"].definition
NEED = (Need("Plan every route the day before", ("scheduling",)),)


def fired(code, account, **more):
    return evaluate(read_play(EVERY[code].definition), account, ON, **more)


@pytest.mark.req("S1-18", "S1-21", "S3-42", "S3-43", "S4-16", "S4-53")
def test_the_story_fires_with_its_reason():
    outcome = fired("TM2", READY)
    assert (outcome.kind, outcome.mechanism, outcome.product) == ("fires", "upsell", "team")
    assert outcome.because == (
        "Because Brightwave Logistics is on Team (20 seats) and has used 19 of 20 Team seats (95 %) since 9 Jun; threshold 90 %."
    )
    assert outcome.trigger == "utilisation:team:2026-06-09"


@pytest.mark.req("S1-29")
@pytest.mark.parametrize(("health", "kind"), [(60, "fires"), (59, "held"), (None, "held")])
def test_the_gate_decides_with_a_sentence(health, kind):
    outcome = fired("TM2", ready(health=health))
    assert outcome.kind == kind
    assert bool(outcome.reason) is (kind == "held")


@pytest.mark.parametrize(("count", "was_open", "kind"), [(18, False, "fires"), (17, False, "no"), (17, True, "fires"), (16, True, "no")])
def test_an_open_level_stays_until_it_is_below_the_point_of_rearming(count, was_open, kind):
    since = {"utilisation:team": date(2026, 5, 1)} if was_open else {}
    outcome = fired("TM2", ready(use=used(count)), open_keys=since)
    assert outcome.kind == kind
    if was_open and kind == "fires":
        assert outcome.trigger.endswith("2026-05-01"), "still the same occurrence"


@pytest.mark.req("S3-13", "S3-22", "S1-30", "S3-43", "S3-07")
@pytest.mark.parametrize(
    ("change", "code", "words"),
    [
        ({"static": []}, "no_static_trait", "at least one static trait"),
        ({"live": []}, "no_live_signal", "at least one live signal"),
        ({"static": [{"field": "plann", "op": "=", "value": "team"}]}, "unknown_field", "Did you mean “plan”?"),
        ({"static": [{"field": "quux", "op": "=", "value": "team"}]}, "unknown_field", "Known:"),
        ({"static": [{"field": "utilisation", "op": ">=", "value": "0.9"}]}, "wrong_kind", "is a live field"),
        ({"live": [{"field": "utilisation", "op": ">="}]}, "no_threshold", "“watch for it” is not a rule"),
        ({"live": [{"field": "utilisation", "op": ">=", "value": "much"}]}, "bad_value", "is not a number"),
        ({"live": [{"field": "utilisation", "op": ">=", "value": 0.9}]}, "bad_value", "Write it as text"),
        ({"live": [{"field": "utilisation", "op": "has", "value": "0.9"}]}, "bad_operator", "Use one of"),
        ({"live": [{"field": "utilisation", "op": ">=", "value": "0.9", "rearm": "0.95"}]}, "bad_rearm", "below its threshold"),
        ({"live": [{"field": "renewal_days", "op": "between", "value": ["90", "30"]}]}, "bad_value", "above the last"),
        ({"live": ["utilisation"]}, "bad_condition", "A condition is a field"),
        ({"because": ""}, "no_reason", "begins with “Because ”"),
        ({"because": "Because {customer} wants it."}, "no_live_reason", "what is happening now"),
        ({"because": "Because {customer} and {rating}."}, "unknown_field", "is not among its conditions"),
        ({"because": "Because {customer.name} {utilisation}."}, "unknown_field", "is no field"),
        ({"because": "Because {customer {utilisation}"}, "bad_reason", "partner"),
        ({"message": "Hello {plan.__class__}"}, "unknown_field", "cannot be filled in"),
        ({"mechanism": "gift"}, "bad_mechanism", "upsell, cross_sell, downgrade"),
        ({"quota": 5}, "unknown_part", "A play has no part “quota”"),
        ({"cool_down_days": -1}, "bad_number", "0 to 365"),
        ({"tasks": [{"title": ""}]}, "bad_task", "a title"),
        ({"complexity": "odd"}, "bad_route", "straightforward"),
    ],
)  # fmt: skip
def test_a_rule_that_makes_no_sense_is_refused_with_the_way_out(change, code, words):
    with pytest.raises(Refusal) as refused:
        read_play({**FULL, **change})
    assert refused.value.code == code
    assert words in refused.value.message


@pytest.mark.req("S3-22")
def test_a_trait_with_a_counted_signal_is_accepted():
    play = read_play({
        "static": [{"field": "plan", "op": "=", "value": "starter"}],
        "live": [{"field": "gated_attempts", "op": ">=", "value": "3"}],
        "mechanism": "upsell", "product": "next_plan", "because": " Because {customer} {plan} and {gated_attempts}. ",
    })  # fmt: skip
    assert [(part.field.name, part.op, part.value) for part in play.static] == [("plan", "=", "starter")]
    assert [(part.field.name, part.op, part.value) for part in play.live] == [("gated_attempts", ">=", Fraction(3))]
    assert (play.mechanism, play.product, play.offer_type) == ("upsell", "next_plan", "upsell"), "the kind of offer follows the mechanism"
    assert play.because == "Because {customer} {plan} and {gated_attempts}."
    assert (play.complexity, play.message, play.tasks, play.cool_down, play.health) == ("straightforward", "", (), COOL_DOWN, HEALTH)


@pytest.mark.req("S2-14", "S2-22")
def test_a_play_for_everyone_is_refused():
    assert "72 of 80 accounts" in why_not_live(matching=72, accounts=80)
    assert why_not_live(matching=63, accounts=80) is None
    assert why_not_live(matching=9, accounts=9) is None, "too few accounts to tell"


ANALYTICS = Owned("scheduler", "Scheduler", "scheduling", 0, "licence", Decimal(1), date(2026, 1, 1), Decimal(180), "GBP")
STARTER = Owned("starter", "Starter", "core", 1, "seat", Decimal(5), date(2026, 1, 1), Decimal(20), "GBP", 5)
DAY = timedelta(days=1)


def views(kind, recent, before=0, departments=()):
    return {"views": {kind: Views(recent, before, departments, ON)}}


FIRES = {
    "W1": {"asked_problem": "nobody plans", "asked_product": "scheduler", "asked_on": ON},
    "W2": {"milestones": (("usage", ON - 14 * DAY),)},
    "W3": {
        "owned": (team(), Owned("business", "Business", "core", 3, "seat", Decimal(10), ON, Decimal(80), "GBP")), "needs": NEED,
        "use": {**used(), "business": Use("business", Decimal(1), None, ON)},
    },
    "W4": {"owned": (team(), ANALYTICS), **views("comparison", 1)},
    "TM1": {"onboarding_done": ON - 30 * DAY, "needs": NEED},
    "TM2": {},
    "TM2-cap": {"owned": (STARTER,), "use": {"starter": Use("starter", Decimal(5), None, ON)}},
    "TM2-commit": {"trends": {"team": CommitTrend(Decimal(1_000_000), Decimal(620_000), 200, 365)}},
    "TM3": {"milestones": (("result_achieved", ON),), "needs": NEED},
    "TM4": {"term_end": ON + 90 * DAY},
    "TM5": {"rating": (Fraction(9, 10), ON - 14 * DAY), "needs": NEED},
    "TM6": {"cancel_request": ON - DAY},
    "TM6-price": {"price_complaint": ON - DAY},
    "TM6-use": {"use": used(6, 10)},
    "TM6-absence": {"last_access": ON - 30 * DAY},
    "TM7": {"first_sale": ON - 21 * DAY},
    "DSR1": views("higher_plan", 3),
    "DSR2": {"needs": NEED, **views("module_intro:new", 1, 0, ("Service",))},
    "DSR3": {"use": used(19, 10), **views("adoption_guide", 3, 2)},
}  # fmt: skip
SILENT = {
    "W1": {"asked_on": ON - 31 * DAY},
    "W2": {"milestones": (("usage", ON - 15 * DAY),)},
    "W3": {"needs": ()},
    "W4": views("comparison", 0),
    "TM1": {"onboarding_done": ON - 31 * DAY},
    "TM2": {"use": used(17)},
    "TM2-cap": {"owned": (replace(STARTER, quantity=Decimal(4)),), "use": {}},
    "TM2-commit": {"trends": {}},
    "TM3": {"milestones": (("result_achieved", ON - 15 * DAY),)},
    "TM4": {"term_end": ON + 29 * DAY},
    "TM5": {"rating": (Fraction(89, 100), ON)},
    "TM6": {"cancel_request": ON - 31 * DAY},
    "TM6-price": {"price_complaint": None},
    "TM6-use": {"use": used(7, 11)},
    "TM6-absence": {"last_access": ON - 29 * DAY},
    "TM7": {"first_sale": ON - 43 * DAY},
    "DSR1": views("higher_plan", 2),
    "DSR2": views("module_intro:new", 1, 0, ()),
    "DSR3": {"use": used(10, 19)},
}


@pytest.mark.req(
    "S1-23", "S2-03", "S3-21", "S3-23", "S3-24", "S3-25", "S3-26", "S3-28", "S3-29", "S3-30", "S3-31", "S4-14", "S4-21", "S4-30",
    "S3-63", "S4-49", "S4-52", "S4-54", "S4-55", "S4-56", "S4-57", "S4-73", "S4-74", "S4-75", "S4-76", "S4-85",
)  # fmt: skip
@pytest.mark.parametrize("code", EVERY)
def test_each_preset_fires_on_its_condition_and_is_silent_beside_it(code):
    account = ready(**FIRES[code])
    outcome = fired(code, account)
    assert outcome.kind == "fires", outcome.reason
    assert outcome.because.startswith("Because Brightwave Logistics ") and "{" not in outcome.because
    assert outcome.trigger and outcome.inputs
    quiet = replace(account, **SILENT[code])
    assert fired(code, quiet).kind == "no"


def test_there_is_a_case_for_every_preset():
    assert set(FIRES) == set(EVERY) == set(SILENT)
    assert {p.code for p in PRESETS} >= {"W1", "W2", "W3", "W4", *(f"TM{n}" for n in range(1, 8))}
    assert [p.code for p in DSR] == ["DSR1", "DSR2", "DSR3"]


@pytest.mark.req("S1-05", "S3-30")
def test_what_is_owned_and_unused_becomes_an_adoption_play_and_never_a_cross_sell():
    definition = {**EVERY["TM5"].definition, "product": "scheduler"}
    owned = ready(owned=(team(), ANALYTICS), **FIRES["TM5"])
    owned = replace(owned, needs=(*NEED, Need("Route", ("routing",))))
    outcome = evaluate(read_play(definition), owned, ON)
    assert (outcome.kind, outcome.mechanism) == ("fires", "adoption")
    adopted = replace(owned, use={**owned.use, "scheduler": Use("scheduler", Decimal(1), None, ON)})
    outcome = evaluate(read_play(definition), adopted, ON)
    assert (outcome.kind, outcome.gate) == ("held", "not_owned")


def test_every_live_field_belongs_to_a_family_and_every_field_has_a_label():
    for field in FIELDS.values():
        assert field.label and field.type in {"number", "text", "set", "yes"}
        assert bool(field.family) is (field.kind == "live")


def test_nothing_known_fires_nothing():
    empty = replace(READY, owned=(), use={}, milestones=(), onboarding_done=None, term_end=None, first_sale=None, health=None)
    assert {fired(code, empty).kind for code in EVERY} == {"no"}
