"""Thirty and some cases of upsell, cross-sell, downgrade and price uplift (S1-02, F83)."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.domain.mechanism import Offering, mechanisms, movements, primary
from tests.billing.domain.effort import effort


def line(product: str, family: str, quantity: str, price: str, tier: int = 0, recurring: bool = True) -> Offering:
    value = Fraction(quantity) * Fraction(price) if recurring else Fraction(0)
    return Offering(product, family, Decimal(quantity), value, tier, recurring)


TEAM20 = line("team", "core", "20", "50")
PRO = line("pro", "core", "20", "50", tier=2)
ANALYTICS = line("analytics", "insight", "1", "300")
SETUP = line("setup", "services", "1", "900", recurring=False)

TABLE = [
    ("more seats", [TEAM20], [line("team", "core", "25", "50")], ["upsell/quantity"]),
    ("one more seat", [TEAM20], [line("team", "core", "21", "50")], ["upsell/quantity"]),
    ("part of a unit more", [TEAM20], [line("team", "core", "20.0001", "50")], ["upsell/quantity"]),
    ("fewer seats", [line("team", "core", "25", "50")], [line("team", "core", "22", "50")], ["downgrade/quantity"]),
    ("higher plan", [PRO], [line("enterprise", "core", "20", "80", tier=3)], ["upsell/tier"]),
    ("lower plan", [PRO], [line("basic", "core", "20", "30", tier=1)], ["downgrade/tier"]),
    ("higher plan, fewer seats, more value", [PRO], [line("enterprise", "core", "15", "80", tier=3)], ["upsell/tier"]),
    ("higher plan, fewer seats, less value", [PRO], [line("enterprise", "core", "10", "80", tier=3)], ["downgrade/product"]),
    ("lower plan, more seats, more value", [PRO], [line("basic", "core", "60", "30", tier=1)], ["upsell/product"]),
    ("other plan at the same value", [PRO], [line("enterprise", "core", "10", "100", tier=3)], []),
    ("second product of an owned family", [TEAM20], [TEAM20, line("guest", "core", "5", "10")], ["upsell/product"]),
    ("product of a new family", [TEAM20], [TEAM20, ANALYTICS], ["cross_sell/product"]),
    ("first product of all", [], [TEAM20], ["cross_sell/product"]),
    ("product removed", [TEAM20, ANALYTICS], [TEAM20], ["downgrade/product"]),
    ("everything removed", [TEAM20], [], ["downgrade/product"]),
    ("one of two products of a family removed", [TEAM20, line("guest", "core", "5", "10")], [TEAM20], ["downgrade/product"]),
    ("index uplift of five percent", [TEAM20], [line("team", "core", "20", "52.5")], ["price_uplift/price"]),
    (
        "uplift on two products of one family",
        [PRO, TEAM20],
        [line("pro", "core", "20", "51"), line("team", "core", "20", "51")],
        ["price_uplift/price"],
    ),
    ("dearer and fewer, more value: nothing grew but the price", [TEAM20], [line("team", "core", "18", "60")], ["price_uplift/price"]),
    ("dearer and more", [TEAM20], [line("team", "core", "21", "60")], ["upsell/quantity"]),
    ("price cut", [TEAM20], [line("team", "core", "20", "45")], ["downgrade/price"]),
    ("cheaper and more, less value: nothing fell but the price", [TEAM20], [line("team", "core", "21", "40")], ["downgrade/price"]),
    ("cheaper and more, more value", [TEAM20], [line("team", "core", "30", "40")], ["upsell/quantity"]),
    ("quantity and price cancel out", [TEAM20], [line("team", "core", "25", "40")], []),
    ("nothing changes", [TEAM20], [TEAM20], []),
    ("an owned free module is activated", [line("module", "core", "1", "0")], [line("module", "core", "5", "0")], []),
    ("a free module of a new family", [TEAM20], [TEAM20, line("module", "extras", "1", "0")], []),
    ("a family owned with quantity zero is not owned", [line("team", "core", "0", "50")], [TEAM20], ["cross_sell/product"]),
    ("quantity to zero", [TEAM20], [line("team", "core", "0", "50")], ["downgrade/product"]),
    ("a service once, new family", [TEAM20], [TEAM20, SETUP], ["cross_sell/one_time"]),
    ("a service once, owned family", [TEAM20], [TEAM20, line("training", "core", "1", "500", recurring=False)], ["upsell/one_time"]),
    ("up here, new there", [TEAM20], [line("team", "core", "25", "50"), ANALYTICS], ["cross_sell/product", "upsell/quantity"]),
    ("up here, gone there", [TEAM20, ANALYTICS], [line("team", "core", "21", "50")], ["downgrade/product", "upsell/quantity"]),
    (
        "three families, three ways",
        [TEAM20, ANALYTICS, line("vault", "storage", "10", "2")],
        [line("team", "core", "40", "50"), line("vault", "storage", "10", "3"), line("maps", "geo", "1", "20")],
        ["upsell/quantity", "downgrade/product", "cross_sell/product", "price_uplift/price"],
    ),
]


@pytest.mark.req("K03", "F83", "S1-02", "S1-08", "S1-12", "S4-80", "M28")
@pytest.mark.parametrize(("old", "new", "expected"), [row[1:] for row in TABLE], ids=[row[0] for row in TABLE])
def test_the_lines_say_what_the_change_is(old, new, expected):
    found = movements(old, new)
    tags = [f"{movement.mechanism}/{movement.how}" for movement in found]
    assert [tag for tag in tags if tag != "/"] == expected
    assert all(m.sentence for m in found)


@pytest.mark.req("S1-07")
def test_two_hundred_seats_that_become_three_hundred_and_fifty_are_an_upsell_of_a_hundred_and_fifty():
    (found,) = movements([line("team", "core", "200", "50")], [line("team", "core", "350", "50")])
    assert (found.mechanism, found.how, found.delta) == ("upsell", "quantity", 150 * 50)


@pytest.mark.req("S0-08")
def test_the_largest_recurring_difference_is_primary_whatever_its_sign():
    found = movements([TEAM20, ANALYTICS], [line("team", "core", "25", "50")])
    assert primary(found) == "downgrade"
    assert mechanisms(found) == ("downgrade", "upsell")
    assert primary(movements([TEAM20], [TEAM20])) == ""


OFFERINGS = st.lists(
    st.builds(
        line,
        st.sampled_from(["a", "b", "c", "d"]),
        st.sampled_from(["core", "insight", "storage"]),
        st.integers(0, 50).map(str),
        st.integers(0, 90).map(str),
        st.integers(0, 3),
    ),
    max_size=6,
)


@pytest.mark.req("M28")
@effort(150)
@given(OFFERINGS, OFFERINGS)
def test_each_family_has_one_tag_and_the_movements_sum_to_the_whole(old, new):
    found = movements(old, new)
    assert sorted(m.family for m in found) == sorted({o.family for o in (*old, *new)})
    assert sum(m.delta for m in found) == sum(o.value for o in new) - sum(o.value for o in old)
    for movement in found:
        if movement.mechanism == "downgrade":
            assert movement.delta < 0
        elif movement.mechanism:
            assert movement.delta > 0
        else:
            assert movement.delta == 0
