"""What a business day brings, day by day, each once: changes take effect, invoices go out, terms end (F11, F31)."""

import threading
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import connections
from django.utils import timezone

from billing.models import Contract, DemoClock, Document
from expansion.models import Change, Deal, Notice
from expansion.operations import changes, daily, demo_clock, execution
from tests.worlds import STORY_DAY, seed_world

pytestmark = pytest.mark.django_db

JULY = date(2026, 7, 1)


@pytest.fixture
def world(db):
    return seed_world()


def morning(day):
    return datetime(day.year, day.month, day.day, 8, tzinfo=UTC)


def catch_up(day):
    return daily.catch_up(on=day, at=morning)


def scheduled(world, effective, quantity="25"):
    change = changes.draft(deal=world.deal, intents=world.more_seats(quantity), effective=effective, by=world.ae, now=world.now)
    changes.submit(change_id=change.pk, version=1, shown_hash=change.content_hash, by=world.ae, now=world.now)
    return changes.approve(change_id=change.pk, version=1, shown_hash=change.content_hash, by=world.finance, now=world.now)


def invoices(world):
    return list(world.contract.documents.filter(issue_date__gt=STORY_DAY).order_by("issue_date", "pk").values_list("issue_date", "net"))


@pytest.mark.req("F68", "F31")
def test_a_change_of_the_first_day_is_made_before_the_period_is_billed(world):
    change = scheduled(world, JULY)
    assert catch_up(JULY).applied == [change.number]
    assert invoices(world) == [(JULY, Decimal(1250))]


@pytest.mark.req("F31")
def test_days_that_were_missed_are_done_in_their_order_each_once(world):
    change = scheduled(world, date(2026, 7, 11))
    done = catch_up(date(2026, 9, 3))
    assert (done.applied, done.issued) == ([change.number], 3)
    # 5 x 50.00 x 21/31 days on its own day, though nobody was there on it
    assert invoices(world) == [
        (JULY, Decimal(1000)),
        (date(2026, 7, 11), Decimal("169.35")),
        (date(2026, 8, 1), Decimal(1250)),
        (date(2026, 9, 1), Decimal(1250)),
    ]
    assert catch_up(date(2026, 9, 3)) == daily.Done()


@pytest.mark.req("F31")
def test_day_by_day_comes_to_the_same_books_as_all_at_once(world):
    scheduled(world, date(2026, 7, 11))
    for ahead in range(1, 80):
        catch_up(STORY_DAY + timedelta(days=ahead))
    assert [net for _, net in invoices(world)] == [Decimal(1000), Decimal("169.35"), Decimal(1250), Decimal(1250)]


@pytest.mark.req("F72")
def test_the_end_of_the_term_closes_the_deal_and_expires_what_was_open_on_it(world):
    waiting = scheduled(world, date(2026, 12, 20))
    draft = changes.draft(deal=world.deal, intents=world.more_seats("30"), effective=date(2026, 12, 31), by=world.ae, now=world.now)
    # The scheduled change cannot be carried out: it waits until the contract is over.
    Contract.objects.filter(pk=world.contract.pk).update(end=date(2026, 12, 20))
    done = catch_up(date(2026, 12, 20))
    assert done.ended == ["C-1042"]
    for change in (waiting, draft):
        change.refresh_from_db()
        assert change.state in {"expired", "superseded"}
        assert not Document.objects.filter(reference=change.number).exists()
    deal = Deal.objects.select_related("stage").get(pk=world.deal.pk)
    assert (deal.is_open, deal.stage.code, deal.mrr) == (False, "ended", Decimal(0))
    assert Notice.objects.filter(event="expired", channel="in_app", recipient=world.ae).exists()
    assert Change.objects.get(pk=draft.pk).closed_reason == "Contract C-1042 ended on 20 Dec 2026."


@pytest.mark.req("F11")
@pytest.mark.django_db(transaction=True)
def test_two_clocks_at_once_do_each_days_work_once():
    world = seed_world()
    scheduled(world, date(2026, 6, 24))
    gate, wrong = threading.Barrier(2), []

    def ten_days():
        try:
            for ahead in range(1, 24):
                gate.wait(timeout=30)
                catch_up(STORY_DAY + timedelta(days=ahead))
        except BaseException as error:
            wrong.append(error)
            gate.abort()
        finally:
            connections.close_all()

    threads = [threading.Thread(target=ten_days) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=120)
    assert not wrong, wrong
    assert invoices(world) == [(date(2026, 6, 24), Decimal("58.33")), (JULY, Decimal(1250))]


def test_a_moved_demo_clock_issues_what_is_due_on_the_days_passed(settings):
    settings.DEMO, settings.LEDGERLY_URL = True, ""
    world = seed_world()
    DemoClock.objects.create(day=STORY_DAY, set_at=timezone.now())
    scheduled(world, date(2026, 6, 24))
    moved = demo_clock.move(day=date(2026, 8, 15), by=world.ae, real_now=timezone.now())
    assert (moved.issued, len(moved.applied)) == (2, 1)
    assert invoices(world) == [(date(2026, 6, 24), Decimal("58.33")), (JULY, Decimal(1250)), (date(2026, 8, 1), Decimal(1250))]
    issued = Document.objects.get(issue_date=JULY).issued_at
    assert issued == datetime(2026, 7, 1, 8, tzinfo=UTC), "at nine in London on its own day"
    assert demo_clock.move(day=date(2026, 8, 15), by=world.ae, real_now=timezone.now()).issued == 0


def test_each_legal_entity_has_its_own_day(world):
    change = scheduled(world, date(2026, 6, 17))
    late = datetime(2026, 6, 16, 23, 30, tzinfo=UTC)  # already the 17th in London
    assert execution.activate_due(now=late) == [change.number]
