"""The way out of a dead end: a document that accounting can never take is settled otherwise, and what waits behind it is posted."""

from datetime import timedelta
from decimal import Decimal
from io import StringIO

import pytest
from django.core.management import call_command

from billing.handlers.reconcile import everything
from billing.models import Document, Finding, Posting
from billing.operations import settling
from dealops.outbox.models import Message, State
from expansion.models import Notice
from expansion.queries.lights import lights_of
from tests.scenarios.portfolio import add_seats
from tests.scenarios.test_accounting_answers import parked, settled, twin
from tests.scenarios.workers import deliver_everything
from tests.worlds import NOON

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.req("F36", "F47")]
REASON = "Voided in Xero; the customer got a paper invoice instead"


def voided_there(ledgerly, mortals):
    """A change whose invoice reached accounting and was voided there before anybody could confirm it: its posting is parked."""
    world, _ = settled(1)
    change = add_seats(world, world.deal, 25)
    mortals.die_at("post.after_remote")
    with ledgerly.server.store.write() as tx:
        tx.execute("UPDATE documents SET status = 'VOIDED' WHERE reference = ?", (change.number,))
    deliver_everything()
    return world, change, parked("is in accounting, but voided there", "settles it otherwise")


def compared():
    found, problems = everything(at=NOON)
    assert not problems
    return found


def test_an_invoice_voided_there_is_settled_and_the_template_behind_it_is_posted(ledgerly, mortals):
    world, change, message = voided_there(ledgerly, mortals)
    (before,) = ledgerly.live_templates("C-1042")
    assert compared(), "until somebody decides, the voided invoice is a difference"
    settling.settle(message_id=message.pk, reason=REASON, by=world.finance, at=NOON)
    deliver_everything()
    (after,) = ledgerly.live_templates("C-1042")
    assert (Decimal(before["net"]), Decimal(after["net"])) == (Decimal(1000), Decimal(1250))
    document = Document.objects.get(reference=change.number)
    assert [there["status"] for there in ledgerly.invoices(change.number)] == ["VOIDED"], "nothing was sent again"
    shown = lights_of([change])[change.pk]
    assert [light.status for light in shown] == ["done", "done", "done", "not_needed"]
    assert shown.shown[3].words == f"Settled otherwise by {world.finance}: {REASON}" and not shown.is_moving
    posting = Posting.objects.get(document=document)
    assert (posting.message.state, posting.verified_at, posting.message.done_at) == (State.SETTLED, None, None)
    told = Notice.objects.filter(change=change, event="posted").first()
    assert "but for what was settled otherwise" in told.title and REASON in told.body
    assert not compared()
    assert Finding.objects.get(key=f"document|{document.number}").closed_by == world.finance
    out = StringIO()
    call_command("reconcile", stdout=out)
    assert f"Not looked for: {document.number}, Settled otherwise by {world.finance}: {REASON}" in out.getvalue()


def test_the_invoice_that_was_entered_by_hand_instead_is_no_duplicate_but_a_second_one_is(ledgerly, mortals):
    world, change, message = voided_there(ledgerly, mortals)
    settling.settle(message_id=message.pk, reason=REASON, by=world.finance, at=NOON)
    deliver_everything()
    document = Document.objects.get(reference=change.number)
    by_hand = twin(document, InvoiceNumber="PAPER-1", Reference="paper")
    ledgerly.post("/ledgerly/seed", {"Invoices": [by_hand]})
    assert not compared()
    ledgerly.post("/ledgerly/seed", {"Invoices": [by_hand | {"InvoiceNumber": "PAPER-2"}]})
    (finding,) = compared()
    assert finding.kind == "duplicate"


def test_what_was_settled_is_sent_after_all_and_looked_up_first(ledgerly, mortals):
    world, change, message = voided_there(ledgerly, mortals)
    settling.settle(message_id=message.pk, reason=REASON, by=world.finance, at=NOON)
    deliver_everything()
    settling.take_up(message_id=message.pk, by=world.finance, at=NOON + timedelta(hours=1))
    deliver_everything()
    assert parked("voided there").pk == message.pk, "it was looked for, found as it is, and not posted a second time"
    with ledgerly.server.store.write() as tx:
        tx.execute("UPDATE documents SET status = 'AUTHORISED' WHERE reference = ?", (change.number,))
    Message.objects.filter(pk=message.pk).update(state=State.UNKNOWN)
    deliver_everything()
    assert [light.status for light in lights_of([change])[change.pk]] == ["done"] * 4
    assert len(ledgerly.invoices(change.number)) == 1
