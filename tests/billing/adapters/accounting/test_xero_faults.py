"""Every way in which a call can go wrong, made to happen: the error it becomes, and effects counted against attempts."""

import dataclasses
import threading
import time
from decimal import Decimal

import pytest
import requests

from billing.adapters.accounting.ledgerly import LedgerlyServer, connection, faults
from billing.adapters.accounting.ledgerly.organisations import DEMO_ORGANISATION, DEMO_TOKEN
from billing.adapters.accounting.port import (
    AccountingError,
    AlreadyThere,
    AuthFailed,
    Mismatch,
    PeriodLocked,
    RetryLater,
    Unknown,
)
from billing.adapters.accounting.xero import XeroAccounting
from tests.billing.adapters.accounting.ledgerly_fixture import API, credit_note, invoice, template

SHORT = (1, 1)  # seconds to connect, seconds without a byte

# fault -> error of a write, error of a read, whether the write took effect
OUTCOMES = {
    "drop_before": (Unknown, RetryLater, 0),
    "drop_after_commit": (Unknown, RetryLater, 1),
    "500_before": (Unknown, RetryLater, 0),
    "500_after_commit": (Unknown, RetryLater, 1),
    "429": (RetryLater, RetryLater, 0),
    "maintenance": (RetryLater, RetryLater, 0),
    "slow": (Unknown, RetryLater, None),
    "malformed_json": (Unknown, RetryLater, 1),
    "truncate_body": (Unknown, RetryLater, 1),
    "huge_body": (Unknown, None, 1),
    "period_locked": (PeriodLocked, None, 0),
    "penny": (Mismatch, None, 1),
    "unauthorised": (AuthFailed, AuthFailed, 0),
}


@pytest.fixture
def accounting(ledgerly):
    # Patiently: the first exchange loads the schema it is checked against.
    ledgerly.accounting().ensure_contact(number="CU-1042", name="Brightwave Logistics", email="", key="contact")
    return ledgerly.accounting(timeout=SHORT)


def writes_of(accounting):
    return {
        "invoice": (lambda: accounting.post_document(invoice(), key="k"), "/Invoices", "invoices"),
        "credit_note": (lambda: accounting.post_document(credit_note(), key="k"), "/CreditNotes", "credit_notes"),
        "template": (lambda: accounting.create_template(template(), key="k"), "/RepeatingInvoices", "templates"),
    }


@pytest.mark.req("F33", "F34", "F35", "F36", "F43", "F45", "F46", "F48")
@pytest.mark.parametrize(
    ("kind", "what"),
    [
        (kind, what)
        for what in ("invoice", "credit_note", "template")
        for kind in OUTCOMES
        if kind != "slow" and (kind, what) != ("period_locked", "template")  # a template has no date that a lock could refuse
    ],
)
def test_each_fault_of_a_write_becomes_its_error_after_exactly_one_attempt(ledgerly, accounting, kind, what):
    write, path, held = writes_of(accounting)[what]
    error, _, effects = OUTCOMES[kind]
    ledgerly.fault(kind, path=f"{path}*", seconds=7)
    with pytest.raises(AccountingError) as caught:
        write()
    assert type(caught.value) is error and caught.value.words
    assert len(ledgerly.writes(path)) == 1, "one attempt, whatever the SDK would like"
    assert len(ledgerly.state()[held]) == effects
    if kind in ("429", "maintenance"):
        assert caught.value.after == 7


@pytest.mark.req("F33", "F38")
@pytest.mark.parametrize("what", ["invoice", "credit_note", "template"])
@pytest.mark.parametrize("kind", ["drop_before", "drop_after_commit", "500_before", "500_after_commit", "malformed_json", "truncate_body"])
def test_after_an_unknown_the_same_key_brings_exactly_one_effect(ledgerly, accounting, kind, what):
    write, path, held = writes_of(accounting)[what]
    ledgerly.fault(kind, path=f"{path}*", times=3)
    for _ in range(3):
        with pytest.raises(Unknown):
            write()
    remote = write()
    assert [one["id"] for one in ledgerly.state()[held]] == [remote.id]
    assert len(ledgerly.writes(path)) == 4 and sum(row["effects"] for row in ledgerly.writes(path)) == 1


@pytest.mark.req("F33", "F38")
def test_after_an_unknown_a_look_up_finds_what_there_is_even_when_the_key_is_forgotten(ledgerly, accounting):
    ledgerly.fault("drop_after_commit", path="/Invoices*")
    with pytest.raises(Unknown):
        accounting.post_document(invoice(), key="k")
    ledgerly.order("forget-keys")
    found = accounting.find_document(kind="invoice", number="INV-2026-00131")
    assert found is not None and found.total == Decimal("150.00")
    with pytest.raises(AlreadyThere):
        accounting.post_document(invoice(), key="k")
    assert len(ledgerly.state()["invoices"]) == 1
    ledgerly.fault("drop_before", path="/Invoices*")
    with pytest.raises(Unknown):
        accounting.post_document(invoice("INV-2"), key="k2")
    assert accounting.find_document(kind="invoice", number="INV-2") is None


@pytest.mark.req("F33")
@pytest.mark.parametrize("kind", [kind for kind, (_, error, _) in OUTCOMES.items() if error and kind != "slow"])
def test_each_fault_of_a_read_leaves_nothing_in_doubt(ledgerly, accounting, kind):
    accounting.post_document(invoice(), key="k")
    reads = [
        lambda: accounting.find_document(kind="invoice", number="INV-2026-00131"),
        lambda: accounting.list_templates(reference="C-1042"),
        accounting.organisation,
    ]
    for read in reads:
        ledgerly.fault(kind, method="GET")
        with pytest.raises(AccountingError) as caught:
            read()
        assert type(caught.value) is OUTCOMES[kind][1]
        read()


@pytest.mark.req("F30")
def test_a_hanging_server_is_left_after_the_read_timeout_and_the_write_is_unknown(ledgerly, accounting):
    ledgerly.fault("slow", path="/Invoices*", seconds=2.5)
    with pytest.raises(Unknown):  # had it waited for the answer there would be a document
        accounting.post_document(invoice(), key="k")
    deadline = time.monotonic() + 10
    while not (found := accounting.find_document(kind="invoice", number="INV-2026-00131")) and time.monotonic() < deadline:
        threading.Event().wait(0.05)
    assert found is not None, "the late effect is found by the look-up"
    assert accounting.post_document(invoice(), key="k").id == found.id
    ledgerly.fault("slow", method="GET", seconds=2.5)
    with pytest.raises(RetryLater):
        accounting.organisation()


@pytest.mark.req("F19", "F35")
def test_nobody_listening_is_certainly_not_done(ledgerly, accounting):
    ledgerly.server.stop()
    for call in (lambda: accounting.post_document(invoice(), key="k"), accounting.organisation):
        with pytest.raises(RetryLater, match="could not be reached"):
            call()
    unnamed = XeroAccounting(dataclasses.replace(connection("http://accounting.invalid"), timeout=SHORT))
    with pytest.raises(RetryLater):
        unnamed.post_document(invoice(contact_id="x"), key="k")


@pytest.mark.req("F33")
def test_an_interrupted_allocation_is_finished_by_the_same_key(ledgerly, accounting):
    accounting.post_document(invoice(), key="1")
    note = accounting.post_document(credit_note(), key="2")
    options = {"credit_note_id": note.id, "invoice_number": "INV-2026-00131", "amount": Decimal("42.00"), "on": note.issue_date, "key": "3"}
    ledgerly.fault("drop_after_commit", path="/CreditNotes/*")
    with pytest.raises(Unknown):
        accounting.allocate(**options)
    accounting.allocate(**options)
    assert [part["amount"] for part in ledgerly.state()["credit_notes"][0]["allocations"]] == ["42.00"]


@pytest.mark.req("F41")
def test_an_interrupted_delete_is_finished_whatever_the_key_remembers(ledgerly, accounting):
    made = accounting.create_template(template(), key="1")
    ledgerly.fault("drop_after_commit", path="/RepeatingInvoices/*")
    with pytest.raises(Unknown):
        accounting.delete_template(made.id, key="2")
    ledgerly.order("forget-keys")
    assert accounting.delete_template(made.id, key="2").status == "deleted"


# --- faults that last, or strike a part ------------------------------------------------------------------------------------


@pytest.mark.req("F30", "F33")
def test_a_server_that_never_answers_costs_the_timeout_and_the_write_is_unknown(ledgerly, accounting):
    ledgerly.fault("hang", path="/Invoices", seconds=30)
    with pytest.raises(Unknown):
        accounting.post_document(invoice(), key="k")
    assert not ledgerly.state()["invoices"]


@pytest.mark.req("F38", "F40")
def test_with_the_key_expired_over_there_the_number_alone_says_that_it_is_there_already(ledgerly, accounting):
    accounting.post_document(invoice(), key="k")
    ledgerly.fault("key_expired", path="/Invoices")
    with pytest.raises(AlreadyThere):
        accounting.post_document(invoice(), key="k")
    assert len(ledgerly.state()["invoices"]) == 1


@pytest.mark.req("F43")
def test_a_rotated_token_stays_refused_until_another_one_is_shown(tmp_path):
    server = LedgerlyServer(tmp_path / "two-tokens", tokens=("old", "new")).start()
    shown = ["old"]
    adapter = XeroAccounting(dataclasses.replace(connection(server.url), token=lambda: shown[0], timeout=SHORT))
    assert adapter.organisation().name
    with server.store.write() as tx:
        faults.switch_on(tx, kind="rotated_token", method="*")
    for _ in range(2):
        with pytest.raises(AuthFailed):
            adapter.organisation()
    shown[0] = "new"
    assert adapter.organisation().name
    server.stop()


@pytest.mark.req("F37")
def test_of_a_batch_taken_in_part_only_the_refused_are_sent_again_under_the_same_keys(ledgerly, accounting):
    """dealops sends one document a call; whoever sends several finds here what Xero does: an answer for each element."""
    numbers = [f"INV-{place}" for place in range(1, 51)]

    def send(wanted, key):
        contact = {"ContactID": accounting.find_contact(number="CU-1042").id}
        lines = [{"Description": "x", "Quantity": 1, "UnitAmount": 10, "TaxType": "NONE", "AccountCode": "200"}]
        days = {"Date": "2026-06-16", "DueDate": "2026-06-30", "Status": "AUTHORISED", "Type": "ACCREC"}
        body = {"Invoices": [{"InvoiceNumber": number, "Contact": contact, "LineItems": lines, **days} for number in wanted]}
        headers = {"Authorization": f"Bearer {DEMO_TOKEN}", "xero-tenant-id": DEMO_ORGANISATION, "Idempotency-Key": key}
        answer = requests.put(f"{ledgerly.url}{API}/Invoices?summarizeErrors=false", json=body, headers=headers, timeout=20)
        return [one["InvoiceNumber"] for one in answer.json()["Invoices"] if one["StatusAttributeString"] == "ERROR"]

    ledgerly.fault("partial_batch", path="/Invoices")
    refused = send(numbers, "first")
    assert refused == numbers[1::2]
    assert send(numbers, "first") == refused, "the same key is answered as the first time"
    assert not send(refused, "second")
    assert sorted(one["number"] for one in ledgerly.state()["invoices"]) == sorted(numbers)
