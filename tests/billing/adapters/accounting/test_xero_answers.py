"""Answers that make no sense, and refusals: what each becomes, and that none passes for another document."""

import dataclasses
import json
import random
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal

import pytest
import requests

from billing.adapters.accounting.ledgerly import LedgerlyServer, connection
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
from tests.billing.adapters.accounting.ledgerly_fixture import API, invoice

SHORT = (1, 1)  # seconds to connect, seconds without a byte


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
