"""How amounts, quantities and percentages read."""

from decimal import Decimal

import pytest

from billing.domain.written import money_text, percent_text, quantity_text


@pytest.mark.parametrize(
    ("amount", "currency", "text"),
    [
        (Decimal("1250"), "GBP", "£1,250.00"),
        (Decimal("1250.0000"), "GBP", "£1,250.00"),
        ("-35", "GBP", "\N{MINUS SIGN}£35.00"),
        (Decimal("0"), "GBP", "£0.00"),
        (Decimal("-0.00"), "GBP", "£0.00"),
        (Decimal("1250.5"), "USD", "US$1,250.50"),
        (Decimal("120000"), "JPY", "JP¥120,000"),
        (Decimal("1.234"), "KWD", "KWD1.234"),
        (Decimal("0.000125"), "GBP", "£0.000125"),
        (None, "GBP", "\N{EN DASH}"),
    ],
)
def test_an_amount_reads_in_the_places_of_its_currency(amount, currency, text):
    assert money_text(amount, currency).replace("\N{NO-BREAK SPACE}", "") == text


def test_nothing_of_an_amount_is_rounded_away():
    assert money_text(Decimal("1.005"), "GBP") == "£1.005"


def test_a_difference_carries_its_sign_and_zero_carries_none():
    assert money_text(Decimal("250"), "GBP", True) == "+£250.00"
    assert money_text(Decimal("0"), "GBP", True) == "£0.00"


@pytest.mark.req("F75")
def test_a_binary_fraction_is_never_shown_as_money():
    with pytest.raises(TypeError):
        money_text(1250.0, "GBP")


def test_quantities_and_percentages():
    assert quantity_text(Decimal("25.0000")) == "25"
    assert quantity_text(Decimal("1250.5")) == "1,250.5"
    assert percent_text(Decimal("95")) == "95.0 %"
    assert percent_text(Decimal("20.0000"), 0) == "20 %"
    assert percent_text(Decimal("0.05")) == "0.1 %"
