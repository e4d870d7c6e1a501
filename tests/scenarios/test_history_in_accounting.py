"""Credits, swaps and carried amounts as accounting gets to see them, against the real Ledgerly."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from django.db import transaction

from billing.models import Document, LegalEntity
from billing.operations.postings import queue_document, queue_template
from dealops.outbox import relay
from dealops.outbox.models import Message
from expansion.operations import changes, daily, reversal
from tests.books import assert_books_hold
from tests.worlds import STORY_DAY, seed_world

pytestmark = pytest.mark.django_db(transaction=True)

JULY = date(2026, 7, 1)


def deliver_everything():
    for _ in range(6):
        if not relay.drain(queue="post") + relay.drain(queue="bulk") + relay.drain(queue="notify"):
            break
    left = Message.objects.exclude(state="done").values("topic", "state", "last_words")
    assert not left, list(left)


@pytest.fixture
def world(ledgerly):
    """June's invoice and the template are in accounting."""
    made = seed_world(owner="sales_cs")
    with transaction.atomic():
        queue_document(made.contract.documents.get(issue_date=date(2026, 6, 1)))
        queue_template(made.contract.future_invoice.current)
    deliver_everything()
    return made


def make(world, intents, **policies):
    if policies:
        LegalEntity.objects.filter(code="northbeam-uk").update(**policies)
    change = changes.draft(deal=world.deal, intents=intents, effective=STORY_DAY, by=world.ae, now=world.now)
    return changes.submit(change_id=change.pk, version=1, shown_hash=change.content_hash, by=world.ae, now=world.now)


def credit_notes(ledgerly):
    return ledgerly.state()["credit_notes"]


@pytest.mark.req("M12", "F61")
def test_a_swap_to_a_smaller_plan_is_a_credit_note_that_takes_its_own_total_off_the_invoice(world, ledgerly):
    key = str(world.seat_line().key)
    change = make(world, [{"action": "swap", "key": key, "product": "starter"}], downgrade_treatment="credit_note")
    note = Document.objects.get(reference=change.number)
    # 20 x 50.00 x 15/30 back, 20 x 20.00 x 15/30 charged
    assert (note.kind, note.net, note.total) == ("credit_note", Decimal(300), Decimal(360))
    deliver_everything()
    (posted,) = credit_notes(ledgerly)
    assert Decimal(posted["total"]) == Decimal(360)
    assert sum(Decimal(part["amount"]) for part in posted["allocations"]) == Decimal(360)
    assert_books_hold()


@pytest.mark.req("F82", "M23")
def test_a_swap_and_its_reversal_both_reach_accounting(world, ledgerly):
    key = str(world.seat_line().key)
    change = make(world, [{"action": "swap", "key": key, "product": "starter"}], downgrade_treatment="credit_note")
    reversal.reverse(change_id=change.pk, reason="They want to stay on Team", by=world.ae, now=world.now)
    deliver_everything()
    totals = [Decimal(invoice["total"]) for invoice in ledgerly.invoices() if invoice["reference"].startswith("CH-")]
    assert totals == [Decimal(360)]
    (template,) = ledgerly.live_templates("C-1042")
    assert Decimal(template["total"]) == Decimal(1200)
    assert_books_hold()


@pytest.mark.req("M07", "M10")
def test_a_credit_for_the_next_invoice_is_in_the_template_for_that_one_invoice_only(world, ledgerly):
    key = str(world.seat_line().key)
    make(world, [{"action": "quantity", "key": key, "quantity": "15"}], downgrade_treatment="credit_on_next_invoice")
    deliver_everything()
    (template,) = ledgerly.live_templates("C-1042")
    assert Decimal(template["total"]) == Decimal(750)  # (750.00 - 125.00) and a fifth
    ledgerly.post("/ledgerly/clock", {"date": "2026-07-01"})
    daily.catch_up(on=JULY, at=lambda day: datetime(2026, 7, 1, 6, tzinfo=UTC))
    deliver_everything()
    (made,) = [invoice for invoice in ledgerly.invoices("C-1042") if invoice["date"] == "2026-07-01"]
    assert Decimal(made["total"]) == Document.objects.get(issue_date=JULY).total == Decimal(750)
    (template,) = ledgerly.live_templates("C-1042")
    assert (Decimal(template["total"]), template["next_date"]) == (Decimal(900), "2026-08-01")
    assert_books_hold()


@pytest.mark.req("F72", "M10")
def test_a_contract_that_ends_leaves_no_template_behind(world, ledgerly):
    ledgerly.post("/ledgerly/clock", {"date": "2027-01-01"})
    daily.catch_up(on=date(2027, 1, 1), at=lambda day: datetime(day.year, day.month, day.day, 6, tzinfo=UTC))
    deliver_everything()
    assert ledgerly.live_templates("C-1042") == []
    assert_books_hold()
