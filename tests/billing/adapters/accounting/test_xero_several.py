"""Several invoices in one call, against Ledgerly: each element's fate, the call's key, and what a fault does to all of them."""

from dataclasses import replace
from decimal import Decimal

import pytest

from billing.adapters.accounting.ledgerly.api import MOST_AT_ONCE
from billing.adapters.accounting.port import (
    AccountingError,
    AlreadyThere,
    Ambiguous,
    AuthFailed,
    Mismatch,
    PeriodLocked,
    Permanent,
    RemoteDocument,
    RetryLater,
    TakesSeveral,
    Unknown,
)
from tests.billing.adapters.accounting.ledgerly_fixture import SCHEMA, WITHOUT_SCHEMA, invoice, line


@pytest.fixture
def accounting(ledgerly):
    made = ledgerly.accounting()
    made.ensure_contact(number="CU-1042", name="Brightwave Logistics", email="", key="contact")
    return made


def many(accounting, count, *, first=1, **changes):
    """`count` invoices with their contact and their keys."""
    contact = accounting.find_contact(number="CU-1042").id
    numbers = range(first, first + count)
    payloads = [invoice(f"INV-2026-{n:05d}", reference=f"CH-2026-{n:04d}", contact_id=contact, **changes) for n in numbers]
    return payloads, [f"key {n}" for n in numbers]


def post(accounting, payloads, keys):
    return accounting.post_invoices(payloads, keys=keys)


def held(ledgerly):
    return [document["number"] for document in ledgerly.state()["invoices"]]


@pytest.mark.req("F48")
def test_fifty_invoices_are_one_call_that_keeps_to_xeros_schema(ledgerly, accounting):
    if not SCHEMA.exists():
        pytest.skip(WITHOUT_SCHEMA)
    assert isinstance(accounting, TakesSeveral)
    payloads, keys = many(accounting, accounting.capabilities.invoices_per_call)
    answers = post(accounting, payloads, keys)
    assert [(one.number, one.reference, one.total) for one in answers] == [(p.number, p.reference, p.total) for p in payloads]
    (call,) = ledgerly.writes("/Invoices")
    assert (call["method"], call["query"], call["effects"]) == ("PUT", "summarizeErrors=false&unitdp=4", 50)
    assert held(ledgerly) == [p.number for p in payloads]
    assert ledgerly.violations == []


def test_one_more_than_a_call_takes_is_refused_as_a_whole(ledgerly, accounting):
    with pytest.raises(Permanent, match=f"at most {MOST_AT_ONCE}"):
        post(accounting, *many(accounting, MOST_AT_ONCE + 1))
    assert held(ledgerly) == []


@pytest.mark.req("F36", "F37", "F40", "F46")
def test_what_is_wrong_with_one_is_that_ones_fate_and_the_others_are_there(ledgerly, accounting):
    payloads, keys = many(accounting, 6)
    accounting.post_document(payloads[0], key="by hand")
    ledgerly.order("period-lock", date="2026-06-01")
    payloads[1] = replace(payloads[1], lines=(replace(payloads[1].lines[0], tax_type="GHOST"),))
    payloads[2] = replace(payloads[2], issue_date=payloads[2].issue_date.replace(month=5))
    payloads[3] = replace(payloads[3], currency="XXX")
    answers = post(accounting, payloads, keys)
    assert [type(one) for one in answers] == [AlreadyThere, Permanent, PeriodLocked, Permanent, RemoteDocument, RemoteDocument]
    assert "GHOST" in answers[1].words and "XXX" in answers[3].words
    assert held(ledgerly) == [payloads[place].number for place in (0, 4, 5)]


@pytest.mark.req("F37", "F33")
@pytest.mark.parametrize(("kind", "written"), [("partial_batch", 2), ("short_answer", 4)])
def test_of_a_batch_that_is_done_or_answered_in_part_the_rest_is_unknown(ledgerly, accounting, kind, written):
    ledgerly.fault(kind, path="/Invoices")
    answers = post(accounting, *many(accounting, 4))
    assert [type(one) for one in answers] == [RemoteDocument, Unknown, RemoteDocument, Unknown]
    assert len(held(ledgerly)) == written


WHOLE = {
    "drop_before": (Unknown, 0),
    "drop_after_commit": (Unknown, 3),
    "500_before": (Unknown, 0),
    "500_after_commit": (Unknown, 3),
    "429": (RetryLater, 0),
    "maintenance": (RetryLater, 0),
    "malformed_json": (Unknown, 3),
    "truncate_body": (Unknown, 3),
    "huge_body": (Unknown, 3),
    "unauthorised": (AuthFailed, 0),
}


@pytest.mark.req("F33", "F34", "F35", "F43", "F48")
def test_each_fault_of_the_call_is_raised_after_exactly_one_attempt(ledgerly, accounting):
    for place, (kind, (error, written)) in enumerate(WHOLE.items()):
        attempts, before = len(ledgerly.writes("/Invoices")), len(held(ledgerly))
        ledgerly.fault(kind, path="/Invoices", seconds=7)
        with pytest.raises(AccountingError) as caught:
            post(accounting, *many(accounting, 3, first=10 * place + 1))
        assert (type(caught.value), bool(caught.value.words)) == (error, True), kind
        assert len(ledgerly.writes("/Invoices")) == attempts + 1, kind
        assert len(held(ledgerly)) == before + written, kind


@pytest.mark.req("F45")
def test_a_penny_more_on_all_of_them_is_a_mismatch_of_each(ledgerly, accounting):
    ledgerly.fault("penny", path="/Invoices")
    answers = post(accounting, *many(accounting, 2))
    assert [(type(one), one.remote.total - one.ours[2]) for one in answers] == [(Mismatch, Decimal("0.01"))] * 2


# --- the key of a call -----------------------------------------------------------------------------------------------------


@pytest.mark.req("F33", "F38", "F39")
def test_the_same_call_again_has_the_same_key_and_no_further_effect(ledgerly, accounting):
    payloads, keys = many(accounting, 3)
    ledgerly.fault("drop_after_commit", path="/Invoices")
    with pytest.raises(Unknown):
        post(accounting, payloads, keys)
    answers = post(accounting, payloads, keys)
    first, second = ledgerly.writes("/Invoices")
    assert first["key"] == second["key"] and (first["effects"], second["effects"]) == (3, 0)
    assert [one.number for one in answers] == held(ledgerly)


@pytest.mark.req("F39")
def test_another_body_never_goes_under_a_key_that_was_used(ledgerly, accounting):
    """Xero refuses a key that comes with another body: what is left of a call, another order, or the same with another contact."""
    payloads, keys = many(accounting, 3)
    other = accounting.ensure_contact(number="CU-7", name="Other", email="", key="other").id
    post(accounting, payloads, keys)
    for changed, under in (
        (payloads[1:], keys[1:]),
        (payloads[::-1], keys[::-1]),
        ([replace(one, contact_id=other) for one in payloads], keys),
    ):
        assert {type(one) for one in post(accounting, changed, under)} == {AlreadyThere}
    calls = ledgerly.writes("/Invoices")
    assert len({call["key"] for call in calls}) == len(calls) == 4
    assert all("different request" not in call["outcome"] for call in calls)


def test_one_that_is_left_alone_goes_under_its_own_key(ledgerly, accounting):
    payloads, keys = many(accounting, 1)
    (answer,) = post(accounting, payloads, keys)
    assert answer.number == payloads[0].number
    assert [call["key"] for call in ledgerly.writes("/Invoices")] == keys
    (again,) = post(accounting, [replace(payloads[0], currency="XXX")], keys)
    assert isinstance(again, Permanent)


# --- finding many ----------------------------------------------------------------------------------------------------------


@pytest.mark.req("F33")
def test_many_numbers_are_looked_up_in_one_call_and_voided_ones_give_way(ledgerly, accounting):
    payloads, keys = many(accounting, 3)
    posted = post(accounting, payloads, keys)
    with ledgerly.server.store.write() as tx:
        tx.execute("UPDATE documents SET status = 'DELETED' WHERE number = ?", (payloads[2].number,))
    before = len(ledgerly.state()["requests"])
    found = accounting.find_invoices([payload.number for payload in payloads] + ["INV-2026-99999"])
    assert found == {posted[0].number: posted[0], posted[1].number: posted[1]}
    assert len(ledgerly.state()["requests"]) == before + 1


@pytest.mark.req("F40")
def test_a_number_that_two_carry_is_ambiguous_and_the_others_are_found(ledgerly, accounting):
    with ledgerly.server.store.write() as tx:
        tx.execute("DROP INDEX document_number")
    payloads, keys = many(accounting, 2)
    post(accounting, payloads, keys)
    with ledgerly.server.store.write() as tx:
        tx.execute("UPDATE documents SET number = ? WHERE number = ?", (payloads[0].number, payloads[1].number))
    assert isinstance(accounting.find_invoices([payloads[0].number])[payloads[0].number], Ambiguous)


def test_contacts_of_many_customers_are_found_in_a_call_or_two(ledgerly, accounting):
    accounting.ensure_contact(number="CU-2", name='Say "hi"', email="", key="2")
    ledgerly.order("seed", Contacts=[{"Name": "By hand"}, {"Name": "Taken", "ContactNumber": "CU-99"}])
    names = {"CU-1042": "Renamed since", "CU-2": 'Say "hi"', "CU-3": "By hand", "CU-4": "Taken", "CU-5": "Nobody"}
    wanted = [invoice(f"INV-{n}", line("a", "1", "1.00"), contact_number=n, contact_name=name) for n, name in names.items()]
    before = len(ledgerly.state()["requests"])
    found = accounting.find_contacts(wanted)
    assert {number: contact.name for number, contact in found.items()} == {
        "CU-1042": "Brightwave Logistics",
        "CU-2": 'Say "hi"',
        "CU-3": "By hand",
    }
    assert len(ledgerly.state()["requests"]) == before + 2


def test_contacts_that_have_worked_are_not_asked_for_again_and_one_that_works_no_more_is(ledgerly, accounting):
    payloads, keys = many(accounting, 2)
    post(accounting, payloads, keys)
    before = len(ledgerly.state()["requests"])
    assert set(accounting.find_contacts(payloads)) == {"CU-1042"}
    assert len(ledgerly.state()["requests"]) == before
    with ledgerly.server.store.write() as tx:
        tx.execute("UPDATE contacts SET status = 'ARCHIVED'")
    more, under = many_of(payloads, first=3)
    answers = post(accounting, more, under)
    assert {type(one) for one in answers} == {RetryLater}, "each looks its contact up anew before anyone is bothered"
    assert accounting.find_contacts(more) == {}


def test_where_many_are_unknown_the_list_of_all_is_read_once_unless_it_is_long(ledgerly, accounting, monkeypatch):
    people = [{"Name": f"Customer {n}", "ContactNumber": f"CU-{n}"} for n in range(30)]
    ledgerly.order("seed", Contacts=people)
    wanted = [invoice(f"INV-{n}", line("a", "1", "1.00"), contact_number=f"CU-{n}", contact_name=f"Customer {n}") for n in range(40)]
    asked = lambda: [one["query"] for one in ledgerly.state()["requests"] if one["path"] == "/Contacts" and one["method"] == "GET"]  # noqa: E731
    before = len(asked())
    assert set(accounting.find_contacts(wanted[:20])) == {f"CU-{n}" for n in range(20)}
    assert set(accounting.find_contacts(wanted[20:])) == {f"CU-{n}" for n in range(20, 30)}
    assert len(asked()) == before + 1 and "pageSize=1000" in asked()[-1]
    monkeypatch.setattr("billing.adapters.accounting.xero_several.LIST_PAGES", 2)
    monkeypatch.setattr("billing.adapters.accounting.xero_several.LIST_SIZE", 10)
    other = ledgerly.accounting()
    before = len(asked())
    assert set(other.find_contacts(wanted)) == {f"CU-{n}" for n in range(30)}
    assert len(asked()) == before + 3, "the first page says that there are too many; then by number, then by name"
    monkeypatch.setattr("billing.adapters.accounting.xero_several.LIST_PAGES", 4)
    several_pages = ledgerly.accounting()
    before = len(asked())
    assert set(several_pages.find_contacts(wanted)) == {f"CU-{n}" for n in range(30)}
    assert len(asked()) == before + 4


def many_of(payloads, *, first):
    """More of the same for the same contact, without asking for it."""
    more = [replace(one, number=f"INV-2026-{first + n:05d}") for n, one in enumerate(payloads)]
    return more, [f"key {first + n}" for n in range(len(more))]
