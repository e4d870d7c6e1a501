"""Changes that wait while the contract moves: carried on when they still do what was agreed, else given back; never dropped (F68, F71)."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from billing.models import Contract, Document, LegalEntity
from billing.queries import terms_of
from expansion.models import Change, Deal, ProductRelation
from expansion.operations import changes, daily, execution
from tests.books import assert_books_hold
from tests.worlds import seed_world

pytestmark = [pytest.mark.django_db, pytest.mark.req("F68", "F71")]

JULY = date(2026, 7, 1)
ELEVENTH = date(2026, 7, 11)
SCHEDULER = [{"action": "add", "product": "scheduler", "quantity": "1"}]


@pytest.fixture
def world(db):
    return seed_world()


def at(day):
    return datetime(day.year, day.month, day.day, 9, tzinfo=UTC)


def catch_up(day):
    return daily.catch_up(on=day, at=at)


def seats(world, count):
    return [{"action": "quantity", "key": str(world.contract.lines.first().key), "quantity": str(count)}]


def draft(world, intents, effective, day=date(2026, 6, 16), **more):
    return changes.draft(deal=world.deal, intents=intents, effective=effective, by=world.ae, now=at(day), **more)


def submitted(world, intents, effective, day=date(2026, 6, 16), **more):
    change = draft(world, intents, effective, day, **more)
    return changes.submit(change_id=change.pk, version=1, shown_hash=change.content_hash, by=world.ae, now=at(day))


def agreed(world, intents, effective, day=date(2026, 6, 16), **more):
    change = submitted(world, intents, effective, day, **more)
    if change.state != "submitted":
        return change
    return changes.approve(change_id=change.pk, version=1, shown_hash=change.content_hash, by=world.finance, now=at(day))


def successor(change):
    return Change.objects.get(carries_on=change)


def held(number="C-1042"):
    contract = Contract.objects.select_related("legal_entity", "customer__segment").get(number=number)
    return {line.product: line.quantity for line in terms_of(contract).on(date(2026, 12, 1))}


def test_a_waiting_change_is_carried_on_when_a_newer_one_leaves_its_amounts_alone(world):
    waiting = agreed(world, SCHEDULER, ELEVENTH)
    agreed(world, seats(world, 25), date(2026, 6, 20), day=date(2026, 6, 20))
    waiting.refresh_from_db()
    following = successor(waiting)
    assert (waiting.state, following.state) == ("superseded", "scheduled")
    assert following.number in waiting.closed_reason
    assert (following.base_version, following.amount_now, following.mrr_delta) == (2, waiting.amount_now, waiting.mrr_delta)
    assert following.notices.filter(event="carried_on", recipient=world.ae, channel="in_app").exists()
    assert following.handoffs.get().state == "open", "Finance's task goes along"
    assert catch_up(ELEVENTH).applied == [following.number]
    # 180.00 x 21/31 days
    assert Document.objects.get(reference=following.number).net == Decimal("121.94")
    assert held() == {"team": 25, "scheduler": 1}
    assert_books_hold()


def test_two_waiting_changes_take_effect_one_after_the_other(world):
    first = agreed(world, seats(world, 25), JULY)
    second = agreed(world, SCHEDULER, ELEVENTH)
    done = catch_up(ELEVENTH)
    assert done.applied == [first.number, successor(second).number]
    assert held() == {"team": 25, "scheduler": 1}
    assert_books_hold()


def test_a_waiting_change_whose_amounts_moved_goes_back_to_its_maker_as_a_draft(world):
    waiting = agreed(world, seats(world, 25), JULY)
    newer = agreed(world, seats(world, 23), date(2026, 6, 20), day=date(2026, 6, 20))
    waiting.refresh_from_db()
    back = successor(waiting)
    assert (waiting.state, back.state, back.maker) == ("superseded", "draft", world.ae)
    assert newer.number in waiting.closed_reason
    assert back.impact["mrr_delta"] == "100.00", "two seats more than the newer change made it"
    assert waiting.notices.filter(event="returned", recipient=world.ae).exists()
    assert not waiting.handoffs.exclude(state="cancelled").exists()
    assert catch_up(JULY).applied == []
    assert held() == {"team": 23}
    assert_books_hold()


def test_what_can_no_longer_be_made_goes_back_with_the_reason(world):
    agreed(world, SCHEDULER, date(2026, 6, 17), day=date(2026, 6, 17))
    key = str(Contract.objects.get(number="C-1042").lines.get(product__code="scheduler").key)
    waiting = agreed(world, [{"action": "quantity", "key": key, "quantity": "2"}], ELEVENTH, day=date(2026, 6, 18))
    agreed(world, [{"action": "remove", "key": key}], date(2026, 6, 20), day=date(2026, 6, 20))
    waiting.refresh_from_db()
    assert waiting.state == "superseded"
    assert "is not in force on 2026-07-11" in waiting.closed_reason
    assert not Change.objects.filter(carries_on=waiting).exists()
    assert waiting.notices.filter(event="returned").exists()
    assert_books_hold()


def test_what_a_rule_made_since_forbids_goes_back_with_the_reason(world):
    add_on = [{"action": "add", "product": "route-analytics", "quantity": "1"}]
    waiting = agreed(world, add_on, ELEVENTH)
    needs = ProductRelation(product=world.products["route-analytics"], other=world.products["scheduler"], kind="requires")
    needs.state = ProductRelation.State.APPROVED
    needs.save()
    assert waiting.number not in catch_up(ELEVENTH).applied
    waiting.refresh_from_db()
    assert waiting.state == "superseded"
    assert "Route Analytics needs Scheduler" in waiting.closed_reason
    assert waiting.notices.filter(event="returned").exists()
    assert_books_hold()


def test_where_another_change_is_open_the_maker_is_told_and_gets_no_second_draft(world):
    first = agreed(world, seats(world, 25), JULY)
    second = agreed(world, seats(world, 30), ELEVENTH)
    open_one = draft(world, SCHEDULER, date(2026, 8, 1))
    assert catch_up(JULY).applied == [first.number]
    second.refresh_from_db()
    open_one.refresh_from_db()
    assert (second.state, open_one.state, open_one.version) == ("superseded", "draft", 2)
    assert list(Change.objects.filter(state="draft")) == [open_one]
    assert second.notices.filter(event="returned").exists()
    assert_books_hold()


def test_what_awaits_approval_when_the_contract_moves_is_a_draft_again_with_the_new_amounts(world):
    first = agreed(world, seats(world, 25), JULY)
    second = submitted(world, seats(world, 30), date(2026, 7, 20), day=date(2026, 6, 25))
    shown = second.content_hash
    assert catch_up(JULY).applied == [first.number]
    second.refresh_from_db()
    assert (second.state, second.version, second.base_version) == ("draft", 2, 2)
    assert second.content_hash != shown
    assert second.impact["mrr_delta"] == "250.00"
    assert second.notices.filter(event="returned.2", recipient=world.ae, channel="in_app").exists()
    assert second.handoffs.get().state == "cancelled"
    assert Deal.objects.get().stage.code != "awaiting_approval"
    # July's invoice has gone out since, so the maker looks once more before sending it.
    day = {"now": at(date(2026, 7, 2))}
    again = changes.edit(change_id=second.pk, version=2, intents=second.edits, effective=second.effective, by=world.ae, **day)
    changes.submit(change_id=again.pk, version=3, shown_hash=again.content_hash, by=world.ae, **day)
    changes.approve(change_id=again.pk, version=3, shown_hash=again.content_hash, by=world.finance, **day)
    assert catch_up(date(2026, 7, 20)).applied == [again.number]
    assert held() == {"team": 30}
    assert_books_hold()


@pytest.mark.req("S0-18")
def test_where_finance_has_to_agree_by_now_it_is_not_carried_on_without_them(db):
    world = seed_world(owner="sales_cs")
    waiting = agreed(world, SCHEDULER, ELEVENTH)
    assert waiting.state == "scheduled"
    LegalEntity.objects.filter(code="northbeam-uk").update(future_invoice_owner="finance")
    agreed(world, seats(world, 25), date(2026, 6, 20), day=date(2026, 6, 20))
    waiting.refresh_from_db()
    assert waiting.state == "superseded"
    assert "Finance has to agree now" in waiting.closed_reason
    assert successor(waiting).state == "draft"


def test_a_change_that_was_carried_on_twice_still_counts_as_agreed(world):
    waiting = agreed(world, SCHEDULER, ELEVENTH)
    for day, count in ((18, 22), (20, 24)):
        agreed(world, seats(world, count), date(2026, 6, day), day=date(2026, 6, day))
    last = successor(successor(waiting))
    assert last.state == "scheduled"
    assert catch_up(ELEVENTH).applied == [last.number]
    assert_books_hold()


def test_an_invoice_that_came_out_of_turn_is_noticed_on_the_day(world):
    waiting = agreed(world, seats(world, 25), JULY)
    from billing.operations.billing_run import bill

    bill(on=JULY, at=at(JULY))  # before the change, which belongs before it
    assert execution.activate_due(now=at(JULY)) == []
    waiting.refresh_from_db()
    assert waiting.state == "superseded"
    assert successor(waiting).impact["document"] == "invoice", "the difference is owed now, and that was not agreed"
    assert_books_hold()
