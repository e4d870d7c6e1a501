"""Home: what waits for me, what is late, what went wrong; the same number of queries however much there is."""

import uuid
from contextlib import contextmanager
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from billing.models import DemoClock
from dealops.accounts.models import Role
from dealops.outbox.models import Message
from expansion.models import Change, Question
from tests.expansion.web import makers

pytestmark = pytest.mark.django_db


@pytest.fixture
def ada():
    return makers.person(Role.SALES, "Ada Ellis")


@pytest.fixture
def fiona():
    return makers.person(Role.FINANCE, "Fiona Reid", approval_limit=5000, approval_currency="GBP")


def home(client, user):
    client.force_login(user)
    answer = client.get("/home")
    assert answer.status_code == 200
    return answer.content.decode()


def test_the_root_leads_home(client):
    assert client.get("/").url == "/home"


def test_all_clear_names_the_next_bill_run(client, settings, fiona):
    settings.DEMO = True
    DemoClock.objects.create(day=makers.TODAY, set_at=timezone.now())
    makers.deal(owner=makers.person(Role.SALES, "Sam Ortiz"))
    page = home(client, fiona)
    assert "All clear – 0 waiting" in page
    assert "1 Jul 2026" in page
    assert "in 15 days" in page


def test_sales_sees_its_own_open_changes_with_their_lights_and_nobody_elses(client, ada):
    sam = makers.person(Role.SALES, "Sam Ortiz")
    mine = makers.change(makers.deal("Brightwave Logistics", owner=ada), maker=ada)
    theirs = makers.change(makers.deal("Ortega Foods", owner=sam), maker=sam)
    page = home(client, ada)
    assert mine.number in page
    assert "Future invoice: Waiting for Finance" in page
    assert theirs.number not in page


def test_drafts_and_returned_changes_come_first_with_what_to_do(client, ada):
    waiting = makers.change(makers.deal("Waiting Ltd", owner=ada), maker=ada)
    returned = makers.change(makers.deal("Returned Ltd", owner=ada), maker=ada, state="rejected", submitted_at=makers.NOW)
    Change.objects.filter(pk=returned.pk).update(submitted_at=_recent())
    page = home(client, ada)
    assert page.index("Returned Ltd") < page.index("Waiting Ltd")
    assert "Read why, then change it" in page
    assert waiting.number in page


def test_a_question_of_who_decides_stands_first_with_the_way_to_answer_it(client, ada, fiona):
    asked = makers.change(makers.deal("Asked Ltd", owner=ada), maker=ada)
    makers.change(makers.deal("Draft Ltd", owner=ada), maker=ada, state="draft")
    question = Question.objects.create(change=asked, change_version=1, text="Is there a purchase order?", by=fiona, at=makers.NOW)
    page = home(client, ada)
    assert page.index("Asked Ltd") < page.index("Draft Ltd")
    assert "Fiona Reid asks: Is there a purchase order?" in page
    assert f'href="/changes/{asked.number}#approvals"' in page
    Question.objects.filter(pk=question.pk).update(answer="Yes, PO-17.", answered_by=ada, answered_at=makers.NOW)
    page = home(client, ada)
    assert "Is there a purchase order?" not in page and "#approvals" not in page


def test_a_question_that_was_decided_without_its_answer_asks_nobody_any_more(client, ada, fiona):
    asked = makers.change(makers.deal("Asked Ltd", owner=ada), maker=ada)
    Question.objects.create(change=asked, change_version=1, text="Is there a purchase order?", by=fiona, at=makers.NOW)
    assert "Is there a purchase order?" in home(client, ada)
    Change.objects.filter(pk=asked.pk).update(state="rejected")
    assert "Is there a purchase order?" not in home(client, ada)


def test_an_applied_change_stays_until_accounting_has_it(client, ada):
    change = makers.change(makers.deal("Moving Ltd", owner=ada), maker=ada, state="applied", applied_at=_recent())
    posting = makers.posted_document(change, "queued")
    assert change.number in home(client, ada)
    for state in ("sending", "done"):
        lease = (
            {"lease_token": uuid.uuid4(), "lease_until": makers.NOW} if state == "sending" else {"lease_token": None, "lease_until": None}
        )
        Message.objects.filter(pk=posting.message_id).update(state=state, **lease)
    assert change.number not in home(client, ada)


def test_sales_is_shown_which_deals_need_somebody_and_why(client, ada):
    makers.deal("Poorly Ltd", owner=ada, health=35, next_step="Call", next_step_on=makers.TODAY + timedelta(days=4000))
    makers.deal("Forgotten Ltd", owner=ada, next_step="")
    makers.deal("Fine Ltd", owner=ada, health=80, next_step="Call", next_step_on=makers.TODAY + timedelta(days=4000))
    page = home(client, ada)
    assert "At risk: health 35" in page
    assert "No next step" in page
    assert "Fine Ltd" not in page


def test_finance_sees_the_head_of_its_queue_with_amount_and_due(client, ada, fiona):
    before, after = {"net": "1000.00", "date": "2026-07-01"}, {"net": "1250.00", "date": "2026-07-01"}
    impact = {"summary": "Add 5 Team seats", "document": "invoice", "why": "", "next_before": before, "next_after": after}
    change = makers.change(makers.deal("Brightwave Logistics", owner=ada), maker=ada, impact=impact, due_at=_recent())
    page = home(client, fiona)
    for words in (change.number, "Ada Ellis", "£125.00", "£1,000.00", "£1,250.00", "Late: ", f"/approvals/{change.number}"):
        assert words in page


def test_finance_is_told_of_what_only_others_may_approve(client, ada, fiona):
    makers.change(makers.deal(owner=ada), maker=ada, amount_now=9000)
    page = home(client, fiona)
    assert "Nothing to approve." in page or "All clear" in page


def test_finance_sees_hand_offs_and_stuck_postings(client, ada, fiona):
    change = makers.change(makers.deal("Brightwave Logistics", owner=ada), maker=ada, state="applied")
    makers.handoff(change)
    makers.posted_document(change, "parked", "Contact is archived in Xero")
    page = home(client, fiona)
    assert "Update the next invoice of Brightwave Logistics" in page
    assert "Contact is archived in Xero" in page


@pytest.mark.parametrize("role", list(Role))
def test_home_costs_the_same_with_one_row_and_with_many(client, role):
    person = makers.person(role, "Some Body", approval_limit=5000)
    maker = person if role in {Role.SALES, Role.CUSTOMER_SUCCESS, Role.REVOPS} else makers.person(Role.SALES, "Ada Ellis")

    def add():
        deal = makers.deal(owner=maker, health=30)
        makers.handoff(makers.change(deal, maker=maker))
        makers.posted_document(makers.change(makers.deal(owner=maker), maker=maker, state="applied", applied_at=_recent()), "parked")

    def queries():
        with CaptureQueriesContext(connection) as seen:
            home(client, person)
        return len(seen)

    add()
    queries()
    few = queries()
    for _ in range(15):
        add()
    assert queries() == few
    assert few <= 26


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("role", "table", "gone", "kept"),
    [
        (Role.SALES, "expansion_offer", ["Offers to ask about"], ["My changes", "Deals to look at", "Hand-offs from Customer Success"]),
        (Role.FINANCE, "billing_posting", ["Postings that are stuck"], ["Waiting for your approval", "Handed to Finance"]),
        (Role.AUDITOR, "billing_posting", ["Postings that are stuck", "Some of the numbers above"], ["Awaiting approval"]),
    ],
)
def test_a_block_that_cannot_be_read_says_so_and_the_others_stay(client, role, table, gone, kept):
    maker = makers.person(Role.SALES, "Ada Ellis")
    makers.change(makers.deal("Brightwave Logistics", owner=maker, health=30), maker=maker)
    person = maker if role == Role.SALES else makers.person(role, "Some Body", approval_limit=5000)
    with held(table):
        page = home(client, person)
    assert page.count("This part could not be read") == len(gone)
    for title in gone:
        assert f'Try again<span class="sr-only">: {title}</span>' in page
    for words in kept:
        assert words in page
    if role != Role.AUDITOR:
        assert "Brightwave Logistics" in page
    assert "All clear" not in page
    again = client.get("/home?block=offers").content.decode()
    assert "could not be read" not in again


@contextmanager
def held(table):
    """Somebody else has locked the whole table, as a migration does, and this connection waits for it only a moment."""
    with connection.cursor() as cursor:
        cursor.execute("SET lock_timeout = '200ms'")
    other = connection.copy()
    try:
        other.set_autocommit(False)
        other.cursor().execute("SET lock_timeout = '60s'")
        other.cursor().execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")
        yield
    finally:
        other.rollback()
        other.close()
        with connection.cursor() as cursor:
            cursor.execute("RESET lock_timeout")


def test_before_the_first_deal_the_way_to_begin_stands_on_home(client):
    page = home(client, makers.person(Role.REVOPS, "Ravi Olsen"))
    assert 'href="/deals/import"' in page and 'href="/crm"' in page


def test_with_deals_and_nothing_waiting_home_is_all_clear(client, ada):
    makers.deal("Brightwave Logistics", owner=makers.person(Role.SALES, "Sam Ortiz"))
    assert "All clear – 0 waiting" in home(client, ada)


def _recent():
    return timezone.now() - timedelta(hours=2)
