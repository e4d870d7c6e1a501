"""What makes a change unusual, gravest first."""

from datetime import date

import pytest

from expansion.domain.flags import Facts, flags

PLAIN = {"prior_period": False, "waived": "0.00", "remainder": "0.00", "remainder_to": ""}


def codes(impact=None, **other):
    given = {
        "impact": {**PLAIN, **(impact or {})},
        "actions": ("quantity",),
        "effective": date(2026, 6, 16),
        "submitted_on": date(2026, 6, 16),
        "waiver_reason": "",
        "limit_words": "",
        "is_own": False,
        **other,
    }
    return [flag.code for flag in flags(Facts(**given))]


def test_an_ordinary_change_has_no_flag():
    assert codes() == []


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"is_own": True}, "own"),
        ({"limit_words": "Above your limit."}, "limit"),
        ({"effective": date(2026, 6, 4)}, "backdated"),
        ({"impact": {"prior_period": True}}, "prior_period"),
        ({"impact": {"waived": "482.19"}}, "waiver"),
        ({"impact": {"remainder": "1.00", "remainder_to": "customer_balance"}}, "remainder"),
        ({"actions": ("quantity", "price")}, "price"),
        ({"others_waiting": ("CH-2026-0041",)}, "others"),
    ],
)
def test_each_oddity_has_its_flag(given, code):
    assert codes(**given) == [code]


@pytest.mark.req("F67")
def test_a_closed_period_says_more_than_backdated():
    assert codes({"prior_period": True}, effective=date(2026, 5, 11)) == ["prior_period"]


def test_the_gravest_stands_first():
    assert codes({"waived": "1.00"}, limit_words="x", effective=date(2026, 6, 4), actions=("price",)) == [
        "limit",
        "backdated",
        "waiver",
        "price",
    ]


def test_sentences_carry_what_they_need():
    (flag,) = flags(
        Facts(
            impact={**PLAIN, "waived": "5.00"},
            actions=(),
            effective=date(2026, 6, 16),
            submitted_on=None,
            waiver_reason="Agreed in May",
            limit_words="",
            is_own=False,
        )
    )
    assert "Agreed in May" in flag.sentence
