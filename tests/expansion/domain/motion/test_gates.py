"""The gates in their order, each alone, and what a person may let through."""

from datetime import date
from fractions import Fraction

import pytest

from expansion.domain.motion import gates
from expansion.domain.motion.gates import Proposal
from expansion.domain.motion.white_space import Need
from tests.expansion.domain.motion.accounts import ON, READY, ready, used

UPSELL = Proposal("upsell", "team", has_usage_evidence=True)
CROSS = Proposal("cross_sell", "scheduler", has_need_evidence=True)
SAVE = Proposal("downgrade", "starter")


def held_by(account, proposal, **more):
    held = gates.first_hold(gates.check(account, proposal, ON, **more))
    return held.gate if held else None


def test_a_ready_account_passes_every_gate_in_the_order_of_the_book():
    results = gates.check(READY, UPSELL, ON)
    assert [r.gate for r in results] == list(gates.NAMES)
    assert gates.NAMES[:7] == ("health", "onboarding", "value_proof", "readiness", "not_owned", "support_load", "short_lived")
    assert all(r.passes and r.sentence for r in results)
    assert results[0].sentence == "Health 82 passes the gate (60)."


@pytest.mark.req("S1-29", "K23")
@pytest.mark.parametrize(
    ("facts", "passes"),
    [
        ({"health": 82}, True), ({"health": 60}, True), ({"health": 59}, False), ({"health": None}, False),
        ({"health": 75, "colour": "red"}, False), ({"health": 75, "colour": "green"}, True), ({"open_severity_one": 1}, False),
        ({"overdue_days": 30}, True), ({"overdue_days": 31}, False),
    ],
)  # fmt: skip
def test_health_holds_back_every_expansion_and_unknown_is_never_green(facts, passes):
    account = ready(**facts)
    assert (held_by(account, UPSELL) is None) is passes
    assert (held_by(account, CROSS) is None) is passes
    assert held_by(account, SAVE) is None, "who may leave is helped at any health"


@pytest.mark.req(
    "S1-05",
    "S2-12",
    "S2-21",
    "S2-23",
    "S2-24",
    "S2-22",
    "S3-01",
    "S4-05",
    "S4-20",
    "S4-32",
    "S4-58",
    "S4-59",
    "S4-60",
    "S4-61",
    "S4-62",
    "S4-85",
)
@pytest.mark.parametrize(
    ("facts", "proposal", "gate"),
    [
        ({"onboarding_done": None}, UPSELL, "onboarding"),
        ({"onboarding_done": date(2026, 6, 17)}, UPSELL, "onboarding"),
        ({"milestones": ()}, UPSELL, "value_proof"),
        ({"milestones": ()}, CROSS, None),
        ({"use": used(9)}, CROSS, "readiness"),
        ({}, Proposal("cross_sell", "addon", has_need_evidence=True), "readiness"),
        ({}, Proposal("cross_sell", "team"), "not_owned"),
        ({"support_load": Fraction(9), "load_limit": Fraction(8)}, UPSELL, "support_load"),
        ({"support_load": Fraction(8), "load_limit": Fraction(8)}, UPSELL, None),
        ({"removed_soon": ("scheduler",)}, CROSS, "short_lived"),
        ({"open_offer": True}, UPSELL, "one_open_offer"),
        ({"last_no": date(2026, 6, 1)}, UPSELL, "cool_down"),
        ({"last_no": date(2026, 5, 17)}, UPSELL, None),
        ({"offers_this_week": 50, "weekly_cap": 50}, UPSELL, "weekly_cap"),
        ({"offers_this_week": 50, "weekly_cap": 50}, CROSS, "weekly_cap"),
        ({"offers_this_week": 49, "weekly_cap": 50}, UPSELL, None),
        ({"offers_this_week": 9000, "weekly_cap": None}, UPSELL, None),
        ({"offers_this_week": 50, "weekly_cap": 50}, SAVE, None),
        ({"offers_this_week": 0, "weekly_cap": 0}, UPSELL, "weekly_cap"),
        ({}, Proposal("upsell", "team"), "usage_evidence"),
        ({}, Proposal("cross_sell", "scheduler"), "relation"),
        ({"related": ("scheduler",)}, Proposal("cross_sell", "scheduler"), None),
        ({"needs": (Need("Plan ahead", ("scheduling",)),)}, Proposal("cross_sell", "scheduler"), None),
    ],
)
def test_each_gate_holds_for_its_reason(facts, proposal, gate):
    assert held_by(ready(**facts), proposal) == gate


def test_the_first_gate_of_several_gives_the_reason():
    assert held_by(ready(health=10, onboarding_done=None, open_offer=True), UPSELL) == "health"


def test_a_person_lets_a_gate_pass_but_never_a_red_account():
    account = ready(onboarding_done=None)
    assert held_by(account, UPSELL, overridden=frozenset({"onboarding"})) is None
    assert held_by(ready(health=50), UPSELL, overridden=frozenset({"health"})) is None
    assert held_by(ready(colour="red"), UPSELL, overridden=frozenset({"health"})) == "health"


def test_every_guardrail_has_words_and_every_override_a_gate():
    assert list(gates.GUARDRAILS) == [f"G{n}" for n in range(1, 9)]
    assert set(gates.OVERRIDES) <= set(gates.NAMES) and set(gates.LABELS) == set(gates.NAMES)
    assert "not_owned" not in gates.OVERRIDES and "one_open_offer" not in gates.OVERRIDES
