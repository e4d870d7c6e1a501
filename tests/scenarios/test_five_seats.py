"""A customer adds five seats halfway through June: from the draft to accounting, in both ownership modes, without a browser."""

from datetime import date
from decimal import Decimal

import pytest

from billing.models import Document, Posting
from dealops.outbox import relay
from dealops.outbox.models import Message
from expansion.models import Change, Notice
from expansion.operations import changes
from expansion.queries.lights import lights_of
from tests.books import assert_books_hold
from tests.worlds import STORY_DAY, seed_world

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("books_that_hold"),
    pytest.mark.req("S0-01", "S0-10", "S0-20", "S0-22", "S0-24", "S0-25"),
]


@pytest.fixture
def books_that_hold(transactional_db):
    """However a story went, the books hold at its end."""
    yield
    assert_books_hold()


def deliver_everything():
    for _ in range(5):
        if not relay.drain(queue="post") + relay.drain(queue="notify"):
            return


def settle_the_start(world):
    """June's invoice and the live template are in accounting before the story begins."""
    from django.db import transaction

    from billing.operations.postings import queue_document, queue_template

    with transaction.atomic():
        queue_document(world.contract.documents.get(issue_date=date(2026, 6, 1)))
        queue_template(world.contract.future_invoice.current)
    deliver_everything()


def submitted(world, quantity="25", effective=STORY_DAY):
    change = changes.draft(
        deal=world.deal, intents=world.more_seats(quantity), effective=effective, by=world.ae, now=world.now, goal="Five dispatchers"
    )
    return changes.submit(change_id=change.pk, version=change.version, shown_hash=change.content_hash, by=world.ae, now=world.now)


def approved(world, change):
    return changes.approve(change_id=change.pk, version=change.version, shown_hash=change.content_hash, by=world.finance, now=world.now)


def the_end_state_is_right(world, ledgerly, change):
    """The same whoever owned the future invoice."""
    change.refresh_from_db()
    world.deal.refresh_from_db()
    document = Document.objects.get(reference=change.number)
    assert change.state == "applied"
    assert (document.net, document.tax, document.total) == (Decimal(125), Decimal(25), Decimal(150))
    assert document.kind == "invoice"
    assert (world.deal.amount, world.deal.mrr) == (Decimal(13625), Decimal(1250))
    assert world.deal.pipeline.code == "upsells"
    future = world.contract.future_invoice
    future.refresh_from_db()
    assert (future.current.invoice_date, future.current.net, future.current.total) == (date(2026, 7, 1), Decimal(1250), Decimal(1500))
    (invoice,) = ledgerly.invoices(change.number)
    assert Decimal(invoice["total"]) == Decimal(150)
    (template,) = ledgerly.live_templates("C-1042")
    assert Decimal(template["total"]) == Decimal(1500)
    assert template["next_date"] == "2026-07-01"
    assert [light.status for light in lights_of([change])[change.pk]] == ["done"] * 4
    assert not Message.objects.exclude(state="done").exists()


def test_finance_owns_the_future_invoice_and_approves(ledgerly):
    world = seed_world(owner="finance")
    settle_the_start(world)
    change = submitted(world)
    assert change.state == "submitted"
    assert not Document.objects.filter(reference=change.number).exists()
    handoff = change.handoffs.get()
    assert handoff.due_on == date(2026, 6, 26)
    assert set(Notice.objects.filter(event="approval_needed.1").values_list("channel", flat=True)) == {"in_app", "email", "slack"}
    world.deal.refresh_from_db()
    assert (world.deal.pipeline.code, world.deal.stage.code) == ("upsells", "awaiting_approval")

    approved(world, change)
    deliver_everything()
    the_end_state_is_right(world, ledgerly, change)
    handoff.refresh_from_db()
    assert handoff.state == "done"


@pytest.mark.req("S0-18")
def test_sales_and_cs_own_it_and_it_takes_effect_without_a_finance_task(ledgerly):
    world = seed_world(owner="sales_cs")
    settle_the_start(world)
    change = submitted(world)
    deliver_everything()
    the_end_state_is_right(world, ledgerly, change)
    assert not change.handoffs.exists()
    assert not change.decisions.exists()
    assert not Notice.objects.filter(event__startswith="approval_needed").exists()


@pytest.mark.req("F33", "F18")
def test_a_lost_answer_is_looked_up_and_found_and_nothing_is_posted_twice(ledgerly):
    world = seed_world(owner="sales_cs")
    settle_the_start(world)
    ledgerly.fault("drop_after_commit", path="/Invoices")
    change = submitted(world)
    deliver_everything()
    the_end_state_is_right(world, ledgerly, change)
    posting = Posting.objects.get(document__reference=change.number)
    assert list(posting.message.tries.order_by("number").values_list("outcome", flat=True)) == ["unknown", "delivered"]


@pytest.mark.req("F41")
@pytest.mark.parametrize("call", ["PUT", "POST"])
def test_a_lost_answer_inside_the_template_replacement_leaves_one_live_template(ledgerly, call):
    world = seed_world(owner="sales_cs")
    settle_the_start(world)
    ledgerly.fault("drop_after_commit", method=call, path="/RepeatingInvoices*")
    change = submitted(world)
    deliver_everything()
    the_end_state_is_right(world, ledgerly, change)


@pytest.mark.req("F35")
def test_accounting_is_down_the_approval_is_saved_and_posts_later_by_itself(ledgerly):
    world = seed_world(owner="finance")
    settle_the_start(world)
    ledgerly.fault("maintenance", times=50, method="*", seconds=30)
    change = approved(world, submitted(world))
    relay.drain(queue="post", limit=3)
    change.refresh_from_db()
    assert change.state == "applied"
    assert change.document_number
    *_, accounting = lights_of([change])[change.pk]
    assert accounting.status == "waiting"
    assert "by itself" in accounting.words
    ledgerly.post("/ledgerly/faults/clear", {})
    Message.objects.exclude(state="done").update(available_at=world.now)
    deliver_everything()
    the_end_state_is_right(world, ledgerly, change)


@pytest.mark.req("S0-26")
def test_a_rejected_change_leaves_no_trace_in_the_books_and_puts_the_card_back(ledgerly):
    world = seed_world(owner="finance")
    change = submitted(world)
    changes.reject(change_id=change.pk, version=change.version, reason="Wrong purchase order", by=world.finance, now=world.now)
    deliver_everything()
    world.deal.refresh_from_db()
    assert world.deal.pipeline.code == "main"
    assert not Document.objects.filter(reference=change.number).exists()
    assert not ledgerly.invoices(change.number)
    assert Change.objects.get(pk=change.pk).state == "rejected"
    assert change.handoffs.get().state == "cancelled"
