"""Every way in which a call can go wrong, made to happen: the error it becomes, and effects counted against attempts."""

import dataclasses
import json
import random
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
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
    Permanent,
    RemoteDocument,
    RetryLater,
    Unknown,
    Unreadable,
    WrongOrganisation,
)
from billing.adapters.accounting.xero import XeroAccounting
from billing.adapters.accounting.xero_guard import refusal, retry_after
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


# --- answers from a stranger -------------------------------------------------------------------------------------------


@contextmanager
def answering(*answers: bytes) -> Iterator[str]:
    """A server that gives these raw answers, one per connection, the last one for ever; yields its address."""
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(0.2)
    done = threading.Event()
    left = list(answers)

    def serve() -> None:
        while not done.is_set():
            try:
                client, _ = listener.accept()
            except TimeoutError:
                continue
            with client:
                client.settimeout(2)
                _read_request(client)
                client.sendall(left.pop(0) if len(left) > 1 else left[0])

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        done.set()
        thread.join()
        listener.close()


def _read_request(client: socket.socket) -> None:
    data = b""
    while b"\r\n\r\n" not in data:
        data += client.recv(65536)
    head, _, body = data.partition(b"\r\n\r\n")
    sizes = [int(part.split(b":")[1]) for part in head.split(b"\r\n") if part.lower().startswith(b"content-length")]
    while sizes and len(body) < sizes[0]:
        body += client.recv(65536)


def http(body: bytes, status: str = "200 OK") -> bytes:
    head = f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    return head.encode() + body


def posting_to(url: str) -> XeroAccounting:
    return XeroAccounting(dataclasses.replace(connection(url), timeout=SHORT))


@pytest.fixture(scope="module")
def good_answer(tmp_path_factory) -> bytes:
    server = LedgerlyServer(tmp_path_factory.mktemp("good")).start()
    accounting = XeroAccounting(connection(server.url))
    posted = accounting.post_document(invoice(), key="k")
    headers = {"Authorization": "Bearer demo", "xero-tenant-id": connection(server.url).tenant_id}
    answer = requests.get(f"{server.url}{API}/Invoices/{posted.id}", headers=headers, timeout=5).content
    server.stop()
    return answer


def spoil(answer: bytes, seed: int) -> bytes:
    """The answer with one thing wrong: a byte, a piece, a type, a field, a value."""
    dice = random.Random(seed)
    value = json.loads(answer)
    element = value["Invoices"][0]
    name = dice.choice(list(element))
    junk = dice.choice([None, [], {}, "None", "UNHEARD_OF", -1, 10**400, True, "/Date(x)/", [None], {"a": [1]}, 0.1])
    where = dice.randrange(len(answer))
    match dice.randrange(6):
        case 0:
            element[name] = junk
        case 1:
            del element[name]
        case 2:
            value = dice.choice([[], None, 7, "ok", {"Invoices": junk}, {"Invoices": [junk]}, {"Invoices": [element, element]}])
        case 3:
            return answer[:where] + bytes([dice.randrange(256)]) + answer[where + 1 :]
        case 4:
            return answer[:where]
        case _:
            element["LineItems"] = [junk, *element["LineItems"]]
    return json.dumps(value).encode()


@pytest.mark.req("F48")
@pytest.mark.parametrize("seeds", [range(300), pytest.param(range(300, 5300), marks=pytest.mark.proof)], ids=lambda seeds: f"{len(seeds)}")
def test_no_spoiled_answer_crashes_or_passes_for_another_document(good_answer, seeds):
    payload = invoice(contact_id="1ed9e719-0001-4000-8000-000000000001")
    with answering(*[http(spoil(good_answer, seed)) for seed in seeds]) as url:
        accounting = posting_to(url)
        for seed in seeds:
            try:
                remote = accounting.post_document(payload, key="k")
            except AccountingError as error:
                assert isinstance(error, Unknown | Mismatch | Permanent), (seed, error)
            else:
                assert isinstance(remote, RemoteDocument)
                assert (remote.number, remote.reference, remote.total) == (payload.number, payload.reference, payload.total), seed


@pytest.mark.req("F48")
def test_fields_nobody_knows_are_ignored_and_a_status_nobody_knows_is_not(good_answer):
    value = json.loads(good_answer)
    value["Invoices"][0]["NewToEverybody"] = {"deep": [1]}
    unknown = json.loads(good_answer)
    unknown["Invoices"][0]["Status"] = "HALFPAID"
    with answering(http(json.dumps(value).encode()), http(json.dumps(unknown).encode()), http(json.dumps(unknown).encode())) as url:
        accounting = posting_to(url)
        assert accounting.get_document(kind="invoice", id="x").total == Decimal("150.00")
        with pytest.raises(Unknown):
            accounting.post_document(invoice(contact_id="x"), key="k")
        with pytest.raises(Unreadable):
            accounting.find_document(kind="invoice", number="INV-2026-00131")


@pytest.mark.req("F48")
def test_an_answer_that_never_ends_is_cut(good_answer):
    endless = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n" + b"x" * 3_000_000
    with answering(endless) as url, pytest.raises(Unknown, match="too large"):
        posting_to(url).post_document(invoice(contact_id="x"), key="k")


# --- sorting by status and words ---------------------------------------------------------------------------------------


def error_body(message: str) -> bytes:
    return json.dumps(
        {"ErrorNumber": 10, "Message": "A validation exception occurred", "Elements": [{"ValidationErrors": [{"Message": message}]}]}
    ).encode()


@pytest.mark.req("F34", "F36", "F46")
@pytest.mark.parametrize(
    ("status", "headers", "body", "writing", "error"),
    [
        (400, {}, error_body("Account code '999' is not valid"), True, Permanent),
        (400, {}, error_body("The document date cannot be before the period lock date, currently set at 31-May-2026"), True, PeriodLocked),
        (400, {}, error_body("The document date cannot be before the end of year lock date"), True, PeriodLocked),
        (400, {}, error_body("Invoice # must be unique."), True, AlreadyThere),
        (400, {}, b"<html>nginx</html>", True, Permanent),
        (400, {}, b"[1]", True, Permanent),
        (401, {}, b"", True, AuthFailed),
        (403, {}, b'{"Detail": "AuthenticationUnsuccessful"}', True, WrongOrganisation),
        (408, {}, b"", True, Unknown),
        (409, {}, b"", True, Permanent),
        (429, {"Retry-After": "66975", "X-Rate-Limit-Problem": "day"}, b"", True, RetryLater),
        (500, {}, b"", True, Unknown),
        (502, {}, b"", False, RetryLater),
        (503, {}, b"", True, Unknown),
        (503, {"Retry-After": "60"}, b"", True, RetryLater),
        (302, {}, b"", True, Permanent),
    ],
)
def test_refusals_are_sorted_by_status_and_words(status, headers, body, writing, error):
    sorted_out = refusal(status, headers, body, writing=writing)
    assert type(sorted_out) is error and sorted_out.words


def test_the_words_of_a_refusal_are_the_remotes_own_each_once():
    nested = {
        "Elements": [{"ValidationErrors": [{"Message": "A"}], "LineItems": [{"ValidationErrors": [{"Message": "A"}, {"Message": "B"}]}]}]
    }
    assert refusal(400, {}, json.dumps(nested).encode(), writing=True).words == "A B"


@pytest.mark.req("F34")
@pytest.mark.parametrize(
    ("value", "seconds"), [("3", 3), ("2.1", 3), ("-4", 0), ("Wed, 21 Oct 2026 07:28:00 GMT", None), ("inf", None), (None, None)]
)
def test_retry_after_is_seconds_or_nothing(value, seconds):
    assert retry_after({"Retry-After": value} if value else {}) == seconds


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
