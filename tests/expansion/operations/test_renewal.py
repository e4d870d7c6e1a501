"""A contract that runs on, and one that ends early, with a change pending in every state (F71, F72)."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from billing.domain.refusal import NotAllowed, Refusal
from billing.models import Contract, Document
from billing.queries import terms_of
from expansion.models import Change, Deal
from expansion.operations import changes, daily, renewal
from tests.books import assert_books_hold
from tests.worlds import STORY_DAY, seed_world

pytestmark = pytest.mark.django_db

NEXT_END = date(2028, 1, 1)


@pytest.fixture
def world(db):
    return seed_world()


def at(day):
    return datetime(day.year, day.month, day.day, 9, tzinfo=UTC)


def pending(world, state, effective=date(2026, 12, 15), quantity="25", **more):
    change = changes.draft(deal=world.deal, intents=world.more_seats(quantity), effective=effective, by=world.ae, now=world.now, **more)
    if state != "draft":
        change = changes.submit(change_id=change.pk, version=1, shown_hash=change.content_hash, by=world.ae, now=world.now)
    if state in {"scheduled", "applied"}:
        change = changes.approve(change_id=change.pk, version=1, shown_hash=change.content_hash, by=world.finance, now=world.now)
    assert change.state == state
    return change


def renew(world, until=NEXT_END, **more):
    return renewal.renew(deal_id=world.deal.pk, until=until, reason="Signed for another year", by=world.admin, now=world.now, **more)


def contract():
    return Contract.objects.select_related("legal_entity", "customer__segment", "future_invoice__current").get(number="C-1042")


def catch_up(day):
    return daily.catch_up(on=day, at=at)


# --- renewals -------------------------------------------------------------------------------------------------------------------


def test_a_renewed_contract_bills_on_and_its_deal_is_worth_more(world):
    renew(world)
    deal = Deal.objects.get()
    assert (deal.amount, deal.close_on) == (Decimal(24000), NEXT_END)
    done = catch_up(date(2027, 2, 1))
    assert (done.issued, done.ended) == (8, [])
    assert_books_hold()


@pytest.mark.req("F71")
def test_a_scheduled_change_goes_on_in_the_new_term_with_the_same_amounts(world):
    change = pending(world, "scheduled")
    renew(world)
    following = Change.objects.get(carries_on=change)
    assert (following.state, following.base_version) == ("scheduled", 2)
    assert (following.mrr_delta, following.amount_now) == (change.mrr_delta, change.amount_now)
    assert catch_up(date(2026, 12, 15)).applied == [following.number]
    assert_books_hold()


@pytest.mark.req("F71")
@pytest.mark.parametrize("state", ["draft", "submitted"])
def test_an_open_change_is_computed_again_and_its_maker_is_told(world, state):
    change = pending(world, state)
    assert change.impact["value_after"] == "12137.10"
    renew(world)
    change.refresh_from_db()
    assert (change.state, change.version, change.base_version) == ("draft", 2, 2)
    assert change.impact["value_after"] == "27137.10"
    assert change.notices.filter(event="returned.2", recipient=world.ae).exists()


def test_a_downgrade_agreed_for_the_renewal_takes_effect_with_it(world):
    pending(world, "applied", effective=STORY_DAY, quantity="15", treatment="at_renewal")
    assert not Document.objects.filter(origin="one_off").exists()
    assert {line.quantity for line in terms_of(contract()).lines} == {20}
    renew(world)
    held = [(line.starts, line.ends, line.quantity) for line in terms_of(contract()).lines]
    assert held == [(date(2026, 1, 1), date(2027, 1, 1), 20), (date(2027, 1, 1), None, 15)]
    catch_up(date(2027, 1, 1))
    assert contract().documents.get(issue_date=date(2027, 1, 1)).net == Decimal(750)
    renewal.renew(deal_id=world.deal.pk, until=date(2029, 1, 1), reason="And another year", by=world.admin, now=at(date(2027, 6, 1)))
    assert [line.quantity for line in terms_of(contract()).lines] == [20, 15], "once, not with every renewal"
    assert_books_hold()


@pytest.mark.parametrize(("until", "code"), [(date(2027, 1, 1), "not_later"), (date(2026, 8, 1), "not_later")])
def test_a_renewal_is_to_a_later_day(world, until, code):
    with pytest.raises(Refusal) as refused:
        renew(world, until)
    assert (refused.value.code, refused.value.field) == (code, "until")


def test_a_term_that_ends_inside_a_period_is_not_renewed(db):
    world = seed_world(end=date(2026, 12, 15))
    with pytest.raises(Refusal, match="inside a billing period"):
        renew(world)


def test_only_revops_renews_and_ends(world):
    for person in (world.ae, world.finance):
        with pytest.raises(NotAllowed):
            renewal.renew(deal_id=world.deal.pk, until=NEXT_END, reason="Signed for a year", by=person, now=world.now)
        with pytest.raises(NotAllowed):
            renewal.end_early(deal_id=world.deal.pk, on=date(2026, 8, 1), reason="They leave us", by=person, now=world.now)


def agree(world, change, at=None):
    return changes.approve(change_id=change.pk, version=1, shown_hash=change.content_hash, by=world.finance, now=at or world.now)


@pytest.mark.req("S0-18", "K03")
def test_a_renewal_that_raises_prices_makes_a_price_uplift_that_finance_decides_about(world):
    deal, change = renew(world, uplift=Decimal(5))
    assert (deal.close_on, deal.amount) == (NEXT_END, Decimal(24000))
    assert (change.state, change.mechanism, change.effective, change.maker) == ("submitted", "price_uplift", date(2027, 1, 1), world.admin)
    assert (change.mrr_delta, change.goal) == (Decimal(50), "Signed for another year")
    assert agree(world, change).state == "scheduled"
    assert catch_up(date(2027, 1, 1)).applied == [change.number]
    assert contract().documents.get(issue_date=date(2027, 1, 1)).net == Decimal(1050)
    assert Deal.objects.get().amount == Decimal(24600)
    assert_books_hold()


def test_a_refused_uplift_leaves_the_new_term_at_the_old_prices(world):
    _, change = renew(world, uplift=Decimal(5))
    changes.reject(change_id=change.pk, version=1, reason="Their contract caps it at 3 %", by=world.finance, now=world.now)
    catch_up(date(2027, 1, 1))
    assert contract().documents.get(issue_date=date(2027, 1, 1)).net == Decimal(1000)
    assert_books_hold()


def test_where_no_rule_asks_for_an_approval_the_uplift_is_scheduled_at_once(db):
    world = seed_world(owner="sales_cs")
    _, change = renew(world, uplift=Decimal(5))
    assert change.state == "scheduled"


def test_an_uplift_waits_for_the_change_that_is_open(world):
    pending(world, "draft")
    with pytest.raises(Refusal) as refused:
        renew(world, uplift=Decimal(5))
    assert (refused.value.code, refused.value.field) == ("second_open_change", "uplift")
    assert contract().end == date(2027, 1, 1), "nothing was written"


# --- ends -----------------------------------------------------------------------------------------------------------------------


def end(world, on, now=None):
    return renewal.end_early(deal_id=world.deal.pk, on=on, reason="The customer gave notice", by=world.admin, now=now or world.now)


def test_an_earlier_end_stops_the_invoices_and_the_deal(world):
    end(world, date(2026, 8, 16))
    assert Deal.objects.get().amount == Decimal("7483.87")  # 7 x 1000.00 and 20 x 50.00 x 15/31 days
    done = catch_up(date(2026, 9, 1))
    assert (done.issued, done.ended) == (2, ["C-1042"])
    assert contract().future_invoice.current.invoice_date is None
    deal = Deal.objects.get()
    assert (deal.is_open, deal.mrr, deal.stage.code) == (False, Decimal(0), "ended")
    assert_books_hold()


@pytest.mark.req("F72")
@pytest.mark.parametrize("state", ["draft", "submitted", "scheduled"])
def test_whatever_is_pending_when_the_contract_ends_expires_without_a_document(world, state):
    change = pending(world, state, effective=date(2026, 12, 15))
    end(world, date(2026, 7, 1))
    catch_up(date(2026, 7, 1))
    change.refresh_from_db()
    assert change.state == "expired"
    assert "C-1042 end" in change.closed_reason
    assert not Document.objects.filter(reference=change.number).exists()
    assert change.notices.filter(event="expired", recipient=world.ae).exists()
    assert not change.handoffs.exclude(state="cancelled").exists()
    assert_books_hold()


def test_a_waiting_change_before_the_earlier_end_is_still_made(world):
    change = pending(world, "scheduled", effective=date(2026, 7, 11))
    end(world, date(2026, 9, 1))
    following = Change.objects.get(carries_on=change)
    assert catch_up(date(2026, 9, 1)).applied == [following.number]
    assert contract().state == "ended"
    assert_books_hold()


@pytest.mark.parametrize(
    ("on", "code"), [(date(2026, 6, 16), "billed_beyond"), (date(2027, 1, 1), "not_earlier"), (date(2026, 1, 1), "not_earlier")]
)
def test_what_is_billed_stays_billed(world, on, code):
    with pytest.raises(Refusal) as refused:
        end(world, on)
    assert (refused.value.code, refused.value.field) == (code, "on")


def test_a_contract_that_ends_today_is_closed_at_once(world):
    today = date(2026, 7, 1)
    deal = end(world, today, now=at(today))
    assert (deal.is_open, contract().state) == (False, "ended")
    with pytest.raises(Refusal, match="has ended"):
        renewal.renew(deal_id=deal.pk, until=NEXT_END, reason="On second thoughts", by=world.admin, now=at(today))
    assert_books_hold()


@pytest.mark.req("M08")
def test_a_change_up_to_a_day_that_an_earlier_end_cut_off_still_explains_its_version(world):
    """What was agreed while the term reached further is made again on the term as it was then."""
    until = {"action": "quantity", "key": str(world.seat_line().key), "quantity": "25", "until": "2026-09-14"}
    change = changes.draft(deal=world.deal, intents=[until], effective=STORY_DAY, by=world.ae, now=world.now)
    shown = {"change_id": change.pk, "version": 1, "shown_hash": change.content_hash}
    changes.submit(**shown, by=world.ae, now=world.now)
    changes.approve(**shown, by=world.finance, now=world.now)
    renewal.end_early(deal_id=world.deal.pk, on=date(2026, 8, 1), reason="Agreed with the customer", by=world.admin, now=world.now)
    assert_books_hold("M08")
