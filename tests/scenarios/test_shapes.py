"""Contracts of unusual shape, from the signature through bill runs and a change to the books: own periods, discounts, three places."""

from datetime import date
from decimal import Decimal

import pytest

from billing.models import Contract, Document, Price
from expansion.demo import catalogue
from expansion.models import Deal
from expansion.operations import changes
from tests.books import assert_books_hold
from tests.scenarios.test_history import at, bill_until, month, seats, world_of
from tests.worlds import STORY_DAY

pytestmark = pytest.mark.django_db


def make(world, intents, effective=STORY_DAY, **more):
    """RevOps drafts and submits on the effective day; no rule asks for an approval."""
    now = at(effective)
    change = changes.draft(deal=world.deal, intents=intents, effective=effective, by=world.admin, now=now, **more)
    change = changes.submit(change_id=change.pk, version=1, shown_hash=change.content_hash, by=world.admin, now=now)
    assert change.state == "applied"
    return change


def net(change):
    return Document.objects.get(reference=change.number).net


@pytest.mark.req("F67")
def test_an_annual_line_of_a_monthly_contract_is_billed_once_a_year_with_the_invoice_of_its_month():
    world = world_of(end=date(2028, 1, 1))
    added = make(world, [{"action": "add", "product": "route-analytics", "quantity": "1", "months": "12"}])
    assert net(added) == Decimal("1635.62")  # 1 x 3000.00 x 199/365 days, to 31 December
    assert Deal.objects.get().mrr == Decimal(1250)
    bill_until(date(2027, 2, 1))
    assert [month(world, date(2026, number, 1)).net for number in (7, 12)] == [Decimal(1000), Decimal(1000)]
    assert (month(world, date(2027, 1, 1)).net, month(world, date(2027, 2, 1)).net) == (Decimal(4000), Decimal(1000))
    key = str(Contract.objects.get().lines.get(removed_in=None, product__code="route-analytics").key)
    more = make(world, [{"action": "quantity", "key": key, "quantity": "2"}], date(2027, 2, 15))
    assert net(more) == Decimal("2630.14")  # 1 x 3000.00 x 320/365 days
    bill_until(date(2028, 1, 1))
    assert_books_hold()


def test_a_fixed_discount_comes_off_every_invoice_and_a_change_moves_only_its_own_part():
    world = world_of(overrides={"fixed_discount": Decimal(100)})
    assert month(world, date(2026, 6, 1)).net == Decimal(900)
    change = make(world, seats(world, 25))
    assert net(change) == Decimal(125)
    bill_until(date(2026, 7, 1))
    july = month(world, date(2026, 7, 1))
    assert (july.net, sum(line.net for line in july.lines.all())) == (Decimal(1150), Decimal(1150))
    assert Deal.objects.get().mrr == Decimal(1150)
    assert_books_hold()


@pytest.mark.req("F74")
def test_three_places_are_kept_from_the_quote_to_the_invoice():
    Price.objects.create(product=catalogue.build_products()["team"], currency="KWD", months=1, unit_price=Decimal("15.535"))
    world = world_of(currency="KWD")
    assert month(world, date(2026, 6, 1)).net == Decimal("310.700")
    change = make(world, seats(world, 25), date(2026, 6, 20))
    assert net(change) == Decimal("28.481")  # 5 x 15.535 x 11/30 days = 28.48083…
    bill_until(date(2026, 7, 1))
    assert month(world, date(2026, 7, 1)).net == Decimal("388.375")
    back = make(world, seats(world, 20), date(2026, 7, 11), treatment="credit_note")
    assert net(back) == Decimal("52.619")  # 5 x 15.535 x 21/31 days = 52.61854…
    assert_books_hold()
