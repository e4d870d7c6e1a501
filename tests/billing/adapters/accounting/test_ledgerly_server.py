"""Ledgerly as a server: its clock, its faults, its page, and what survives a kill -9."""

import os
import signal
import socket
import subprocess
import sys
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
import requests

from billing.adapters.accounting.ledgerly import LedgerlyServer, connection
from billing.adapters.accounting.ledgerly.faults import KINDS
from billing.adapters.accounting.port import AuthFailed
from billing.adapters.accounting.xero import XeroAccounting
from billing.adapters.stand_in import CannotListen
from tests.billing.adapters.accounting.ledgerly_fixture import invoice, line, template

ROOT = Path(__file__).resolve().parents[4]
D = Decimal


# --- the clock ---------------------------------------------------------------------------------------------------------


@pytest.mark.req("F31")
def test_moving_the_clock_makes_each_due_invoice_once(ledgerly):
    ledgerly.accounting().create_template(template(), key="t")
    assert ledgerly.clock(date(2026, 6, 30)) == []
    assert len(ledgerly.clock(date(2026, 7, 1))) == 1
    assert ledgerly.clock(date(2026, 7, 1)) == []
    assert ledgerly.clock(date(2026, 6, 1)) == [] and ledgerly.clock(date(2026, 7, 31)) == []
    made = ledgerly.accounting().find_documents(kind="invoice", reference="C-1042")
    assert [(m.issue_date, m.due_date, m.net, m.tax, m.total, m.status) for m in made] == [
        (date(2026, 7, 1), date(2026, 7, 15), D("1250.00"), D("250.00"), D("1500.00"), "issued")
    ]
    held = ledgerly.accounting().list_templates(reference="C-1042")[0]
    assert made[0].template_id == held.id and held.next_date == date(2026, 8, 1)


@pytest.mark.req("F31")
def test_a_long_leap_makes_every_missed_invoice_in_order_until_the_end(ledgerly):
    accounting = ledgerly.accounting()
    accounting.create_template(template(next_date=date(2026, 1, 31), end_date=date(2026, 5, 31)), key="t")
    ledgerly.clock(date(2027, 1, 1))
    days = [made.issue_date for made in accounting.find_documents(kind="invoice", reference="C-1042")]
    assert days == [date(2026, 1, 31), date(2026, 2, 28), date(2026, 3, 31), date(2026, 4, 30), date(2026, 5, 31)]
    assert accounting.list_templates(reference="C-1042")[0].next_date is None


@pytest.mark.parametrize(("months", "second"), [(1, date(2026, 8, 1)), (3, date(2026, 10, 1)), (12, date(2027, 7, 1))])
def test_months_quarters_and_years_follow_their_own_rhythm(ledgerly, months, second):
    accounting = ledgerly.accounting()
    accounting.create_template(template(period_months=months, end_date=None), key="t")
    ledgerly.clock(date(2026, 7, 1))
    assert accounting.list_templates(reference="C-1042")[0].next_date == second


def test_a_deleted_template_makes_nothing_more(ledgerly):
    accounting = ledgerly.accounting()
    made = accounting.create_template(template(), key="t")
    accounting.delete_template(made.id, key="d")
    assert ledgerly.clock(date(2026, 12, 31)) == []


def test_without_a_date_the_clock_goes_one_day_on(ledgerly):
    ledgerly.clock(date(2026, 6, 30))
    assert ledgerly.order("clock")["date"] == "2026-07-01"


# --- what survives -----------------------------------------------------------------------------------------------------


def test_everything_is_there_after_a_restart_keys_faults_and_clock_included(ledgerly):
    accounting = ledgerly.accounting()
    posted = accounting.post_document(invoice(), key="k")
    made = accounting.create_template(template(), key="t")
    ledgerly.clock(date(2026, 6, 16))
    ledgerly.fault("429", times=3)
    before = ledgerly.state()
    ledgerly.restart()
    assert ledgerly.state() == before
    ledgerly.order("faults/clear")
    assert accounting.post_document(invoice(), key="k") == posted
    assert accounting.get_template(made.id) == made
    assert ledgerly.writes("/Invoices")[-1]["outcome"] == "replayed"


class Process:
    """Ledgerly as the demo starts it."""

    def __init__(self, folder: Path) -> None:
        command = [sys.executable, "-m", "billing.adapters.accounting.ledgerly", "--port", "0", "--data", str(folder)]
        self.child = subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT, text=True)
        assert self.child.stdout is not None
        self.words = self.child.stdout.readline()
        self.url = self.words.split()[-1]

    def end(self, number: int) -> int:
        self.child.send_signal(number)
        status = self.child.wait(timeout=10)
        assert self.child.stdout is not None
        self.child.stdout.close()
        return status


@pytest.mark.req("F18")
def test_kill_9_right_after_the_answer_loses_nothing(tmp_path):
    posted = []
    for number in range(3):
        process = Process(tmp_path / "books")
        accounting = XeroAccounting(connection(process.url))
        posted.append(accounting.post_document(invoice(f"INV-{number}", reference=f"CH-{number}"), key=f"k-{number}"))
        assert process.end(signal.SIGKILL) == -signal.SIGKILL
    process = Process(tmp_path / "books")
    accounting = XeroAccounting(connection(process.url))
    try:
        found = [accounting.find_document(kind="invoice", number=f"INV-{number}") for number in range(3)]
        assert [(one.id, one.total) for one in found] == [(one.id, one.total) for one in posted]
        assert accounting.post_document(invoice("INV-2", reference="CH-2"), key="k-2").id == posted[2].id, "the key survives as well"
    finally:
        process.end(signal.SIGTERM)


def test_it_says_one_line_when_it_listens_and_stops_on_sigterm(tmp_path):
    process = Process(tmp_path / "books")
    assert process.words == f"Ledgerly is listening on {process.url}\n"
    assert requests.get(f"{process.url}/health", timeout=5).json()["status"] == "ok"
    assert process.end(signal.SIGTERM) == 0


def test_a_taken_port_is_one_sentence_with_the_way_out(tmp_path):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(CannotListen, match=f"127.0.0.1:{port} .*choose another --port"):
            LedgerlyServer(tmp_path / "a", port=port).start()
        command = [sys.executable, "-m", "billing.adapters.accounting.ledgerly", "--port", str(port), "--data", str(tmp_path / "b")]
        done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=20, env=os.environ)
        assert done.returncode == 1 and "choose another --port" in done.stderr and "Traceback" not in done.stderr


# --- panel -------------------------------------------------------------------------------------------------------------


def test_a_fault_hits_only_what_it_names_and_only_so_often(ledgerly):
    accounting = ledgerly.accounting()
    accounting.ensure_contact(number="CU-1042", name="Brightwave Logistics", email="", key="c")
    ledgerly.fault("500_before", times=2, method="PUT", path="/RepeatingInvoices*")
    accounting.post_document(invoice(), key="k")
    for _ in range(2):
        with pytest.raises(Exception, match="unexpected error"):
            accounting.create_template(template(), key="t")
    accounting.create_template(template(), key="t")
    assert [row["fault"] for row in ledgerly.writes()] == ["", "", "500_before", "500_before", ""]
    assert ledgerly.state()["faults"] == []


@pytest.mark.parametrize(
    ("order", "words"),
    [
        ({"kind": "earthquake"}, "There is no fault 'earthquake'"),
        ({"kind": "slow", "times": 0}, "from 1 to 1000000"),
        ({"kind": "slow", "times": "many"}, "invalid literal"),
        ({"kind": "slow", "seconds": -1}, "between 0 and 3600"),
        ({}, "kind is missing"),
    ],
)
def test_an_order_that_makes_no_sense_is_400_with_a_sentence(ledgerly, order, words):
    answer = requests.post(f"{ledgerly.url}/ledgerly/faults", json=order, timeout=5)
    assert answer.status_code == 400 and words in answer.json()["error"]
    assert ledgerly.state()["faults"] == []


def test_reset_empties_the_books_and_new_ids_are_never_old_ones(ledgerly):
    accounting = ledgerly.accounting()
    old = accounting.post_document(invoice(), key="k")
    ledgerly.order("reset")
    state = ledgerly.state()
    assert (state["invoices"], state["contacts"], state["requests"], state["keys"]) == ([], [], [], 0)
    assert len(state["organisations"]) == 3
    new = ledgerly.accounting().post_document(invoice(), key="k")
    assert new.id != old.id and new.label == old.label


def test_seed_takes_many_things_at_once_and_all_or_nothing(ledgerly):
    part = {"Description": "Team", "Quantity": 1, "UnitAmount": 100, "TaxType": "OUTPUT2", "AccountCode": "200"}
    who = {"ContactNumber": "CU-1", "Name": "Brightwave"}
    one = {"Contact": who, "Status": "AUTHORISED", "Date": "2026-06-01", "DueDate": "2026-06-15", "LineItems": [part]}
    given = {
        "Contacts": [who],
        "Invoices": [{**one, "InvoiceNumber": f"INV-{n}"} for n in range(50)],
        "CreditNotes": [
            {
                **one,
                "CreditNoteNumber": "CN-1",
                "Allocations": [{"Invoice": {"InvoiceNumber": "INV-1"}, "Amount": "20.00", "Date": "2026-06-02"}],
            }
        ],
        "Payments": [{"InvoiceNumber": "INV-0", "Amount": "120.00", "Date": "2026-06-10"}],
    }
    assert len(ledgerly.order("seed", **given)["Invoices"]) == 50
    state = ledgerly.state()
    assert state["invoices"][0]["status"] == "PAID" and state["invoices"][1]["used"] == "20.00" and state["attempts"] == 0
    bad = {"Invoices": [{**one, "InvoiceNumber": "INV-50"}, {**one, "InvoiceNumber": "INV-1"}]}
    assert requests.post(f"{ledgerly.url}/ledgerly/seed", json=bad, timeout=5).status_code == 400
    assert len(ledgerly.state()["invoices"]) == 50


@pytest.mark.req("F47")
def test_an_edit_by_hand_shows_to_whoever_reads_it_back(ledgerly):
    accounting = ledgerly.accounting()
    made = accounting.create_template(template(), key="t")
    ledgerly.order("edit", id=made.id, quantity="24")
    assert accounting.get_template(made.id).total == D("1440.00")
    posted = accounting.post_document(invoice(), key="k")
    ledgerly.order("edit", id=posted.id, unit_amount="126.00")
    assert accounting.get_document(kind="invoice", id=posted.id).total == D("151.20")


# --- the page ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def story(ledgerly):
    accounting = ledgerly.accounting()
    old = accounting.create_template(template("20"), key="old")
    posted = accounting.post_document(invoice(), key="k")
    new = accounting.create_template(template("25"), key="new")
    accounting.delete_template(old.id, key="d")
    return ledgerly, posted, new, old


def test_the_page_shows_the_invoice_and_the_one_live_template(story):
    ledgerly, posted, new, old = story
    page = requests.get(ledgerly.url, timeout=5).text
    assert f'id="invoice-{posted.id}"' in page and "INV-2026-00131" in page and "CH-2026-0042" in page and "£150.00" in page
    live, dimmed = page.index(f'id="template-{new.id}"'), page.index(f'id="template-{old.id}"')
    assert live < dimmed and "card dimmed" in page[dimmed:][:200]
    shown = page[live:dimmed]
    for words in ("Live", "25 × £50.00", "£1,250.00", "£250.00", "£1,500.00", "next 1 Jul 2026", "LG-000003"):
        assert words in shown


def test_every_documents_address_leads_to_it_even_behind_a_long_list(story):
    ledgerly, posted, new, _ = story
    accounting = ledgerly.accounting()
    for number in range(12):
        accounting.post_document(invoice(f"INV-{number}", reference=f"CH-{number}"), key=f"k-{number}")
    assert f"invoice-{posted.id}" not in requests.get(ledgerly.url, timeout=5).text, "it has left the first page"
    for remote in (posted, new):
        address, _, anchor = remote.url.partition("#")
        assert f'id="{anchor}"' in requests.get(address, timeout=5).text


def test_names_from_outside_stay_text(ledgerly):
    evil = '<script>alert("x")</script>'
    ledgerly.accounting().post_document(invoice("INV-1", line(evil, "1", "10.00"), contact_name=evil, reference='"><b>'), key="k")
    page = requests.get(ledgerly.url, params={"q": '"><i>'}, timeout=5).text + requests.get(ledgerly.url, timeout=5).text
    assert "<script" not in page and "<b>" not in page and "<i>" not in page and "&lt;script&gt;" in page


def test_forms_do_what_the_interface_does_and_lead_back_to_the_page(ledgerly):
    form = {"kind": "drop_after_commit", "times": "2", "method": "write", "path": "/Invoices*", "seconds": ""}
    answer = requests.post(f"{ledgerly.url}/ledgerly/faults", data=form, timeout=5, allow_redirects=False)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/#panel")
    page = requests.get(ledgerly.url, timeout=5).text
    assert "Drop the answer</strong> for the next 2 of 2" in page
    assert all(title.replace("'", "&#x27;") in page for title, _ in KINDS.values())
    bad = requests.post(f"{ledgerly.url}/ledgerly/faults", data={"kind": "slow", "times": "x"}, timeout=5)
    assert bad.status_code == 400 and "That did not work" in bad.text


def test_a_rotated_token_is_shown_and_switched_off_on_the_page_also_after_the_request_it_hit(ledgerly):
    ledgerly.fault("rotated_token", method="*")
    with pytest.raises(AuthFailed):
        ledgerly.accounting().organisation()
    page = requests.get(ledgerly.url, timeout=5).text
    assert "Switch all off" in page and "every request with the old token is refused" in page
    requests.post(f"{ledgerly.url}/ledgerly/faults/clear", data={"organisation": ""}, timeout=5)
    assert "Nothing is broken at the moment." in requests.get(ledgerly.url, timeout=5).text
    assert ledgerly.accounting().organisation().name


def test_orders_from_other_sites_are_refused_and_nothing_foreign_may_load(ledgerly):
    answer = requests.post(f"{ledgerly.url}/ledgerly/reset", data={"x": "y"}, headers={"Sec-Fetch-Site": "cross-site"}, timeout=5)
    assert answer.status_code == 403
    policy = requests.get(ledgerly.url, timeout=5).headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'") and "http" not in policy
