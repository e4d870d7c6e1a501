"""A legal entity without an accounting system: dealops sends its own documents, each once, and nobody waits for anything else."""

import smtplib
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from django.core import mail

from billing.connections import accounting_for
from billing.handlers import mailing
from billing.handlers.reading import read_template
from billing.handlers.reconcile import everything
from billing.models import Accounting, Document, LegalEntity, Posting
from billing.operations.billing_run import bill
from dealops.outbox import operations
from dealops.outbox.models import Message, State
from expansion.operations import changes
from expansion.queries.future_invoices import future_invoices
from expansion.queries.lights import lights_of
from tests.books import assert_books_hold
from tests.scenarios.portfolio import add_seats
from tests.scenarios.workers import deliver_everything
from tests.worlds import NOON, STORY_DAY, seed_world

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.req("S0-17", "S0-25")]


@pytest.fixture
def world(transactional_db, settings):
    settings.OUTBOX_LOOKUP_SECONDS = [0]
    made = seed_world(owner="sales_cs", billed=False)
    LegalEntity.objects.filter(pk=made.entity.pk).update(accounting=Accounting.IN_HOUSE, organisation="")
    made.entity.refresh_from_db()
    made.deal.contract.legal_entity.refresh_from_db()
    return made


def billed(*months):
    for month in months:
        bill(on=date(2026, month, 1), at=datetime(2026, month, 1, 6, tzinfo=UTC))


def letters():
    return {message.subject: message for message in mail.outbox if message.attachments}


def lights(change):
    change.refresh_from_db()
    return [(light.status, light.words) for light in lights_of([change])[change.pk]]


def test_one_change_sends_one_invoice_with_its_pdf_and_the_lights_say_that_accounting_is_not_needed(world):
    billed(6)
    deliver_everything()
    mail.outbox.clear()
    change = add_seats(world, world.deal, 25)
    deliver_everything()
    document = Document.objects.get(reference=change.number)
    (letter,) = letters().values()
    assert letter.subject == f"Invoice {document.number} from Northbeam Software Ltd"
    assert letter.to == [world.contract.customer.email]
    assert "125.00" in letter.body
    assert "150.00" in letter.body
    assert change.number in letter.body
    assert "your contract C-1042 changes" in letter.body
    ((name, content, kind),) = letter.attachments
    assert (name, kind) == (f"{document.number}.pdf", "application/pdf")
    assert content.startswith(b"%PDF")
    assert lights(change)[1:] == [
        ("done", document.number),
        ("done", "Updated; dealops issues it"),
        ("done", "Not needed; sent to the customer"),
    ]
    assert not Message.objects.filter(topic__startswith="accounting.").exists()
    assert_books_hold()


@pytest.mark.req("F17", "F32")
def test_a_bill_run_sends_each_recurring_invoice_once_however_often_it_runs(world):
    billed(6, 7, 7)
    deliver_everything()
    deliver_everything()
    invoices = Document.objects.filter(origin="recurring").order_by("number")
    assert [document.issue_date for document in invoices] == [date(2026, month, 1) for month in range(1, 8)][-invoices.count() :]
    assert sorted(letters()) == [f"Invoice {document.number} from Northbeam Software Ltd" for document in invoices]
    assert len(mail.outbox) == invoices.count()
    assert set(Posting.objects.values_list("message__state", flat=True)) == {State.DONE}
    assert_books_hold()


def test_the_next_invoice_is_the_changed_one_and_bills_the_new_amount_on_its_day(world):
    billed(6)
    add_seats(world, world.deal, 25)
    billed(7)
    deliver_everything()
    july = Document.objects.get(origin="recurring", issue_date=date(2026, 7, 1))
    assert (july.net, july.total) == (Decimal(1250), Decimal(1500))
    assert f"Invoice {july.number} from Northbeam Software Ltd" in letters()


def test_a_downgrade_without_a_credit_needs_no_letter_and_no_accounting(world):
    billed(6)
    deliver_everything()
    mail.outbox.clear()
    change = changes.draft(
        deal=world.deal,
        intents=world.more_seats("15"),
        effective=STORY_DAY,
        treatment="no_adjustment",
        by=world.ae,
        now=world.now,
        goal="Fewer people",
        waiver_reason="As agreed with the customer",
    )
    changes.submit(change_id=change.pk, version=change.version, shown_hash=change.content_hash, by=world.ae, now=world.now)
    deliver_everything()
    assert lights(change)[2:] == [("done", "Updated; dealops issues it"), ("not_needed", "Not needed: dealops bills itself")]
    assert not letters()


@pytest.mark.req("F36")
def test_a_customer_without_an_address_is_shown_to_a_person_and_retry_sends_it(world):
    billed(6)
    customer = world.contract.customer
    address, customer.email = customer.email, ""
    customer.save(update_fields=["email"])
    deliver_everything()
    parked = Message.objects.filter(state=State.PARKED)
    assert {message.last_words.split(".")[0] for message in parked} == {f"{customer.name} has no e-mail address"}
    assert not letters()
    customer.email = address
    customer.save(update_fields=["email"])
    for message in parked:
        operations.retry(message_id=message.pk)
        deliver_everything()
    assert letters()
    assert not Message.objects.filter(state=State.PARKED).exists()


@pytest.mark.req("F33", "F18")
@pytest.mark.parametrize("looks", [True, False], ids=["asking_a_person", "sending_blindly"])
def test_a_letter_that_may_have_left_is_not_sent_again_before_a_person_has_looked(world, monkeypatch, looks):
    """With its negative control: a worker that does not ask sends it twice."""
    billed(6)
    deliver_everything()
    mail.outbox.clear()
    if not looks:
        monkeypatch.setattr(mailing, "may_have_left", lambda delivery: False)
    real, left = mailing.EmailMessage.send, [1]

    def taken_but_silent(letter, **options):
        sent = real(letter, **options)
        if letter.attachments and left:
            left.pop()
            raise smtplib.SMTPServerDisconnected("Connection unexpectedly closed")
        return sent

    monkeypatch.setattr(mailing.EmailMessage, "send", taken_but_silent)
    change = add_seats(world, world.deal, 25)
    deliver_everything()
    sent = [message for message in mail.outbox if message.attachments]
    if not looks:
        assert len(sent) == 2
        return
    assert len(sent) == 1
    parked = Message.objects.get(state=State.PARKED)
    assert "Retry sends it again" in parked.last_words
    assert lights(change)[3][0] == "problem"
    operations.retry(message_id=parked.pk)
    deliver_everything()
    first, second = [message for message in mail.outbox if message.attachments]
    assert first.extra_headers["Message-ID"] == second.extra_headers["Message-ID"]
    assert lights(change)[3][0] == "done"


def test_nothing_is_missed_in_an_accounting_system_that_is_not_there(world):
    billed(6)
    assert accounting_for(world.entity).organisation().name == "Northbeam Software Ltd (dealops itself)"
    assert accounting_for(world.entity).capabilities.template == "none"
    world.contract.refresh_from_db()
    world.contract.legal_entity.refresh_from_db()
    assert read_template(world.contract).is_right
    assert everything(at=NOON) == ([], [])
    page = future_invoices(user=world.finance, tab="differences", search="", after="", today=STORY_DAY)
    assert not [row for row in page.rows if row.contract.number == "C-1042"]
