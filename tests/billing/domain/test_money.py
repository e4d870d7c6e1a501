"""Places, the rounding rule, sharing without loss, plain text."""

from decimal import Decimal, localcontext
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.domain import money
from tests.billing.domain import oracle
from tests.billing.domain.effort import effort

CURRENCIES = st.sampled_from(sorted(oracle.PLACES))


@pytest.mark.req("F74")
@pytest.mark.parametrize(("currency", "expected"), [("JPY", 0), ("GBP", 2), ("USD", 2), ("EUR", 2), ("KWD", 3), ("BHD", 3), ("KRW", 0)])
def test_places_come_from_the_currency(currency, expected):
    assert money.places(currency) == expected


@pytest.mark.parametrize("currency", ["gbp", "GB", "", "ZZZ", "XXX", "XTS", "XAU", "GBP ", None, 5, "£"])
def test_what_is_no_billable_currency_is_refused_by_name(currency):
    with pytest.raises(money.UnknownCurrency) as refused:
        money.places(currency)
    assert (refused.value.code, refused.value.field) == ("unknown_currency", "currency")


@pytest.mark.req("F65")
@pytest.mark.parametrize(
    ("exact", "currency", "expected"),
    [
        (Fraction(165, 1000), "GBP", "0.17"),
        (Fraction(-165, 1000), "GBP", "-0.17"),
        (Fraction(164999, 1000000), "GBP", "0.16"),
        (Decimal("2.675"), "GBP", "2.68"),
        (Decimal("0.5"), "JPY", "1"),
        (Decimal("-0.5"), "JPY", "-1"),
        (Decimal("0.0005"), "KWD", "0.001"),
        (Fraction(0), "GBP", "0.00"),
        (Fraction(-1, 1000), "GBP", "0.00"),
        (7, "KWD", "7.000"),
    ],
)
def test_a_half_goes_away_from_zero(exact, currency, expected):
    assert money.text(money.round_money(exact, currency)) == expected


@pytest.mark.req("F75", "M23")
@pytest.mark.parametrize("value", [0.1, float("nan"), True, "1.00", None])
def test_money_is_never_computed_from_anything_but_exact_numbers(value):
    with pytest.raises(TypeError):
        money.round_money(value, "GBP")


@pytest.mark.req("M23")
@effort(150)
@given(st.fractions(min_value=-(10**13), max_value=10**13), CURRENCIES)
def test_rounding_is_symmetric_and_agrees_with_the_oracle(exact, currency):
    amount = money.round_money(exact, currency)
    assert Fraction(amount) == oracle.rounded(exact, oracle.PLACES[currency])
    assert amount == -money.round_money(-exact, currency)
    assert abs(Fraction(amount) - exact) <= Fraction(1, 2 * 10 ** oracle.PLACES[currency])


@effort(150)
@given(st.integers(min_value=-(10**15), max_value=10**15), CURRENCIES)
def test_a_short_decimal_context_changes_nothing(units, currency):
    exact = Fraction(units, 10 ** oracle.PLACES[currency])
    with localcontext() as context:
        context.prec = 3
        amount = money.round_money(exact, currency)
        doubled = money.add(amount, amount)
        left = money.subtract(doubled, amount)
    assert Fraction(amount) == Fraction(left) == exact
    assert Fraction(doubled) == 2 * exact


def test_ties_in_a_split_go_to_the_earlier_line():
    assert money.split(Decimal("10.00"), [1, 1, 1], "GBP") == [Decimal("3.34"), Decimal("3.33"), Decimal("3.33")]
    assert money.split(Decimal("0.02"), [1, 1, 1], "GBP") == [Decimal("0.01"), Decimal("0.01"), Decimal("0.00")]
    assert money.split(Decimal("-10.00"), [1, 1, 1], "GBP") == [Decimal("-3.34"), Decimal("-3.33"), Decimal("-3.33")]
    assert money.split(Decimal(100), [Decimal("0.000001"), 2, 0], "JPY") == [Decimal(0), Decimal(100), Decimal(0)]


@pytest.mark.parametrize("weights", [[], [0, 0], [1, -1], [Fraction(-1), 3]])
def test_a_split_without_a_rule_is_refused(weights):
    with pytest.raises(ValueError):
        money.split(Decimal("1.00"), weights, "GBP")


def test_a_split_of_a_part_of_a_penny_is_refused():
    with pytest.raises(ValueError, match="more than 2"):
        money.split(Decimal("1.005"), [1, 1], "GBP")


@pytest.mark.req("F61")
@effort(150)
@given(
    st.integers(min_value=0, max_value=10**15),
    st.lists(st.fractions(min_value=0, max_value=10**9, max_denominator=10**6), min_size=1, max_size=12).filter(any),
    CURRENCIES,
)
def test_the_parts_of_a_split_are_the_whole_and_fair(units, weights, currency):
    places = oracle.PLACES[currency]
    parts = money.split(money.from_units(units, places), weights, currency)
    assert [money.to_units(part, places) for part in parts] == oracle.shares_of(units, weights)
    assert sum(Fraction(part) for part in parts) == Fraction(units, 10**places)


@pytest.mark.parametrize(
    ("number", "expected"),
    [("5.000", "5"), ("1E+2", "100"), ("0.50", "0.5"), ("-0.00", "0"), ("10", "10"), ("0.000001", "0.000001"), ("100.0", "100")],
)
def test_numbers_lose_superfluous_zeros_only(number, expected):
    assert money.text(money.plain(Decimal(number))) == expected


@pytest.mark.parametrize(
    ("number", "currency", "expected"),
    [
        ("50", "GBP", "50.00"),
        ("50.000000", "GBP", "50.00"),
        ("0.000125", "GBP", "0.000125"),
        ("49.9", "GBP", "49.90"),
        ("5000.00", "JPY", "5000"),
        ("15.5", "KWD", "15.500"),
        ("0", "GBP", "0.00"),
        ("0.5", "JPY", "0.5"),
    ],
)
def test_a_price_shows_the_places_of_its_currency_and_more_where_it_uses_them(number, currency, expected):
    assert money.text(money.price(Decimal(number), currency)) == expected


@pytest.mark.req("F74")
@pytest.mark.parametrize(
    ("amount", "currency", "words"),
    [
        ("1250.0000", "GBP", "1,250.00 GBP"),
        ("120000.0000", "JPY", "120,000 JPY"),
        ("15.655", "KWD", "15.655 KWD"),
        ("-3", "USD", "-3.00 USD"),
    ],
)
def test_an_amount_in_a_sentence_has_the_places_of_its_currency(amount, currency, words):
    assert money.worded(Decimal(amount), currency) == words


def test_zero_has_no_sign():
    assert money.text(money.negative(Decimal("0.00"))) == "0.00"
    assert money.text(money.subtract(Decimal("1.00"), Decimal("1.00"))) == "0.00"
