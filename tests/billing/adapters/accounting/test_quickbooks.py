"""The QuickBooks adapter against the stand-in over real HTTP: what it sends, what it makes of answers, and of their absence."""

import contextlib
import dataclasses
import random
import threading
from datetime import date
from decimal import Decimal as D

import pytest
import requests

from billing.adapters.accounting.comparison import missing_allocations
from billing.adapters.accounting.port import (
    Accounting,
    AlreadyThere,
    AuthFailed,
    Mismatch,
    PeriodLocked,
    Permanent,
    RemoteAllocation,
    RetryLater,
    Unknown,
    Unreadable,
    WrongOrganisation,
)
from billing.adapters.accounting.quickbooks import QuickBooksAccounting, QuickBooksConfig, wire
from billing.adapters.accounting.quickbooks.stand_in import REALM, TOKEN, StandIn
from tests.billing.adapters.accounting.ledgerly_fixture import credit_note, invoice, line, template


@pytest.fixture
def books(tmp_path):
    server = StandIn(tmp_path / "books").start()
    yield server
    server.stop()


@pytest.fixture
def accounting(books):
    return connected(books)


def connected(books, **changes):
    config = QuickBooksConfig(realm=REALM, token=lambda: TOKEN, base_url=books.url, timeout=(3, 5))
    return QuickBooksAccounting(dataclasses.replace(config, **changes))


def fault(books, kind, **values):
    requests.post(f"{books.url}/stand-in/faults", json={"kind": kind, **values}, timeout=10).raise_for_status()


def clock(books, day):
    requests.post(f"{books.url}/stand-in/clock", json={"date": day.isoformat()}, timeout=10).raise_for_status()


def test_it_is_an_accounting_system_that_replaces_templates(accounting):
    assert isinstance(accounting, Accounting)
    assert accounting.capabilities.template == "replace"


@pytest.mark.req("F44")
def test_it_says_whose_books_they_are_and_another_company_is_refused(books, accounting):
    requests.post(f"{books.url}/stand-in/close-books", json={"date": "2026-05-31"}, timeout=10)
    found = accounting.organisation()
    assert (found.id, found.name, found.currency, found.lock_date) == (REALM, "Northbeam Software Ltd", "GBP", date(2026, 5, 31))
    with pytest.raises(WrongOrganisation, match="ApplicationAuthorizationFailed"):
        connected(books, realm="4620816365000000").organisation()


@pytest.mark.req("F49")
def test_an_invoice_carries_our_number_our_reference_and_our_amounts(books, accounting):
    remote = accounting.post_document(invoice(), key="the-key")
    assert (remote.number, remote.reference, remote.status) == ("INV-2026-00131", "CH-2026-0042", "issued")
    assert (remote.net, remote.tax, remote.total, remote.amount_due) == (D("125.00"), D("25.00"), D("150.00"), D("150.00"))
    (kept,) = books.store.rows("invoice")
    assert kept["CustomerRef"]["name"] == "Brightwave Logistics (CU-1042)"
    contact, posted = [row for row in books.store.requests() if row["method"] == "POST"]
    assert posted["request_id"] == "the-key"
    assert contact["request_id"] not in ("", "the-key")


def test_a_line_that_is_not_quantity_times_price_goes_as_one_times_its_amount(accounting):
    parts = (line("prorated", "5", "50.00", "125.00"), line("whole", "25", "50.00"), line("six places", "1000", "0.001234", "1.23"))
    remote = accounting.post_document(invoice("INV-1", *parts), key="k")
    found = [(part.quantity, part.unit_amount, part.line_amount) for part in remote.lines]
    assert found == [(D(1), D(125), D(125)), (D(25), D(50), D(1250)), (D(1000), D("0.001234"), D("1.23"))]


@pytest.mark.parametrize(("currency", "amount", "tax"), [("JPY", "1250", "125"), ("KWD", "12.345", "1.235")])
def test_currencies_keep_their_own_places(accounting, currency, amount, tax):
    remote = accounting.post_document(invoice("INV-1", line("seats", "1", amount, amount, tax), currency=currency), key="k")
    assert (remote.currency, remote.net, remote.total) == (currency, D(amount), D(amount) + D(tax))


@pytest.mark.req("F17", "F38")
def test_the_same_key_is_answered_again_and_makes_nothing_new(books, accounting):
    once, again = (accounting.post_document(invoice(), key="k") for _ in range(2))
    assert once.id == again.id
    assert len(books.store.rows("invoice")) == 1


@pytest.mark.req("F38", "F40")
def test_with_the_key_expired_the_number_is_refused_and_the_look_up_finds_it(books, accounting):
    posted = accounting.post_document(invoice(), key="k")
    fault(books, "key_expired")
    with pytest.raises(AlreadyThere, match="Duplicate Document Number"):
        accounting.post_document(invoice(), key="k")
    assert accounting.find_document(kind="invoice", number="INV-2026-00131").id == posted.id
    assert accounting.find_document(kind="invoice", reference="CH-2026-0042").id == posted.id
    assert accounting.find_document(kind="credit_note", number="INV-2026-00131") is None


def test_texts_with_quotes_and_backslashes_are_found_again(accounting):
    name = 'O\'Neill \\ Sons: "best"'
    made = accounting.ensure_contact(number="CU-7", name=name, email="", key="a")
    assert accounting.find_contact(number="CU-7").id == made.id
    odd = invoice("INV'1", reference="CH '9\\", contact_name=name, contact_number="CU-7")
    accounting.post_document(odd, key="b")
    assert accounting.find_document(kind="invoice", number="INV'1", reference="CH '9\\").contact_id == made.id


def test_a_customer_made_by_hand_is_taken_by_its_exact_name(books, accounting):
    by_hand = books.store.put("customer", {"DisplayName": "Brightwave Logistics", "Active": True})
    assert accounting.ensure_contact(number="CU-1042", name="Brightwave Logistics", email="", key="k").id == by_hand["Id"]


@pytest.mark.req("F61")
def test_a_credit_memo_is_used_on_its_invoice_by_a_payment_of_nothing_and_both_sides_show_it(accounting):
    accounting.post_document(invoice(), key="a")
    payload = credit_note()
    memo = accounting.post_document(payload, key="b")
    assert missing_allocations(payload.allocations, memo) == payload.allocations
    used = accounting.allocate(credit_note_id=memo.id, invoice_number="INV-2026-00131", amount=D("42.00"), on=date(2026, 6, 24), key="c")
    read = accounting.find_document(kind="credit_note", number=payload.number)
    assert read.allocations == (RemoteAllocation(used.invoice_id, "INV-2026-00131", D("42.00"), date(2026, 6, 24)),)
    assert (read.status, read.remaining_credit) == ("paid", 0)
    assert not missing_allocations(payload.allocations, read)
    paid = accounting.find_document(kind="invoice", number="INV-2026-00131")
    assert (paid.amount_credited, paid.amount_due, paid.amount_paid) == (D("42.00"), D("108.00"), 0)
    with pytest.raises(Permanent, match="open balance"):
        accounting.allocate(credit_note_id=memo.id, invoice_number="INV-2026-00131", amount=D("1.00"), on=date(2026, 6, 24), key="d")


def test_money_that_came_in_is_read_back(books, accounting):
    remote = accounting.post_document(invoice(), key="a")
    body = {
        "CustomerRef": {"value": remote.contact_id},
        "TotalAmt": 50,
        "TxnDate": "2026-06-20",
        "Line": [{"Amount": 50, "LinkedTxn": [{"TxnId": remote.id, "TxnType": "Invoice"}]}],
    }
    accounting._client.write("payment", body, key="bank")
    (read,) = accounting.list_documents(kind="invoice", since=date(2026, 6, 1))
    assert (read.amount_paid, read.amount_due, read.amount_credited, read.status) == (D(50), D(100), 0, "issued")
    assert not accounting.list_documents(kind="invoice", since=date(2026, 6, 17))


@pytest.mark.req("F47")
def test_a_voided_invoice_is_seen_as_such_under_its_reference(books, accounting):
    from billing.adapters.accounting.quickbooks.stand_in.books import Books

    remote = accounting.post_document(invoice(), key="a")
    Books(books.store).void("invoice", remote.id)
    read = accounting.find_document(kind="invoice", number="INV-2026-00131")
    assert (read.status, read.reference, read.total) == ("voided", "CH-2026-0042", 0)


# --- templates ---------------------------------------------------------------------------------------------------------


@pytest.mark.req("F41")
def test_a_template_is_made_read_replaced_and_gone(books, accounting):
    old = accounting.create_template(template("20"), key="11111111-old")
    new = accounting.create_template(template("25"), key="22222222-new")
    assert (new.status, new.next_date, new.end_date, new.period_months, new.due_days) == (
        "live", date(2026, 7, 1), date(2026, 12, 31), 1, 14,
    )  # fmt: skip
    assert [t.id for t in accounting.list_templates(reference="C-1042")] == [old.id, new.id]
    assert accounting.get_template(new.id) == new
    assert accounting.delete_template(old.id, key="d").status == "deleted"
    assert accounting.delete_template(old.id, key="e").status == "deleted", "gone already is no error"
    assert [t.id for t in accounting.list_templates(contact_number="CU-1042")] == [new.id]
    assert accounting.get_template(old.id) is None


@pytest.mark.req("F42")
def test_the_invoice_a_template_makes_points_to_it_and_the_template_moves_on(books, accounting):
    made = accounting.create_template(template("20"), key="11111111")
    clock(books, date(2026, 7, 1))
    (generated,) = accounting.list_documents(kind="invoice", since=date(2026, 7, 1))
    assert (generated.template_id, generated.total, generated.due_date) == (made.id, D(1200), date(2026, 7, 15))
    assert accounting.get_template(made.id).next_date == date(2026, 8, 1)
    clock(books, date(2027, 3, 1))
    assert accounting.get_template(made.id).next_date is None
    assert len(accounting.list_documents(kind="invoice", since=date(2026, 7, 1))) == 6


@pytest.mark.req("F41")
def test_a_template_that_was_changed_meanwhile_is_not_deleted_with_an_old_sync_token(books, accounting):
    made = accounting.create_template(template("20"), key="11111111")
    fault(books, "stale", act="delete")
    with pytest.raises(RetryLater, match="Stale Object"):
        accounting.delete_template(made.id, key="d")
    assert accounting.get_template(made.id) is not None
    assert accounting.delete_template(made.id, key="d").status == "deleted"


# --- failures ----------------------------------------------------------------------------------------------------------


@pytest.mark.req("F33", "F34", "F35", "F48")
@pytest.mark.parametrize(
    ("kind", "error", "effects"),
    [
        ("drop_before", Unknown, 0),
        ("drop_after_commit", Unknown, 1),
        ("500_before", Unknown, 0),
        ("500_after_commit", Unknown, 1),
        ("malformed_json", Unknown, 1),
        ("truncate_body", Unknown, 1),
        ("huge_body", Unknown, 1),
        ("429", RetryLater, 0),
        ("maintenance", RetryLater, 0),
        ("unauthorised", AuthFailed, 0),
        ("period_locked", PeriodLocked, 0),
        ("penny", Mismatch, 1),
    ],
)
def test_every_fault_of_a_write_is_one_attempt_and_one_word_of_the_port(books, accounting, kind, error, effects):
    accounting.ensure_contact(number="CU-1042", name="Brightwave Logistics", email="", key="c")
    fault(books, kind, entity="invoice", seconds=7)
    with pytest.raises(error) as caught:
        accounting.post_document(invoice(), key="k")
    assert len(books.store.rows("invoice")) == effects
    assert len([r for r in books.store.requests() if (r["entity"], r["method"]) == ("invoice", "POST")]) == 1
    if error is RetryLater:
        assert caught.value.after == 7


@pytest.mark.req("F30", "F33")
def test_a_server_that_never_answers_costs_the_timeout_and_no_more(books):
    connected(books).ensure_contact(number="CU-1042", name="Brightwave Logistics", email="", key="c")
    accounting = connected(books, timeout=(2, 2))
    fault(books, "hang", entity="invoice", seconds=60)
    with pytest.raises(Unknown):
        accounting.post_document(invoice(), key="k")
    fault(books, "hang", entity="invoice", act="read", seconds=60)
    with pytest.raises(RetryLater):
        accounting.find_document(kind="invoice", number="INV-2026-00131")
    assert not books.store.rows("invoice")


def test_nobody_listening_is_certainly_nothing_done():
    nowhere = QuickBooksAccounting(QuickBooksConfig(realm=REALM, token=lambda: TOKEN, base_url="http://127.0.0.1:9", timeout=(1, 1)))
    with pytest.raises(RetryLater):
        nowhere.allocate(credit_note_id="1", invoice_number="INV-1", amount=D(1), on=date(2026, 6, 1), key="k")
    with pytest.raises(RetryLater):
        nowhere._client.write("invoice", {}, key="k")


@pytest.mark.req("F43")
def test_a_rotated_token_is_refused_until_the_new_one_is_shown(books):
    fault(books, "rotated_token", entity="companyinfo", act="read")
    shown = [TOKEN]
    accounting = connected(books, token=lambda: shown[0])
    with pytest.raises(AuthFailed):
        accounting.organisation()
    with pytest.raises(AuthFailed):
        accounting.organisation()
    books.tokens.add("the-next-one")
    shown[0] = "the-next-one"
    assert accounting.organisation().name


@pytest.mark.req("F39")
def test_a_number_that_quickbooks_would_cut_is_not_sent(books, accounting):
    with pytest.raises(Permanent, match="21 characters"):
        accounting.post_document(invoice("NORTHBEAM-INV-2026-0000131"), key="k")
    assert not books.store.rows("invoice")


@pytest.mark.req("F48")
def test_answers_of_any_shape_end_in_a_word_of_the_port(books, accounting, monkeypatch):
    accounting.post_document(invoice(), key="k")
    chance = random.Random(48)
    odd = (None, [], {}, "x", -1, True, "9" * 400, {"value": None}, [None], "2026-13-01")
    (good,) = books.store.rows("invoice")
    for _ in range(400):
        row = dict(good)
        for name in chance.sample(sorted(row), 2):
            row[name] = chance.choice(odd)
        monkeypatch.setattr(accounting._client, "query", lambda entity, *conditions, row=row: [row] if entity == "Invoice" else [])
        with contextlib.suppress(Unreadable, Unknown):
            accounting.find_documents(kind="invoice", number="INV-2026-00131")


def test_several_threads_share_one_adapter(books, accounting):
    found = []
    threads = [threading.Thread(target=lambda: found.append(accounting.organisation().name)) for _ in range(8)]
    [thread.start() for thread in threads]
    [thread.join(20) for thread in threads]
    assert len(found) == 8


def test_codes_mean_the_same_with_and_without_leading_zeros():
    value = {"Fault": {"Error": [{"Message": "m", "Detail": "d", "code": "003200"}]}}
    assert isinstance(wire.refusal(400, {}, value, writing=True), AuthFailed)
    assert str(wire.refusal(418, {}, None, writing=True)) == "QuickBooks answered with status 418."
