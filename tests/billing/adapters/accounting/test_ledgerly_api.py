"""Ledgerly over raw HTTP: Xero's shapes, its rules of the books, idempotency keys, templates that can only be created and deleted."""

import threading
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any

import pytest
import requests

from billing.adapters.accounting.ledgerly import DEMO_ORGANISATION, DEMO_ORGANISATIONS, ledgerly_number
from tests.billing.adapters.accounting.ledgerly_fixture import API, SCHEMA, WITHOUT_SCHEMA

D = Decimal
HEADERS = {"Authorization": "Bearer demo", "xero-tenant-id": DEMO_ORGANISATION}
LINE = {
    "Description": "Team",
    "Quantity": 5,
    "UnitAmount": 25,
    "LineAmount": 125,
    "TaxType": "OUTPUT2",
    "TaxAmount": 25,
    "AccountCode": "200",
}


def an_invoice(number: str = "INV-1", **changes: Any) -> dict[str, Any]:
    values = {"Type": "ACCREC", "Status": "AUTHORISED", "Contact": {"Name": "Brightwave"}, "Date": "2026-06-16", "DueDate": "2026-06-30"}
    return values | {"InvoiceNumber": number, "Reference": "CH-1", "LineItems": [LINE]} | changes


def a_note(number: str = "CN-1", **changes: Any) -> dict[str, Any]:
    values = {"Type": "ACCRECCREDIT", "Status": "AUTHORISED", "Contact": {"Name": "Brightwave"}, "Date": "2026-06-20"}
    return values | {"CreditNoteNumber": number, "LineItems": [LINE]} | changes


def a_template(**changes: Any) -> dict[str, Any]:
    schedule = {"Period": 1, "Unit": "MONTHLY", "DueDate": 14, "DueDateType": "DAYSAFTERBILLDATE", "StartDate": "2026-07-01"}
    values = {"Type": "ACCREC", "Status": "AUTHORISED", "Contact": {"Name": "Brightwave"}, "Reference": "C-1042", "LineItems": [LINE]}
    return values | {"Schedule": schedule | changes.pop("schedule", {})} | changes


@pytest.fixture
def call(ledgerly):
    def send(method: str, path: str, body: Any = None, *, key: str = "", headers: dict[str, str] | None = None, **query: Any):
        sent = {**HEADERS, **({"Idempotency-Key": key} if key else {}), **(headers or {})}
        return requests.request(method, f"{ledgerly.url}{API}{path}", json=body, headers=sent, params=query, timeout=10)

    return send


def put_invoice(call, **changes: Any) -> dict[str, Any]:
    answer = call("PUT", "/Invoices", {"Invoices": [an_invoice(**changes)]})
    assert answer.status_code == 200, answer.text
    return answer.json()["Invoices"][0]


def messages(answer: requests.Response) -> str:
    assert answer.status_code == 400, answer.text
    return " ".join(error["Message"] for element in answer.json()["Elements"] for error in element["ValidationErrors"])


# --- shapes ------------------------------------------------------------------------------------------------------------


@pytest.mark.req("F48")
def test_exchanges_are_held_against_xeros_own_schema(ledgerly, call):
    if not SCHEMA.exists():
        pytest.skip(WITHOUT_SCHEMA)
    put_invoice(call)
    assert ledgerly.checked == 1 and not ledgerly.violations
    assert call("PUT", "/Invoices", {"Invoices": [an_invoice("INV-2", LineItems="none")]}).status_code == 400
    assert any("LineItems" in violation or "array" in violation for violation in ledgerly.violations), "the check can fail"
    for validator in ledgerly.validators:
        validator.violations.clear()


def test_an_invoice_comes_back_with_xeros_dates_exact_numbers_and_a_short_name(ledgerly, call):
    answer = call("PUT", "/Invoices", {"Invoices": [an_invoice()]})
    assert '"Date": "/Date(1781568000000+0000)/"' in answer.text
    assert '"SubTotal": 125.00, "TotalTax": 25.00, "Total": 150.00' in answer.text
    shown = answer.json()["Invoices"][0]
    assert ledgerly_number(shown["InvoiceID"]) == "LG-000001" == ledgerly.state()["invoices"][0]["label"]
    assert ledgerly.state()["invoices"][0]["number"] == "INV-1"


def test_dates_are_taken_as_iso_and_as_milliseconds(call):
    shown = put_invoice(call, Date="/Date(1781568000000)/")
    assert shown["Date"] == "/Date(1781568000000+0000)/"


def test_organisation_accounts_and_tax_rates_are_there_and_can_be_added_to(call):
    assert call("GET", "/Organisation").json()["Organisations"][0]["Name"] == "Northbeam Software Ltd"
    assert "200" in {account["Code"] for account in call("GET", "/Accounts").json()["Accounts"]}
    assert call("PUT", "/Accounts", {"Code": "205", "Name": "Training", "Type": "REVENUE"}).status_code == 200
    rates = [{"Name": "Reduced", "TaxType": "TAX007", "TaxComponents": [{"Name": "VAT", "Rate": 7}]}]
    assert call("PUT", "/TaxRates", {"TaxRates": rates}).status_code == 200
    line = {**LINE, "AccountCode": "205", "TaxType": "TAX007"}
    del line["TaxAmount"]
    assert put_invoice(call, LineItems=[line])["TotalTax"] == 8.75


def test_lists_have_lines_with_paging_only_and_filter_by_what_xero_filters_by(call):
    for number in range(3):
        put_invoice(call, number=f"INV-{number}", Reference=f"CH-{number}", Contact={"Name": f"Customer {number}"})
    everything = call("GET", "/Invoices").json()
    assert [invoice["LineItems"] for invoice in everything["Invoices"]] == [[], [], []]
    page = call("GET", "/Invoices", page=2, pageSize=2).json()
    assert page["pagination"] == {"page": 2, "pageSize": 2, "pageCount": 2, "itemCount": 3}
    assert [invoice["InvoiceNumber"] for invoice in page["Invoices"]] == ["INV-2"] and page["Invoices"][0]["LineItems"]

    def numbers(**query: Any) -> list[str]:
        return [invoice["InvoiceNumber"] for invoice in call("GET", "/Invoices", **query).json()["Invoices"]]

    assert numbers(InvoiceNumbers="INV-0,INV-2") == ["INV-0", "INV-2"]
    assert numbers(where='Reference=="CH-1" AND Type=="ACCREC"') == ["INV-1"]
    assert numbers(where='Contact.Name=="Customer 2" OR InvoiceNumber=="INV-0"', order="InvoiceNumber DESC") == ["INV-2", "INV-0"]
    assert numbers(where="Date>=DateTime(2026, 06, 17)") == []
    assert numbers(Statuses="DRAFT,PAID") == []


def test_a_filter_nobody_understands_is_refused_never_ignored(call):
    for where in ("Refrence=='x'", 'Colour=="red"', "Reference==", "1=1) OR (1=1", 'Reference=="x"; DROP TABLE documents'):
        assert call("GET", "/Invoices", where=where).status_code == 400, where


# --- who may in --------------------------------------------------------------------------------------------------------


def test_a_wrong_token_is_401_and_another_organisation_403(ledgerly, call):
    assert call("GET", "/Organisation", headers={"Authorization": "Bearer other"}).status_code == 401
    elsewhere = {"xero-tenant-id": "1ed9e719-0000-4000-8000-00000000ffff"}
    assert call("PUT", "/Invoices", {"Invoices": [an_invoice()]}, headers=elsewhere).status_code == 403
    assert ledgerly.state()["invoices"] == []


def test_organisations_keep_books_of_their_own(call):
    put_invoice(call)
    other = {"xero-tenant-id": DEMO_ORGANISATIONS[1][0]}
    assert call("GET", "/Invoices", headers=other).json()["Invoices"] == []
    assert call("PUT", "/Invoices", {"Invoices": [an_invoice()]}, headers=other).json()["Invoices"][0]["CurrencyCode"] == "USD"


# --- the rules of the books --------------------------------------------------------------------------------------------


@pytest.mark.req("F36")
@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"LineItems": [{**LINE, "LineAmount": 124.99}]}, "does not match the expected line total 125"),
        ({"LineItems": [{**LINE, "AccountCode": "999"}]}, "Account code '999' is not a valid code"),
        ({"LineItems": [{**LINE, "TaxType": "GHOST"}]}, "TaxType code 'GHOST' does not exist"),
        ({"LineItems": [{**LINE, "Description": " "}]}, "Description is required"),
        ({"LineItems": []}, "One or more line items"),
        ({"LineItems": [{**LINE, "Quantity": -5, "LineAmount": -125, "TaxAmount": -25}]}, "cannot be negative"),
        ({"Contact": {}}, "A Contact must be specified"),
        ({"DueDate": None}, "Date and DueDate must be specified"),
        ({"Date": "yesterday"}, "Date is not a valid date"),
        ({"Status": "PAID"}, "cannot have the status PAID"),
    ],
)
def test_what_breaks_a_rule_is_refused_with_the_rule(ledgerly, changes, words):
    body = {"Invoices": [{k: v for k, v in an_invoice(**changes).items() if v is not None}]}
    answer = requests.put(f"{ledgerly.url}{API}/Invoices", json=body, headers=HEADERS, timeout=10)
    for validator in ledgerly.validators:
        validator.violations.clear()  # some of these requests break the schema too
    assert words in messages(answer)
    assert ledgerly.state()["invoices"] == []


def test_a_number_is_given_once(call):
    put_invoice(call)
    assert "must be unique" in messages(call("PUT", "/Invoices", {"Invoices": [an_invoice()]}))


def test_without_summary_each_element_says_how_it_went(ledgerly, call):
    body = {"Invoices": [an_invoice("INV-1"), an_invoice("INV-1"), an_invoice("INV-2")]}
    answer = call("PUT", "/Invoices", body, summarizeErrors="false")
    assert answer.status_code == 200
    assert [invoice["StatusAttributeString"] for invoice in answer.json()["Invoices"]] == ["OK", "ERROR", "OK"]
    assert answer.json()["Invoices"][1]["InvoiceID"] == "00000000-0000-0000-0000-000000000000"
    assert [invoice["number"] for invoice in ledgerly.state()["invoices"]] == ["INV-1", "INV-2"]


def test_with_summary_one_bad_element_undoes_the_whole_request(ledgerly, call):
    assert call("PUT", "/Invoices", {"Invoices": [an_invoice("INV-1"), an_invoice("INV-1")]}).status_code == 400
    assert ledgerly.state()["invoices"] == []


@pytest.mark.req("F46")
def test_a_locked_period_refuses_documents_up_to_its_last_day(ledgerly, call):
    ledgerly.order("period-lock", date="2026-06-16")
    assert "period lock date, currently set at 16-Jun-2026" in messages(call("PUT", "/Invoices", {"Invoices": [an_invoice()]}))
    put_invoice(call, Date="2026-06-17")
    assert call("GET", "/Organisation").json()["Organisations"][0]["PeriodLockDate"] == "/Date(1781568000000+0000)/"


def test_unit_prices_keep_two_places_unless_four_are_asked_for(call):
    line = {"Description": "Calls", "Quantity": 1000, "UnitAmount": 0.0125, "TaxType": "NONE", "AccountCode": "200"}
    rounded = call("PUT", "/Invoices", {"Invoices": [an_invoice("INV-1", LineItems=[line])]}).json()["Invoices"][0]
    exact = call("PUT", "/Invoices", {"Invoices": [an_invoice("INV-2", LineItems=[line])]}, unitdp=4).json()["Invoices"][0]
    assert (rounded["Total"], exact["Total"]) == (10.0, 12.5)


def test_a_voided_invoice_needs_to_be_free_of_credits(ledgerly, call):
    invoice = put_invoice(call)
    note = call("PUT", "/CreditNotes", {"CreditNotes": [a_note()]}).json()["CreditNotes"][0]
    use = {"Allocations": [{"Invoice": {"InvoiceID": invoice["InvoiceID"]}, "Amount": 10, "Date": "2026-06-20"}]}
    assert call("PUT", f"/CreditNotes/{note['CreditNoteID']}/Allocations", use).status_code == 200
    void = {"Invoices": [{"InvoiceID": invoice["InvoiceID"], "Status": "VOIDED"}]}
    assert "payments or credits applied" in messages(call("POST", "/Invoices", void))
    other = put_invoice(call, number="INV-2")
    void = {"Invoices": [{"InvoiceID": other["InvoiceID"], "Status": "VOIDED"}]}
    assert call("POST", f"/Invoices/{other['InvoiceID']}", void).json()["Invoices"][0]["Status"] == "VOIDED"


# --- allocations -------------------------------------------------------------------------------------------------------


@pytest.mark.req("F61")
def test_credit_is_capped_by_what_the_invoice_owes_and_by_what_the_note_has_left(ledgerly, call):
    first, second = (
        put_invoice(call),
        put_invoice(call, number="INV-2", LineItems=[{**LINE, "Quantity": 1, "LineAmount": 25, "TaxAmount": 5}]),
    )
    note = call("PUT", "/CreditNotes", {"CreditNotes": [a_note()]}).json()["CreditNotes"][0]

    def use(invoice: dict[str, Any], amount: float) -> requests.Response:
        body = {"Allocations": [{"Invoice": {"InvoiceID": invoice["InvoiceID"]}, "Amount": amount, "Date": "2026-06-20"}]}
        return call("PUT", f"/CreditNotes/{note['CreditNoteID']}/Allocations", body)

    assert "greater than the 30.00 outstanding on invoice INV-2" in messages(use(second, 30.01))
    assert use(second, 30).status_code == 200
    assert "greater than the 0 outstanding on invoice INV-2" in messages(use(second, 0.01))
    assert "greater than the 120.00 of remaining credit on credit note CN-1" in messages(use(first, 120.01))
    assert use(first, 120).status_code == 200
    state = ledgerly.state()
    assert [(invoice["number"], invoice["status"], invoice["used"]) for invoice in state["invoices"]] == [
        ("INV-1", "AUTHORISED", "120.00"),
        ("INV-2", "PAID", "30.00"),
    ]
    assert state["credit_notes"][0]["status"] == "PAID"


def test_credit_stays_with_its_contact(call):
    invoice = put_invoice(call, Contact={"Name": "Somebody else"})
    note = call("PUT", "/CreditNotes", {"CreditNotes": [a_note()]}).json()["CreditNotes"][0]
    body = {"Allocations": [{"Invoice": {"InvoiceID": invoice["InvoiceID"]}, "Amount": 1, "Date": "2026-06-20"}]}
    assert "same contact" in messages(call("PUT", f"/CreditNotes/{note['CreditNoteID']}/Allocations", body))


def test_payments_reduce_what_may_be_credited(ledgerly, call):
    invoice = put_invoice(call)
    ledgerly.order("payments", InvoiceNumber="INV-1", Amount="140.00", Date="2026-06-18")
    note = call("PUT", "/CreditNotes", {"CreditNotes": [a_note()]}).json()["CreditNotes"][0]
    body = {"Allocations": [{"Invoice": {"InvoiceID": invoice["InvoiceID"]}, "Amount": 10.01, "Date": "2026-06-20"}]}
    assert "greater than the 10.00 outstanding" in messages(call("PUT", f"/CreditNotes/{note['CreditNoteID']}/Allocations", body))


# --- contacts ----------------------------------------------------------------------------------------------------------


def test_a_name_and_a_number_belong_to_one_contact(call):
    first = {"Contacts": [{"Name": "Brightwave", "ContactNumber": "CU-1", "EmailAddress": "a@b.example"}]}
    id = call("PUT", "/Contacts", first).json()["Contacts"][0]["ContactID"]
    assert "already assigned" in messages(call("PUT", "/Contacts", {"Contacts": [{"Name": "BRIGHTWAVE"}]}))
    assert "already assigned" in messages(call("PUT", "/Contacts", {"Contacts": [{"Name": "Other", "ContactNumber": "CU-1"}]}))
    renamed = call("POST", f"/Contacts/{id}", {"Contacts": [{"Name": "Brightwave Logistics"}]}).json()["Contacts"][0]
    assert (renamed["ContactID"], renamed["ContactNumber"], renamed["Name"]) == (id, "CU-1", "Brightwave Logistics")
    assert [c["ContactID"] for c in call("GET", "/Contacts", where='ContactNumber=="CU-1"').json()["Contacts"]] == [id]


@pytest.mark.req("F36")
def test_an_archived_contact_takes_no_new_documents(call):
    id = call("PUT", "/Contacts", {"Contacts": [{"Name": "Gone Ltd"}]}).json()["Contacts"][0]["ContactID"]
    call("POST", f"/Contacts/{id}", {"Contacts": [{"ContactStatus": "ARCHIVED"}]})
    assert "is archived" in messages(call("PUT", "/Invoices", {"Invoices": [an_invoice(Contact={"ContactID": id})]}))


# --- repeating invoices ------------------------------------------------------------------------------------------------


def put_template(call, **changes: Any) -> dict[str, Any]:
    answer = call("PUT", "/RepeatingInvoices", {"RepeatingInvoices": [a_template(**changes)]})
    assert answer.status_code == 200, answer.text
    return answer.json()["RepeatingInvoices"][0]


@pytest.mark.req("F41")
def test_templates_are_created_and_deleted_and_every_update_is_refused(ledgerly, call):
    made = put_template(call)
    id = made["RepeatingInvoiceID"]
    assert made["Schedule"]["NextScheduledDate"] == "/Date(1782864000000+0000)/"
    for method, path, change in [
        ("POST", "/RepeatingInvoices", {"RepeatingInvoiceID": id, "Reference": "C-9"}),
        ("POST", f"/RepeatingInvoices/{id}", a_template(LineItems=[{**LINE, "Quantity": 1, "LineAmount": 25}])),
        ("POST", f"/RepeatingInvoices/{id}", {"Status": "DRAFT"}),
        ("PUT", "/RepeatingInvoices", {"RepeatingInvoiceID": id} | a_template(Reference="C-9")),
    ]:
        assert "cannot be updated through the API" in messages(call(method, path, {"RepeatingInvoices": [change]}))
    assert [(t["reference"], t["status"], t["total"]) for t in ledgerly.state()["templates"]] == [("C-1042", "AUTHORISED", "150.00")]
    gone = call("POST", f"/RepeatingInvoices/{id}", {"RepeatingInvoices": [{"Status": "DELETED"}]}).json()["RepeatingInvoices"][0]
    assert gone["Status"] == "DELETED"
    assert "deleted already" in messages(call("POST", f"/RepeatingInvoices/{id}", {"RepeatingInvoices": [{"Status": "DELETED"}]}))
    assert call("GET", f"/RepeatingInvoices/{id}").json()["RepeatingInvoices"][0]["Status"] == "DELETED"
    assert call("GET", "/RepeatingInvoices", where='Reference=="C-1042" AND Status=="AUTHORISED"').json()["RepeatingInvoices"] == []


@pytest.mark.parametrize(
    "schedule", [{"Period": 0}, {"Unit": "DAILY"}, {"StartDate": ""}, {"EndDate": "2026-06-30"}, {"DueDateType": "SOON"}]
)
def test_a_schedule_that_makes_no_sense_is_refused(ledgerly, call, schedule):
    answer = call("PUT", "/RepeatingInvoices", {"RepeatingInvoices": [a_template(schedule=schedule)]})
    for validator in ledgerly.validators:
        validator.violations.clear()
    assert "Schedule" in messages(answer)
    assert ledgerly.state()["templates"] == []


# --- idempotency -------------------------------------------------------------------------------------------------------


@pytest.mark.req("F19", "F33")
def test_the_same_key_and_body_replays_the_stored_answer(ledgerly, call):
    answers = [call("PUT", "/Invoices", {"Invoices": [an_invoice()]}, key="k-1") for _ in range(3)]
    assert len({answer.text for answer in answers}) == 1
    assert [row["outcome"] for row in ledgerly.writes()] == ["done", "replayed", "replayed"]
    state = ledgerly.state()
    assert (len(state["invoices"]), state["attempts"], state["effects"]) == (1, 3, 1)


@pytest.mark.req("F39")
def test_the_same_key_with_another_body_is_refused(ledgerly, call):
    call("PUT", "/Invoices", {"Invoices": [an_invoice()]}, key="k-1")
    assert call("PUT", "/Invoices", {"Invoices": [an_invoice("INV-2")]}, key="k-1").status_code == 400
    assert call("PUT", "/CreditNotes", {"CreditNotes": [a_note()]}, key="k-1").status_code == 400
    assert call("PUT", "/Invoices", {"Invoices": [an_invoice("INV-3")]}, key="k" * 129).status_code == 400
    state = ledgerly.state()
    assert len(state["invoices"]) == 1 and state["credit_notes"] == []


def test_a_refused_request_does_not_use_up_its_key(call):
    assert call("PUT", "/Invoices", {"Invoices": [an_invoice(LineItems=[{**LINE, "AccountCode": "999"}])]}, key="k-1").status_code == 400
    assert call("PUT", "/Invoices", {"Invoices": [an_invoice()]}, key="k-1").status_code == 200


@pytest.mark.req("F38")
def test_a_forgotten_key_protects_no_longer_but_the_number_does(ledgerly, call):
    call("PUT", "/Invoices", {"Invoices": [an_invoice()]}, key="k-1")
    assert ledgerly.order("forget-keys") == {"forgotten": 1}
    assert "must be unique" in messages(call("PUT", "/Invoices", {"Invoices": [an_invoice()]}, key="k-1"))
    template = {"RepeatingInvoices": [a_template()]}
    call("PUT", "/RepeatingInvoices", template, key="k-2")
    ledgerly.fault("forget_keys")
    call("PUT", "/RepeatingInvoices", template, key="k-2")
    assert len(ledgerly.state()["templates"]) == 2, "a template has no number, so only a look-up can prevent its twin"


@pytest.mark.req("F33")
def test_twenty_at_once_with_one_key_have_one_effect(ledgerly, call):
    barrier = threading.Barrier(20)

    def send(_: int) -> str:
        barrier.wait()
        return call("PUT", "/RepeatingInvoices", {"RepeatingInvoices": [a_template()]}, key="k-1").text

    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(send, range(20)))
    assert len(set(answers)) == 1
    state = ledgerly.state()
    assert (len(state["templates"]), state["attempts"], state["effects"]) == (1, 20, 1)


def test_twenty_at_once_with_keys_of_their_own_take_twenty_numbers(ledgerly, call):
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda n: call("PUT", "/Invoices", {"Invoices": [an_invoice(f"INV-{n}")]}, key=f"k-{n}"), range(20)))
    assert {answer.status_code for answer in answers} == {200}
    assert len({invoice["label"] for invoice in ledgerly.state()["invoices"]}) == 20
