"""Impacts frozen by an earlier release are read by this one."""

from dataclasses import fields
from datetime import date
from decimal import Decimal

import pytest

from billing.domain.impact import Impact, Policy, impact
from billing.domain.impact_value import ALWAYS_KEPT
from billing.domain.invoice import PricedLine
from billing.domain.terms import Edit, Line, Terms, apply_edits, uplifted

TERMS = Terms(
    "GBP",
    date(2026, 1, 1),
    date(2027, 1, 1),
    1,
    None,
    lines=(Line("a", "team", "Team", "core", Decimal(20), Decimal(50), date(2026, 1, 1), None),),
)


def frozen(**edit):
    day = date(2026, 6, 16)
    after = apply_edits(TERMS, [Edit(key="a", **edit)], day)
    return impact(TERMS, after, effective=day, today=day, policy=Policy(), billed=(), billed_until=date(2026, 7, 1))


@pytest.fixture
def plain():
    return frozen(action="quantity", quantity=Decimal(25)).canonical()


def test_what_was_written_is_what_is_read(plain):
    assert Impact.from_canonical(plain).canonical() == plain


@pytest.mark.parametrize("name", sorted({field.name for field in fields(Impact)} - {*ALWAYS_KEPT, "policy"}))
def test_an_impact_from_before_a_figure_was_kept_is_read_with_nothing_in_its_place(plain, name):
    value = getattr(Impact.from_canonical({key: part for key, part in plain.items() if key != name}), name)
    assert not value


@pytest.mark.parametrize("name", ["not_credited", "discount_share", "outcome", "prior_period", "tax_code", "explanation"])
def test_a_line_from_before_a_figure_was_kept_is_read(plain, name):
    lines = [{key: part for key, part in line.items() if key != name} for line in plain["lines"]]
    (line,) = Impact.from_canonical(plain | {"lines": lines}).lines
    assert isinstance(line, PricedLine)
    assert line.net == Decimal("125.00")


@pytest.mark.parametrize("name", ALWAYS_KEPT)
def test_what_is_no_impact_is_refused_by_the_name_of_what_is_missing(plain, name):
    with pytest.raises(ValueError, match=name):
        Impact.from_canonical({key: part for key, part in plain.items() if key != name})


def test_other_words_for_the_same_movement_are_the_same_agreement(plain):
    older = plain | {
        "movements": [one | {"sentence": "More of core, which the customer already has: upsell."} for one in plain["movements"]]
    }
    assert Impact.from_canonical(older).agreed() == Impact.from_canonical(plain).agreed()


@pytest.mark.parametrize(
    ("edit", "sentence"),
    [
        ({"action": "quantity", "quantity": Decimal(25)}, "More of Team, which the customer already has: upsell."),
        ({"action": "uplift", "percent": Decimal(5)}, "A higher price, nothing more of Team: price uplift."),
        ({"action": "remove"}, "Team goes: downgrade."),
        (
            {
                "action": "swap", "product": "business", "name": "Business", "family": "core", "tier": 3, "unit_price": Decimal(80),
            },
            "A higher plan, Business in place of Team: upsell.",
        ),
    ],
)  # fmt: skip
def test_movements_speak_of_products_by_name(edit, sentence):
    assert [one.sentence for one in frozen(**edit).movements] == [sentence]


@pytest.mark.parametrize(
    ("price", "percent", "currency", "expected"),
    [
        ("50.00", "5", "GBP", "52.50"),
        ("49.99", "3.5", "GBP", "51.74"),
        ("0.0125", "10", "GBP", "0.0138"),
        ("8000", "2.5", "JPY", "8200"),
        ("15.500", "1", "KWD", "15.655"),
        ("0.01", "50", "GBP", "0.02"),
    ],
)
def test_an_uplift_rounds_half_away_from_zero_to_the_places_of_the_price(price, percent, currency, expected):
    assert uplifted(Decimal(price), Decimal(percent), currency) == Decimal(expected)
