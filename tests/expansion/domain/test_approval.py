"""Which rule asks for an approval, of how many, and when one person's is not enough (D2, S0-18, F86, M25)."""

from decimal import Decimal

import pytest

from expansion.domain.approval import DEFAULT_RULES, Agreement, Facts, Limit, Rule, Verdict, evaluate, outstanding


def facts(**more):
    return Facts(**{"amount": Decimal(125), "currency": "GBP", "document": "invoice", "owner": "sales_cs", **more})


def words(*rules, **more):
    return evaluate(rules, facts(**more)).words


@pytest.mark.req("S0-18", "D2")
def test_without_rules_of_their_own_finance_agrees_to_what_it_owns_and_to_closed_periods():
    assert words(*DEFAULT_RULES) is None
    assert words(*DEFAULT_RULES, owner="finance") == "Finance owns the future invoice"
    assert words(*DEFAULT_RULES, prior_period=True) == "It changes a period that is already closed"
    assert words(*DEFAULT_RULES, owner="finance", prior_period=True).startswith("Finance owns the future invoice; it changes")


@pytest.mark.parametrize(
    ("rule", "holds", "fails"),
    [
        ({"amount_from": Decimal(100), "currency": "GBP"}, {"amount": Decimal(100)}, {"amount": Decimal("99.99")}),
        ({"amount_from": Decimal(100), "currency": "GBP"}, {}, {"currency": "USD"}),
        ({"document": "credit_note"}, {"document": "credit_note"}, {}),
        ({"mechanism": "downgrade"}, {"mechanisms": ("upsell", "downgrade")}, {"mechanisms": ("upsell",)}),
        ({"discount_from": Decimal(20)}, {"discount": Decimal(20)}, {"discount": Decimal("19.99")}),
        ({"days_back_from": 5}, {"days_back": 5}, {"days_back": 4}),
        ({"waiver": True}, {"waives": True}, {}),
        ({"price_set": True}, {"sets_price": True}, {}),
        ({"owner": "finance"}, {"owner": "finance"}, {}),
    ],
)
def test_each_condition_is_asked_alone(rule, holds, fails):
    rule = Rule("Asked", **rule)
    assert evaluate([rule], facts(**holds)).rules == (rule,)
    assert evaluate([rule], facts(**fails)).rules == ()


def test_a_rule_holds_only_when_all_it_asks_is_true():
    rule = Rule("Large credits", document="credit_note", amount_from=Decimal(100), currency="GBP")
    assert evaluate([rule], facts()).rules == ()
    assert evaluate([rule], facts(document="credit_note")).rules == (rule,)


def test_the_strictest_rule_of_each_role_counts():
    rules = (Rule("One"), Rule("Two of them", approvers=2), Rule("And RevOps", role="revops"))
    assert Verdict(rules).approvers == {"finance": 2, "revops": 1}
    assert Verdict(rules).words == "One; two of them; and RevOps"


THOUSAND = Limit(Decimal(1000), "GBP")


def missing(*given, approvers=None, rolling=900):
    return outstanding(approvers or {"finance": 1}, given, rolling=Decimal(rolling), currency="GBP")


@pytest.mark.req("M25", "F86")
def test_one_person_is_enough_while_their_limit_covers_the_thirty_days():
    assert missing(Agreement("finance", THOUSAND)) == ()
    assert missing(Agreement("finance", THOUSAND), rolling=1800) == ("finance",)
    assert missing(Agreement("finance", THOUSAND), Agreement("finance", THOUSAND), rolling=1800) == ()
    assert missing(Agreement("finance", Limit(Decimal(5000))), rolling=1800) == ()


def test_everybody_the_rules_ask_for_is_waited_for():
    needed = {"finance": 2, "revops": 1}
    assert missing(approvers=needed) == ("finance", "finance", "revops")
    assert missing(Agreement("finance", THOUSAND), approvers=needed) == ("finance", "revops")
    assert missing(Agreement("revops", THOUSAND), Agreement("finance", THOUSAND), Agreement("finance", THOUSAND), approvers=needed) == ()


def test_a_limit_of_another_currency_covers_nothing():
    assert THOUSAND.covers(Decimal(1000), "GBP")
    assert not THOUSAND.covers(Decimal(1), "USD")
    assert "in GBP" in THOUSAND.why_not(Decimal(1), "USD")
    assert "1,000.01 GBP is above your limit of 1,000.00" in THOUSAND.why_not(Decimal("1000.01"), "GBP")
    assert "120,001 JPY is above your limit of 120,000." in Limit(Decimal("120000.0000")).why_not(Decimal("120001.0000"), "JPY")
    assert "10.004 KWD is above your limit of 10.000." in Limit(Decimal(10)).why_not(Decimal("10.004"), "KWD")
    assert "no approval limit" in Limit(None).why_not(Decimal(0), "GBP")
