"""The Xero adapter against Ledgerly, nothing mocked: what it sends, what it reads back, what it refuses."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from billing.adapters.accounting.comparison import check_template, missing_allocations
from billing.adapters.accounting.ledgerly import DEMO_ORGANISATION, DEMO_ORGANISATIONS
from billing.adapters.accounting.port import (
    Accounting,
    AlreadyThere,
    Ambiguous,
    AuthFailed,
    Mismatch,
    PayloadAllocation,
    PeriodLocked,
    Permanent,
    RetryLater,
    WrongOrganisation,
)
from billing.adapters.accounting.xero import XeroAccounting
from billing.adapters.accounting.xero_connection import build
from tests.billing.adapters.accounting.ledgerly_fixture import SCHEMA, WITHOUT_SCHEMA, credit_note, invoice, line, template

D = Decimal
ON = date(2026, 6, 24)


# --- what it sends -----------------------------------------------------------------------------------------------------


@pytest.mark.req("F48")
def test_a_whole_change_keeps_to_xeros_schema_in_every_request_and_answer(ledgerly):
    if not SCHEMA.exists():
        pytest.skip(WITHOUT_SCHEMA)
    accounting = ledgerly.accounting()
    assert isinstance(accounting, Accounting)
    accounting.organisation()
    old = accounting.create_template(template("20"), key="1")
    accounting.post_document(invoice(), key="2")
    new = accounting.create_template(template("25"), key="3")
    accounting.delete_template(old.id, key="4")
    note = accounting.post_document(credit_note(), key="5")
    accounting.allocate(credit_note_id=note.id, invoice_number="INV-2026-00131", amount=D("42.00"), on=ON, key="6")
    assert accounting.list_templates(reference="C-1042") == (new,)
    assert accounting.find_document(kind="invoice", reference="CH-2026-0042").amount_due == D("108.00")
    assert ledgerly.checked >= 12
    assert ledgerly.violations == []


def test_the_storys_invoice_arrives_to_the_penny_under_our_number(ledgerly):
    remote = ledgerly.accounting().post_document(invoice(), key="k")
    assert (remote.number, remote.reference, remote.status) == ("INV-2026-00131", "CH-2026-0042", "issued")
    assert (remote.net, remote.tax, remote.total, remote.amount_due) == (D("125.00"), D("25.00"), D("150.00"), D("150.00"))
    assert (remote.issue_date, remote.due_date, remote.currency) == (date(2026, 6, 16), date(2026, 6, 30), "GBP")
    assert remote.label == "LG-000001" and remote.url == f"{ledgerly.url}/?show={remote.id}#invoice-{remote.id}"
    held = ledgerly.state()["contacts"][0]
    assert (held["name"], held["number"], held["email"]) == ("Brightwave Logistics", "CU-1042", "accounts@brightwave.example")


def test_every_write_carries_its_key_and_asks_for_four_places_and_for_each_elements_fate(ledgerly):
    ledgerly.accounting().post_document(invoice(), key="the-key")
    contact, posted = ledgerly.writes()
    assert posted["key"] == "the-key" and posted["query"] == "summarizeErrors=false&unitdp=4"
    assert contact["key"] not in ("", "the-key"), "the contact has a key of its own, made from the document's"


def test_a_line_that_is_not_quantity_times_price_goes_as_one_times_its_amount(ledgerly):
    parts = (
        line("prorated", "5", "50.00", "125.00"),
        line("whole", "25", "50.00"),
        line("six places", "1000", "0.001234", "1.23"),
        line("four places", "1000", "0.0125"),
        line("a credit line", "2", "50.00", "-100.00"),
    )
    remote = ledgerly.accounting().post_document(invoice("INV-1", *parts), key="k")
    assert [(part.quantity, part.unit_amount, part.line_amount) for part in remote.lines] == [
        (D(1), D(125), D(125)),
        (D(25), D(50), D(1250)),
        (D(1), D("1.23"), D("1.23")),
        (D(1000), D("0.0125"), D("12.5")),
        (D(1), D(-100), D(-100)),
    ]


@pytest.mark.req("F45")
def test_our_tax_is_sent_and_kept_where_accounting_would_round_otherwise(ledgerly):
    part = line("odd", "1", "0.13", tax="0.02")  # 20 % of 0.13 is 0.026, which rounds to 0.03
    remote = ledgerly.accounting().post_document(invoice("INV-1", part), key="k")
    assert (remote.net, remote.tax, remote.total) == (D("0.13"), D("0.02"), D("0.15"))


@pytest.mark.parametrize(("currency", "price"), [("JPY", "8000"), ("EUR", "56.10"), ("USD", "0.01")])
def test_other_currencies_keep_their_places(ledgerly, currency, price):
    part = line("Team", "3", price, tax="0")
    remote = ledgerly.accounting().post_document(invoice("INV-1", part, currency=currency), key="k")
    assert (remote.currency, remote.total) == (currency, 3 * D(price))


def test_large_amounts_arrive_exactly_and_those_a_float_cannot_hold_are_never_sent(ledgerly):
    accounting = ledgerly.accounting()
    big = line("Everything", "1", "99999999999.99", tax="0")
    assert accounting.post_document(invoice("INV-1", big), key="k").total == D("99999999999.99")
    too_big = line("More", "1", "12345678901234567.89", tax="0")
    attempts = len(ledgerly.writes())
    with pytest.raises(Permanent, match="too many digits"):
        accounting.post_document(invoice("INV-2", too_big), key="k2")
    assert len(ledgerly.writes()) == attempts


def test_blank_tax_code_and_account_take_the_configured_defaults_and_ours_are_translated(ledgerly):
    accounting = ledgerly.accounting(account_code="260", tax_types={"STD": "OUTPUT2"})
    parts = (replace(line("a", "1", "10.00", tax="0"), tax_type="", account_code=""), replace(line("b", "1", "10.00"), tax_type="STD"))
    remote = accounting.post_document(invoice("INV-1", *parts), key="k")
    assert [(part.tax_type, part.account_code) for part in remote.lines] == [("NONE", "260"), ("OUTPUT2", "200")]


# --- finding again -----------------------------------------------------------------------------------------------------


@pytest.mark.req("F33")
def test_what_was_posted_is_found_by_number_and_by_reference_as_it_was_answered(ledgerly):
    accounting = ledgerly.accounting()
    posted, note = accounting.post_document(invoice(), key="k"), accounting.post_document(credit_note(), key="n")
    for kind, one in (("invoice", posted), ("credit_note", note)):
        assert accounting.find_document(kind=kind, number=one.number) == one
        assert accounting.find_document(kind=kind, reference=one.reference) == one
        assert accounting.get_document(kind=kind, id=one.id) == one
    assert accounting.find_document(kind="credit_note", number="INV-2026-00131") is None
    assert accounting.find_document(kind="invoice", number="INV-2026-0013") is None
    assert accounting.get_document(kind="invoice", id=DEMO_ORGANISATION) is None


@pytest.mark.parametrize("name", ['say "CH" twice', "back\\slash", "Ünïcode ✓", "a,b", "O'Neill & Sons <x>"])
def test_names_with_awkward_characters_are_found_again(ledgerly, name):
    accounting = ledgerly.accounting()
    posted = accounting.post_document(invoice(name, reference=name, contact_name=name), key="k")
    assert accounting.find_document(kind="invoice", number=name) == posted
    assert accounting.find_document(kind="invoice", reference=name) == posted
    assert accounting.find_contact(name=name).number == "CU-1042"


@pytest.mark.req("F40")
def test_two_documents_of_one_reference_are_ambiguous_unless_one_is_voided(ledgerly):
    accounting = ledgerly.accounting()
    first, second = (accounting.post_document(invoice(number), key=number) for number in ("INV-1", "INV-2"))
    with pytest.raises(Ambiguous) as caught:
        accounting.find_document(kind="invoice", reference="CH-2026-0042")
    assert caught.value.ids == (first.id, second.id)
    assert accounting.find_documents(kind="invoice", reference="CH-2026-0042") == (first, second)


def test_a_look_up_reads_every_page(ledgerly):
    part = {"Description": "Team", "Quantity": 1, "UnitAmount": 1, "TaxType": "NONE", "AccountCode": "200"}
    one = {"Contact": {"Name": "B"}, "Status": "AUTHORISED", "Date": "2026-06-01", "DueDate": "2026-06-15", "LineItems": [part]}
    ledgerly.order("seed", Invoices=[{**one, "InvoiceNumber": f"INV-{n}", "Reference": "C-1"} for n in range(230)])
    assert len(ledgerly.accounting().find_documents(kind="invoice", reference="C-1")) == 230


@pytest.mark.req("F40")
def test_a_number_accounting_already_holds_is_named_as_such(ledgerly):
    accounting = ledgerly.accounting()
    accounting.post_document(invoice(), key="k")
    with pytest.raises(AlreadyThere, match="must be unique"):
        accounting.post_document(invoice(), key="another")
    assert len(ledgerly.state()["invoices"]) == 1


# --- contacts ----------------------------------------------------------------------------------------------------------


def test_a_contact_is_created_once_and_looked_up_no_more_once_it_has_worked(ledgerly):
    accounting = ledgerly.accounting()
    for number in range(3):
        accounting.post_document(invoice(f"INV-{number}"), key=f"k-{number}")
    assert len(ledgerly.state()["contacts"]) == 1
    reads = [row for row in ledgerly.state()["requests"] if row["method"] == "GET"]
    assert len(reads) == 2, "by number and by name, before the first document only"


def test_a_contact_made_by_hand_is_adopted_by_its_name_but_never_that_of_another_customer(ledgerly):
    ledgerly.order("seed", Contacts=[{"Name": "Brightwave Logistics"}, {"Name": "Twin Ltd", "ContactNumber": "CU-7"}])
    accounting = ledgerly.accounting()
    found = accounting.ensure_contact(number="CU-1042", name="Brightwave Logistics", email="", key="c")
    assert found.number == "" and len(ledgerly.state()["contacts"]) == 2
    with pytest.raises(AlreadyThere, match="has the number CU-7, not CU-8"):
        accounting.ensure_contact(number="CU-8", name="Twin Ltd", email="", key="c")


def test_a_remembered_contact_that_no_longer_works_is_looked_up_anew_before_anyone_is_bothered(ledgerly):
    accounting = ledgerly.accounting()
    accounting.post_document(invoice("INV-1"), key="k1")
    old = ledgerly.state()["contacts"][0]
    ledgerly.order("seed", Contacts=[{"ContactID": old["id"], "ContactStatus": "ARCHIVED", "ContactNumber": "CU-OLD", "Name": "Old"}])
    with pytest.raises(RetryLater, match="archived"):
        accounting.post_document(invoice("INV-2"), key="k2")
    assert accounting.post_document(invoice("INV-2"), key="k2").contact_id != old["id"]


# --- organisations, tokens, periods ------------------------------------------------------------------------------------


def test_the_organisation_says_who_it_is(ledgerly):
    ledgerly.order("period-lock", date="2026-05-31")
    who = ledgerly.accounting().organisation()
    assert (who.id, who.name, who.currency, who.country) == (DEMO_ORGANISATION, "Northbeam Software Ltd", "GBP", "GB")
    assert who.lock_date == date(2026, 5, 31) and who.is_demo


@pytest.mark.req("F44")
def test_another_organisation_than_the_pinned_one_stops_everything(ledgerly):
    with pytest.raises(WrongOrganisation, match=r"Northbeam Inc. .* not to the pinned"):
        ledgerly.accounting(tenant_id=DEMO_ORGANISATIONS[1][0]).organisation()
    with pytest.raises(WrongOrganisation):
        ledgerly.accounting(tenant_id="1ed9e719-0000-4000-8000-00000000ffff").post_document(invoice(), key="k")
    assert ledgerly.state()["effects"] == 0


@pytest.mark.req("F43")
def test_a_refused_token_is_a_matter_for_people_and_a_missing_one_never_leaves_the_house(ledgerly):
    with pytest.raises(AuthFailed, match="token"):
        ledgerly.accounting(token=lambda: "expired").post_document(invoice(), key="k")
    seen = len(ledgerly.state()["requests"])
    with pytest.raises(AuthFailed, match="not connected"):
        build(base_url="https://api.xero.com/api.xro/2.0", tenant="", token="").organisation()
    assert len(ledgerly.state()["requests"]) == seen


@pytest.mark.req("F43")
def test_the_token_is_asked_for_before_every_call(ledgerly):
    tokens = iter(["demo", "demo", "gone"])
    accounting = ledgerly.accounting(token=lambda: next(tokens))
    accounting.organisation()
    accounting.organisation()
    with pytest.raises(AuthFailed):
        accounting.organisation()


@pytest.mark.req("F44")
def test_build_gives_one_adapter_per_connection_and_the_pinned_organisation_goes_first(ledgerly):
    options = {"base_url": f"{ledgerly.url}/api.xro/2.0", "tenant": DEMO_ORGANISATION, "token": "demo"}
    first = build(**options)
    assert isinstance(first, XeroAccounting) and build(**options) is first
    assert first.organisation().currency == "GBP"
    assert build(**options, organisation=DEMO_ORGANISATIONS[2][0]).organisation().currency == "EUR"


@pytest.mark.req("F46")
def test_a_locked_period_has_an_error_of_its_own(ledgerly):
    ledgerly.order("period-lock", date="2026-06-30")
    with pytest.raises(PeriodLocked, match="currently set at 30-Jun-2026"):
        ledgerly.accounting().post_document(invoice(), key="k")
    with pytest.raises(PeriodLocked):
        ledgerly.accounting().post_document(credit_note(), key="n")
    assert ledgerly.state()["invoices"] == []


# --- credit notes ------------------------------------------------------------------------------------------------------


@pytest.mark.req("F18", "F61")
def test_a_half_done_credit_note_says_which_allocations_are_left(ledgerly):
    accounting = ledgerly.accounting()
    accounting.post_document(invoice("INV-1"), key="1")
    accounting.post_document(invoice("INV-2"), key="2")
    parts = (PayloadAllocation("INV-1", D("30.00")), PayloadAllocation("INV-2", D("12.00")))
    payload = credit_note(allocations=parts)
    note = accounting.post_document(payload, key="3")
    assert missing_allocations(payload.allocations, note) == parts and note.remaining_credit == D("42.00")
    accounting.allocate(credit_note_id=note.id, invoice_number="INV-1", amount=D("30.00"), on=ON, key="4")
    again = accounting.find_document(kind="credit_note", number=note.number)
    assert missing_allocations(payload.allocations, again) == parts[1:] and again.remaining_credit == D("12.00")
    done = accounting.allocate(credit_note_id=note.id, invoice_number="INV-2", amount=D("12.00"), on=ON, key="5")
    assert (done.invoice_number, done.amount, done.date) == ("INV-2", D("12.00"), ON)
    final = accounting.get_document(kind="credit_note", id=note.id)
    assert missing_allocations(payload.allocations, final) == () and final.status == "paid"


@pytest.mark.req("F61")
def test_more_credit_than_is_owed_or_left_is_refused(ledgerly):
    accounting = ledgerly.accounting()
    accounting.post_document(invoice(), key="1")
    note = accounting.post_document(credit_note(), key="2")
    with pytest.raises(Permanent, match=r"greater than the 42\.00 of remaining credit"):
        accounting.allocate(credit_note_id=note.id, invoice_number="INV-2026-00131", amount=D("42.01"), on=ON, key="3")
    with pytest.raises(Permanent, match="INV-404 is not in accounting"):
        accounting.allocate(credit_note_id=note.id, invoice_number="INV-404", amount=D("1.00"), on=ON, key="4")
    assert ledgerly.state()["credit_notes"][0]["allocations"] == []


# --- templates ---------------------------------------------------------------------------------------------------------


@pytest.mark.req("F41")
def test_replacing_a_template_by_create_verify_delete_verify_leaves_one(ledgerly):
    accounting = ledgerly.accounting()
    assert accounting.capabilities.template == "replace"
    old = accounting.create_template(template("20"), key="1")
    new = accounting.create_template(template("25"), key="2")
    assert accounting.list_templates(reference="C-1042") == (old, new)
    check_template(template("25"), accounting.get_template(new.id))
    gone = accounting.delete_template(old.id, key="3")
    assert (gone.id, gone.status) == (old.id, "deleted")
    assert accounting.list_templates(reference="C-1042") == (new,)
    assert accounting.list_templates(contact_number="CU-1042", live_only=False) == (replace(old, status="deleted"), new)
    assert (new.net, new.tax, new.total, new.next_date, new.period_months) == (D(1250), D(250), D(1500), date(2026, 7, 1), 1)


@pytest.mark.req("F41")
def test_deleting_twice_is_no_error_and_what_never_was_is_one(ledgerly):
    accounting = ledgerly.accounting()
    made = accounting.create_template(template(), key="1")
    assert accounting.delete_template(made.id, key="2") == accounting.delete_template(made.id, key="3")
    with pytest.raises(Permanent, match="not found"):
        accounting.delete_template(DEMO_ORGANISATION, key="4")
    assert accounting.get_template(DEMO_ORGANISATION) is None


def test_templates_are_told_apart_by_contract_and_by_customer(ledgerly):
    accounting = ledgerly.accounting()
    one = accounting.create_template(template(reference="C-1"), key="1")
    accounting.create_template(template(reference="C-10"), key="2")
    other = accounting.create_template(template(reference="C-2", contact_number="CU-2", contact_name="Other"), key="3")
    assert accounting.list_templates(reference="C-1") == (one,)
    assert accounting.list_templates(contact_number="CU-2") == (other,)
    assert accounting.list_templates(contact_number="CU-404") == ()
    assert len(accounting.list_templates()) == 3


@pytest.mark.req("F36")
def test_a_refused_template_says_why_and_is_not_there(ledgerly):
    part = replace(line("Team", "1", "50.00"), account_code="999")
    with pytest.raises(Permanent, match="Account code '999'"):
        ledgerly.accounting().create_template(template(lines=(part,)), key="1")
    assert ledgerly.state()["templates"] == []


@pytest.mark.req("F45")
def test_a_penny_of_difference_is_a_mismatch_that_names_both_and_knows_the_remote_twin(ledgerly):
    accounting = ledgerly.accounting()
    ledgerly.fault("penny", times=2, path="/Invoices*")
    with pytest.raises(Mismatch) as caught:
        accounting.post_document(invoice(), key="k")
    assert (caught.value.ours[2], caught.value.theirs[2]) == (D("150.00"), D("150.01"))
    assert caught.value.remote.id == ledgerly.state()["invoices"][0]["id"]
    ledgerly.order("faults/clear")
    ledgerly.fault("penny", path="/RepeatingInvoices*")
    with pytest.raises(Mismatch, match=r"1500\.01"):
        accounting.create_template(template(), key="t")
