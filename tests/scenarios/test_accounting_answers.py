"""Every way in which accounting can answer, or not: nothing lost, nothing twice, and what needs a person says why in accounting's words."""

import threading
from decimal import Decimal

import pytest

from billing.models import Document, LegalEntity, Posting
from dealops.outbox import operations, relay
from dealops.outbox.models import Message, State
from expansion.operations import changes
from expansion.queries.lights import lights_of
from tests.scenarios.portfolio import (
    add_seats,
    bill_months,
    documents_here,
    documents_there,
    out_of_order,
    sign_more,
    tell_documents,
    tell_templates,
    templates_here,
    templates_there,
)
from tests.scenarios.test_worker_killed import ForgetfulAboutNumbers
from tests.scenarios.workers import deliver_everything, fork, reap
from tests.worlds import STORY_DAY, seed_world

pytestmark = pytest.mark.django_db(transaction=True)

PASSING = {
    "drop_after_commit": {},
    "drop_before": {},
    "500_before": {},
    "500_after_commit": {},
    "429": {"seconds": 1},
    "maintenance": {"seconds": 1},
    "malformed_json": {},
    "truncate_body": {},
    "slow": {"seconds": 0.2},
    "forget_keys": {},
}
# The document, both writes of a template's replacement, and one question.
CALLS = (
    {"path": "/Invoices*"},
    {"path": "/RepeatingInvoices*", "times": 2},
    {"method": "GET", "path": "/RepeatingInvoices*"},
)


def settled(size):
    """Contracts whose June invoice and template are in accounting."""
    world = seed_world(owner="sales_cs", billed=False)
    deals = [world.deal, *sign_more(world, size - 1)]
    bill_months(6)
    tell_documents(Document.objects.filter(issue_date="2026-06-01"))
    tell_templates(deals)
    deliver_everything()
    return world, deals


def ledgers_agree(ledgerly, deals):
    state = ledgerly.state()
    assert documents_there(state) == documents_here()
    assert templates_there(state, deals) == templates_here(deals)
    assert not Message.objects.filter(queue="post").exclude(state=State.DONE).exists()
    assert not out_of_order()


def lights(change):
    return [light.status for light in lights_of([change])[change.pk]]


def parked(*words):
    message = Message.objects.get(state=State.PARKED)
    assert all(word in message.last_words for word in words), message.last_words
    return message


@pytest.mark.req("F33", "F34", "F35", "F38", "F41", "F48", "G01")
def test_every_passing_fault_on_every_call_of_a_change_ends_with_four_green_lights(ledgerly):
    world, deals = settled(len(PASSING))
    for (kind, options), deal in zip(PASSING.items(), deals, strict=True):
        for where in (
            {"path": "/Invoices*"},
            {"path": "/RepeatingInvoices*", "times": 2},
            {"method": "GET", "path": "/RepeatingInvoices*"},
        ):
            ledgerly.fault(kind, **{**options, **where})
        change = add_seats(world, deal, 25)
        deliver_everything()
        state = ledgerly.state()
        assert not state["faults"], f"{kind} never struck"
        assert lights(change) == ["done"] * 4, kind
        assert documents_there(state) == documents_here(), kind
        assert templates_there(state, deals) == templates_here(deals), kind
    ledgers_agree(ledgerly, deals)


REFUSALS = (
    ("period_locked", "/Invoices*", "period lock date"),
    ("unauthorised", "/Invoices*", "TokenExpired"),
    ("unauthorised", "/RepeatingInvoices*", "TokenExpired"),
)


@pytest.mark.req("F36", "F43", "F46")
def test_a_refusal_is_parked_in_accountings_words_and_retry_brings_it_home_when_the_cause_is_gone(ledgerly):
    world, deals = settled(len(REFUSALS) + 1)
    other = None
    for (kind, path, words), deal in zip(REFUSALS, deals, strict=False):
        ledgerly.fault(kind, path=path, method="*")
        refused = add_seats(world, deal, 25)
        other = other or add_seats(world, deals[-1], 25)
        deliver_everything()
        message = parked(words)
        assert message.attempts == 1, "trying again would not have helped"
        assert (lights(refused)[3], lights(other)) == ("problem", ["done"] * 4), kind
        assert words in lights_of([refused])[refused.pk].shown[3].words
        operations.retry(message_id=message.pk)
        deliver_everything()
        assert lights(refused) == ["done"] * 4, kind
    ledgers_agree(ledgerly, deals)


@pytest.mark.req("F45")
def test_a_penny_more_on_a_document_is_parked_with_both_amounts_and_where_to_look(ledgerly):
    world, deals = settled(1)
    ledgerly.fault("penny", path="/Invoices*")
    change = add_seats(world, deals[0], 25)
    deliver_everything()
    message = parked("125.00 + 25.00 tax = 150.00 GBP here, but 125.00 + 25.01 tax = 150.01 GBP in accounting")
    (there,) = ledgerly.invoices(change.number)
    posting = Posting.objects.get(message=message)
    assert (posting.remote_id, posting.remote_number, posting.verified_at) == (there["id"], there["label"], None)
    assert there["id"] in posting.remote_url
    assert lights(change)[2:] == ["waiting", "problem"]
    operations.retry(message_id=message.pk)
    deliver_everything()
    parked("150.01")
    ledgerly.post("/ledgerly/edit", {"id": there["id"]})  # the bookkeeper corrects the tax
    operations.retry(message_id=message.pk)
    deliver_everything()
    assert lights(change) == ["done"] * 4
    ledgers_agree(ledgerly, deals)


@pytest.mark.req("F41", "F45")
def test_a_penny_more_on_a_template_is_parked_and_the_old_template_stays_alone(ledgerly):
    world, deals = settled(1)
    before = ledgerly.live_templates("C-1042")
    ledgerly.fault("penny", path="/RepeatingInvoices*")
    change = add_seats(world, deals[0], 25)
    deliver_everything()
    message = parked("1250.00 + 250.01 tax")
    assert ledgerly.live_templates("C-1042") == before
    assert lights(change) == ["done", "done", "problem", "problem"]
    operations.retry(message_id=message.pk)
    deliver_everything()
    assert lights(change) == ["done"] * 4
    ledgers_agree(ledgerly, deals)


@pytest.mark.req("F33")
def test_what_never_becomes_certain_is_parked_for_a_person_and_retry_starts_the_patience_anew(ledgerly):
    world, deals = settled(1)
    ledgerly.fault("drop_before", path="/Invoices*", times=relay.MAX_UNKNOWN + 1)
    ledgerly.fault("maintenance", method="GET", path="/Invoices*", times=5, seconds=1)
    change = add_seats(world, deals[0], 25)
    deliver_everything()
    message = parked(f"Still not certain after {relay.MAX_UNKNOWN} tries")
    assert message.attempts == relay.MAX_UNKNOWN + 5, "a wait that accounting asked for is no doubt"
    operations.retry(message_id=message.pk)
    deliver_everything()
    message.refresh_from_db()
    assert (message.state, message.doubts) == (State.DONE, 1)
    assert lights(change) == ["done"] * 4
    ledgers_agree(ledgerly, deals)


@pytest.mark.req("F33", "F38")
def test_once_uncertain_it_is_looked_up_even_when_the_look_up_itself_has_to_wait(ledgerly, monkeypatch):
    """Neither keys nor unique numbers would save it: only the look-up does, and it comes after a refusal for the time being."""
    ForgetfulAboutNumbers(ledgerly, monkeypatch)
    world, _ = settled(1)
    ledgerly.fault("drop_after_commit", path="/Invoices*")
    ledgerly.fault("429", method="GET", path="/Invoices*", seconds=1)
    change = add_seats(world, world.deal, 25)
    relay.drain(queue="post", limit=2)
    assert Message.objects.get(posting__document__reference=change.number).state == State.UNKNOWN
    ledgerly.post("/ledgerly/forget-keys", {})
    deliver_everything()
    assert len(ledgerly.invoices(change.number)) == 1


# --- what is there already -------------------------------------------------------------------------------------------------


def twin(document, **changes):
    """An invoice under our number that somebody entered over there."""
    lines = [{"Description": "By hand", "Quantity": 1, "UnitAmount": str(document.net), "TaxType": "OUTPUT2", "AccountCode": "200"}]
    head = {"Status": "AUTHORISED", "InvoiceNumber": document.number, "Reference": document.reference, "LineItems": lines}
    dates = {"Date": document.issue_date.isoformat(), "DueDate": document.due_date.isoformat()}
    return {**head, **dates, "Contact": {"Name": document.customer.name}, **changes}


@pytest.mark.req("F40")
def test_the_same_invoice_entered_by_hand_is_taken_for_ours_and_not_made_again(ledgerly):
    world, deals = settled(1)
    change = add_seats(world, deals[0], 25)
    document = Document.objects.get(reference=change.number)
    ledgerly.post("/ledgerly/seed", {"Invoices": [twin(document)]})
    deliver_everything()
    assert lights(change) == ["done"] * 4
    ledgers_agree(ledgerly, deals)


@pytest.mark.req("F40")
def test_another_document_under_our_number_is_not_taken_for_ours(ledgerly):
    world, deals = settled(1)
    change = add_seats(world, deals[0], 25)
    document = Document.objects.get(reference=change.number)
    ids = ledgerly.post("/ledgerly/seed", {"Invoices": [twin(document, Reference="PO 7")]})["Invoices"]
    deliver_everything()
    message = parked(f"another {document.number}", "the reference PO 7")
    ledgerly.post("/ledgerly/edit", {"id": ids[0], "reference": document.reference})
    operations.retry(message_id=message.pk)
    deliver_everything()
    assert lights(change) == ["done"] * 4
    ledgers_agree(ledgerly, deals)


@pytest.mark.req("F47")
def test_an_invoice_voided_over_there_before_it_was_confirmed_is_not_called_posted(ledgerly, mortals):
    world, _ = settled(1)
    change = add_seats(world, world.deal, 25)
    mortals.die_at("post.after_remote")
    with ledgerly.server.store.write() as tx:
        tx.execute("UPDATE documents SET status = 'VOIDED' WHERE reference = ?", (change.number,))
    deliver_everything()
    parked("is in accounting, but voided there")
    assert lights(change)[3] == "problem"


@pytest.mark.req("F17", "F36")
@pytest.mark.parametrize("keys", ["remembered", "forgotten"])
def test_two_contracts_of_a_new_customer_posted_at_the_same_moment_make_one_contact(ledgerly, keys):
    world = seed_world(owner="sales_cs", billed=False)
    sign_more(world, 1, customer_number=1042, customer="Brightwave Logistics")
    bill_months(6)
    tell_documents(Document.objects.all())
    looks, both_looked = [1, 2, 3, 4], threading.Barrier(2)  # each looks by number, then by name

    def together(application, environ, start_response):
        answer = application(environ, start_response)
        if environ["PATH_INFO"].endswith("/Contacts") and environ["REQUEST_METHOD"] == "GET" and looks:
            looks.pop()
            both_looked.wait(30)
        return answer

    if keys == "forgotten":
        ledgerly.fault("forget_keys", path="/Contacts", times=2)
    ledgerly.middleware.append(together)
    workers = [fork(lambda: relay.drain(queue="post", limit=1)) for _ in range(2)]
    assert [reap(pid) for pid in workers] == [0, 0]
    assert not looks
    deliver_everything()
    assert len(ledgerly.state()["contacts"]) == 1
    ledgers_agree(ledgerly, [])
    assert len(ledgerly.invoices()) == Document.objects.count()


@pytest.mark.req("F44")
def test_without_an_organisation_nothing_is_posted_into_somebody_elses_books(ledgerly):
    world = seed_world(owner="sales_cs", billed=False)
    bill_months(6)
    organisation = world.entity.organisation
    LegalEntity.objects.filter(pk=world.entity.pk).update(organisation="")
    tell_documents(Document.objects.all())
    deliver_everything()
    message = parked("Northbeam Software Ltd has no accounting organisation yet")
    assert not ledgerly.state()["requests"]
    LegalEntity.objects.filter(pk=world.entity.pk).update(organisation=organisation)
    operations.retry(message_id=message.pk)
    deliver_everything()
    ledgers_agree(ledgerly, [])


# --- a credit note and its use ---------------------------------------------------------------------------------------------


@pytest.mark.req("F18", "F33", "F61")
def test_a_credit_note_killed_before_and_after_it_is_used_is_used_once(ledgerly, mortals):
    world, deals = settled(1)
    line = deals[0].contract.lines.get()
    change = changes.draft(
        deal=deals[0],
        intents=[{"action": "quantity", "key": str(line.key), "quantity": "15"}],
        effective=STORY_DAY,
        treatment="credit_note",
        by=world.ae,
        now=world.now,
        goal="Fewer people",
    )
    changes.submit(change_id=change.pk, version=change.version, shown_hash=change.content_hash, by=world.ae, now=world.now)
    mortals.die_at("post.after_remote")
    ledgerly.post("/ledgerly/forget-keys", {})
    mortals.die_at("post.after_allocation")
    ledgerly.post("/ledgerly/forget-keys", {})
    ledgerly.fault("429", method="GET", path="/CreditNotes*", seconds=1)
    deliver_everything()
    (note,) = ledgerly.state()["credit_notes"]
    assert [Decimal(part["amount"]) for part in note["allocations"]] == [Decimal(150)]
    assert (Decimal(note["total"]), note["status"]) == (Decimal(150), "PAID")
    assert lights(change.__class__.objects.get(pk=change.pk)) == ["done"] * 4
    ledgers_agree(ledgerly, deals)
