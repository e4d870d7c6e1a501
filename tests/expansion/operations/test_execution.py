"""Changes that wait for their day: computed again when it comes, carried out only if they are still what was approved (F68)."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import DatabaseError, IntegrityError, transaction

from billing.models import Contract, Document, Price
from expansion.models import Change
from expansion.operations import changes, execution
from tests.worlds import STORY_DAY, seed_world

pytestmark = [pytest.mark.django_db, pytest.mark.req("F68")]

LATER = date(2026, 6, 24)


@pytest.fixture
def world(db):
    return seed_world()


def at(day):
    return datetime(day.year, day.month, day.day, 8, tzinfo=UTC)


def scheduled(world, *, quantity="25", effective=LATER):
    change = changes.draft(deal=world.deal, intents=world.more_seats(quantity), effective=effective, by=world.ae, now=world.now)
    changes.submit(change_id=change.pk, version=1, shown_hash=change.content_hash, by=world.ae, now=world.now)
    return changes.approve(change_id=change.pk, version=1, shown_hash=change.content_hash, by=world.finance, now=world.now)


def test_a_change_for_a_later_day_waits_and_bills_nothing(world):
    change = scheduled(world)
    assert change.state == "scheduled"
    assert not Document.objects.filter(reference=change.number).exists()
    assert Contract.objects.get().version == 1


def test_it_takes_effect_on_its_day_and_not_before(world):
    change = scheduled(world)
    assert execution.activate_due(now=at(LATER - timedelta(days=1))) == []
    assert execution.activate_due(now=at(LATER)) == [change.number]
    change.refresh_from_db()
    document = Document.objects.get(reference=change.number)
    assert change.state == "applied"
    # 5 x 50.00 x 7/30 days
    assert (document.net, document.issue_date) == (Decimal("58.33"), LATER)


def test_a_day_that_was_missed_is_caught_up_once(world):
    """The worker was down on the day: the change keeps its own effective date and is billed once."""
    change = scheduled(world)
    late = at(LATER + timedelta(days=3))
    assert execution.activate_due(now=late) == [change.number]
    assert execution.activate_due(now=late) == []
    assert Document.objects.get(reference=change.number).net == Decimal("58.33")


def test_a_change_whose_amounts_moved_is_not_carried_out_behind_anybodys_back(world):
    change = scheduled(world)
    other = changes.draft(deal=world.deal, intents=world.more_seats("22"), effective=STORY_DAY, by=world.ae, now=world.now)
    changes.submit(change_id=other.pk, version=1, shown_hash=other.content_hash, by=world.ae, now=world.now)
    changes.approve(change_id=other.pk, version=1, shown_hash=other.content_hash, by=world.finance, now=world.now)
    assert execution.activate_due(now=at(LATER)) == []
    change.refresh_from_db()
    assert change.state == "superseded"
    assert "Submit it again" in change.closed_reason
    assert not Document.objects.filter(reference=change.number).exists()
    assert change.notices.filter(event="returned", recipient=world.ae, channel="in_app").exists()


def test_a_new_price_in_the_book_does_not_touch_an_approved_change_of_quantity(world):
    change = scheduled(world)
    Price.objects.filter(product__code="team").update(unit_price=60)
    assert execution.activate_due(now=at(LATER)) == [change.number]


def waiting(world, edits):
    """A scheduled change nobody submitted, with an impact that cannot be read."""
    return Change.objects.create(
        number="CH-2026-9999",
        deal=world.deal,
        state="scheduled",
        base_version=1,
        effective=LATER,
        edits=edits,
        content_hash="0" * 64,
        currency="GBP",
        maker=world.ae,
        maker_person=world.ae.person,
        created_at=world.now,
    )


def test_one_broken_change_costs_only_itself(world):
    change = scheduled(world)
    broken = waiting(world, world.more_seats("30"))
    assert execution.activate_due(now=at(LATER)) == [change.number]
    broken.refresh_from_db()
    assert broken.state == "scheduled"


def test_a_waiting_change_that_can_no_longer_be_made_goes_back_to_its_maker(world):
    change = scheduled(world)
    impossible = waiting(world, [{"action": "remove", "key": "00000000-0000-0000-0000-000000000000"}])
    assert execution.activate_due(now=at(LATER)) == [change.number]
    impossible.refresh_from_db()
    assert impossible.state == "superseded"
    assert change.number in impossible.closed_reason


@pytest.mark.req("M18")
def test_the_database_refuses_an_execution_that_is_not_the_decided_one(world):
    change = scheduled(world)
    with pytest.raises(IntegrityError), transaction.atomic():
        Change.objects.filter(pk=change.pk).update(state="applied", executed_hash="0" * 64)


@pytest.mark.req("F08", "M19")
def test_the_database_refuses_to_alter_what_was_submitted(world):
    change = scheduled(world)
    with pytest.raises(DatabaseError, match="pgtrigger"), transaction.atomic():
        Change.objects.filter(pk=change.pk).update(edits=[])
    with pytest.raises(DatabaseError, match="pgtrigger"), transaction.atomic():
        Change.objects.filter(pk=change.pk).update(state="draft")
