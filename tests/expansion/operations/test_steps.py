"""Recurring revenue moves on the day of a step that was agreed before, once, and the log says why (M09)."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from billing.models import DemoClock
from dealops.audit.models import Entry
from expansion.models import Deal
from expansion.operations import changes, daily, renewal, steps
from expansion.queries.invariants import BY_THE_CLOCK, broken
from tests.books import assert_books_hold
from tests.expansion.desk import approved, set_clock
from tests.worlds import STORY_DAY, seed_world

pytestmark = [pytest.mark.django_db, pytest.mark.req("M09")]

OCTOBER, NEW_YEAR = date(2026, 10, 1), date(2027, 1, 1)


@pytest.fixture
def world(db):
    return seed_world()


def catch_up(day):
    return daily.catch_up(on=day, at=lambda day: datetime(day.year, day.month, day.day, 6, tzinfo=UTC))


def monthly():
    return Deal.objects.get(number="DL-1042").mrr


def told():
    return list(Entry.objects.filter(action="deal.mrr_moved").order_by("pk").values_list("sentence", flat=True))


def ramp(world):
    """25 seats now, 30 from October."""
    return approved(world, intents=[*world.more_seats("25"), {**world.more_seats("30")[0], "on": "2026-10-01"}])


def test_a_ramp_moves_it_on_the_day_of_each_step(world):
    ramp(world)
    assert monthly() == Decimal(1250)
    assert catch_up(date(2026, 9, 30)).stepped == []
    assert catch_up(OCTOBER).stepped == ["DL-1042"]
    assert monthly() == Decimal(1500)
    assert told() == [
        "Recurring revenue of DL-1042 is 1500.00 GBP a month from 1 Oct 2026, it was 1250.00: "
        "a step of contract C-1042 that was agreed before."
    ]
    assert_books_hold()


def test_it_moves_once_however_often_and_late_the_day_is_done(world):
    ramp(world)
    catch_up(date(2026, 11, 20))
    catch_up(date(2026, 11, 20))
    assert monthly() == Decimal(1500)
    assert len(told()) == 1
    assert "from 1 Oct 2026" in told()[0], "on its own day, though nobody was there on it"
    assert steps.take(on=date(2026, 11, 20), now=world.now) == []


def test_a_product_until_a_date_leaves_it_on_that_day(world):
    approved(world, intents=[{"action": "add", "product": "route-analytics", "quantity": "1", "until": "2026-10-01"}])
    assert monthly() == Decimal(1300)
    catch_up(OCTOBER)
    assert monthly() == Decimal(1000)
    assert_books_hold()


def test_the_uplift_of_a_renewal_counts_from_the_new_term_on(world):
    given = {"reason": "Another year", "by": world.admin, "now": world.now, "uplift": Decimal(5)}
    _, change = renewal.renew(deal_id=world.deal.pk, until=date(2028, 1, 1), **given)
    changes.approve(change_id=change.pk, version=1, shown_hash=change.content_hash, by=world.finance, now=world.now)
    catch_up(date(2026, 12, 31))
    assert monthly() == Decimal(1000)
    catch_up(NEW_YEAR)
    assert monthly() == Decimal(1050)
    assert_books_hold()


def test_a_change_that_only_has_later_steps_does_not_move_it_now(world):
    approved(world, intents=[{**world.more_seats("30")[0], "on": "2026-10-01"}])
    assert monthly() == Decimal(1000)
    catch_up(OCTOBER)
    assert monthly() == Decimal(1500)
    assert_books_hold()


def test_a_deal_without_steps_is_not_read(world, django_assert_num_queries):
    with django_assert_num_queries(1):
        assert steps.take(on=OCTOBER, now=world.now) == []


def test_a_revenue_that_is_not_the_contracts_is_found(world):
    ramp(world)
    assert broken({"M09"}) == []
    Deal.objects.filter(pk=world.deal.pk).update(mrr=Decimal(1500))
    assert [(row.subject, row.words) for row in broken({"M09"})] == [
        ("deal:DL-1042", f"says 1500.00 a month on {STORY_DAY:%-d %b %Y}, its contract brings 1250.00")
    ]


def test_a_step_nobody_took_is_found_by_the_clock(world, settings):
    ramp(world)
    (by_the_clock,) = BY_THE_CLOCK
    set_clock(settings, OCTOBER)
    assert by_the_clock.broken() == [], "the day is not over"
    DemoClock.objects.update(day=date(2026, 10, 2))
    assert [row.subject for row in by_the_clock.broken()] == ["deal:DL-1042"]
    catch_up(date(2026, 10, 2))
    assert by_the_clock.broken() == []
