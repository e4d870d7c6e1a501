"""How the recurring revenue came about: signed at first, then moved by changes, and the parts are the whole."""

from datetime import date
from decimal import Decimal

import pytest

from expansion.queries.growth import growth_of
from tests.expansion.desk import approved, set_clock
from tests.worlds import seed_world

pytestmark = [pytest.mark.django_db, pytest.mark.req("K01")]


@pytest.fixture
def world(db, settings):
    set_clock(settings)
    return seed_world()


def test_without_changes_everything_was_signed(world):
    months = growth_of(world.contract, on=date(2026, 6, 16))
    assert [month.first for month in months] == [date(2026, month, 1) for month in range(1, 7)]
    assert {(month.signed, month.mrr) for month in months} == {(Decimal("1000.00"), Decimal("1000.00"))}


def test_a_change_is_shown_from_the_month_it_took_effect_under_its_mechanism(world, django_assert_num_queries):
    approved(world)
    world.contract.refresh_from_db()
    with django_assert_num_queries(2):
        may, june = growth_of(world.contract, on=date(2026, 6, 30))[-2:]
    assert (may.mrr, dict(may.moved)) == (Decimal("1000.00"), {})
    assert (june.mrr, dict(june.moved)) == (Decimal("1250.00"), {"upsell": Decimal("250.00")})
    assert june.signed == Decimal("1000.00")


def test_the_day_before_a_change_knows_nothing_of_it(world):
    approved(world)
    (*_, june) = growth_of(world.contract, on=date(2026, 6, 15))
    assert (june.mrr, dict(june.moved)) == (Decimal("1000.00"), {})
