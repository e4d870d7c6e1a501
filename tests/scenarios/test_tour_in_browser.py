"""The ten-minute tour, from the signal to the credit note, in Chromium against a whole run with the demo: web, worker, beat, Ledgerly."""

import json
import os
import re
import subprocess
import sys
import tempfile
import time
import urllib.request
from decimal import Decimal
from pathlib import Path

import pytest
from playwright.sync_api import expect

from dealops import embedded
from tests import migrated
from tests.ports import free_port

ROOT = Path(__file__).resolve().parents[2]
pytestmark = [pytest.mark.browser, pytest.mark.timeout(1500)]
# Nothing here is about speed: on a busy machine each step may take its time. Milliseconds.
PATIENCE = 90_000


class Product:
    """`make run` of its own, with the demo, in a folder of its own."""

    def __init__(self, var):
        self.port, self.ledgerly_port = free_port(), free_port()
        kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        ports = {"PORT": str(self.port), "LEDGERLY_PORT": str(self.ledgerly_port)}
        self.process = subprocess.Popen(
            [sys.executable, "manage.py", "stack"],
            cwd=ROOT,
            env=kept | ports | {"DEALOPS_VAR": str(var), "DEMO": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.lines = []
        for line in self.process.stdout:
            self.lines.append(line.rstrip())
            if line.startswith("ready"):
                return
        pytest.fail("the run ended before it was ready:\n" + "\n".join(self.lines))

    @property
    def site(self):
        return f"http://127.0.0.1:{self.port}"

    @property
    def ledgerly(self):
        return f"http://127.0.0.1:{self.ledgerly_port}"

    def books(self):
        with urllib.request.urlopen(f"{self.ledgerly}/ledgerly/state", timeout=10) as answer:
            return json.load(answer)

    def stop(self):
        self.process.terminate()
        self.process.communicate(timeout=60)


@pytest.fixture(scope="module")
def product():
    with tempfile.TemporaryDirectory(prefix="dealops tour ") as base:
        os.chmod(base, 0o755)
        var = Path(base) / "var"
        migrated.put_tables(var)
        product = Product(var)
        yield product
        product.stop()
        embedded.remove(var)


@pytest.fixture
def people(product, browser):
    """A browser window for each persona; any error on a console fails the test at its end."""
    errors, windows = [], {}
    expect.set_options(timeout=PATIENCE)

    def window(name):
        if name not in windows:
            page = browser.new_context(viewport={"width": 1280, "height": 900}, locale="en-GB", reduced_motion="reduce").new_page()
            page.set_default_timeout(PATIENCE)
            page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
            page.on("pageerror", lambda error: errors.append(str(error)))
            page.goto(product.site)
            page.get_by_role("button", name=re.compile(name)).click()
            page.wait_for_url("**/home")
            windows[name] = page
        return windows[name]

    yield window
    for page in windows.values():
        page.context.close()
    assert not errors


def amounts(page):
    """The text of a page with ordinary spaces, and without the words only a screen reader speaks."""
    return re.sub(r"\s+", " ", page.locator("main").inner_text()).replace("→ to ", "→ ").replace(" x ", " × ")


def eventually(look, *, that):
    """Looks again until `that` holds of what it sees; answers the last look."""
    until = time.monotonic() + PATIENCE / 1000
    while not that(seen := look()) and time.monotonic() < until:
        time.sleep(0.1)
    return seen


def shows(page, *texts):
    text = eventually(lambda: amounts(page), that=lambda text: all(wanted in text for wanted in texts))
    assert not (missing := [wanted for wanted in texts if wanted not in text]), f"{missing} not in: {text}"


def move_clock(page, day, words):
    """By the form at the top of every page."""
    page.get_by_text("Demo clock").click()
    page.get_by_label("Set the date").fill(day)
    page.get_by_role("button", name="Set", exact=True).click()
    expect(page.get_by_text(f"It is now {words}.")).to_be_visible()


def submit(page, button):
    """The amounts stand still before the button is pressed; answers the number of the change."""
    expect(page.get_by_role("button", name=button)).to_be_visible()
    expect(page.locator("[data-preview-panel]")).to_have_attribute("aria-busy", "false")
    page.get_by_role("button", name=button).click()
    page.wait_for_url("**/changes/CH-*")
    shows(page, "Awaiting approval")
    return page.url.rsplit("/", 1)[1]


def approve(page, product, change, button):
    page.goto(f"{product.site}/approvals/{change}")
    page.get_by_role("button", name=button).click()
    expect(page.get_by_role("button", name=button)).to_have_count(0)


def posted(product, reference):
    """What accounting holds under a reference, once it is there."""
    books = lambda: [one for kind in ("invoices", "credit_notes") for one in product.books()[kind] if one["reference"] == reference]  # noqa: E731
    return eventually(books, that=bool)


def template(product, net):
    """The one live template of the contract, once it says `net`."""

    def live():
        return [one for one in product.books()["templates"] if one["reference"] == "C-1042" and one["status"] == "AUTHORISED"]

    (found,) = eventually(live, that=lambda rows: len(rows) == 1 and Decimal(rows[0]["total"]) == net * Decimal("1.2"))
    assert Decimal(found["total"]) == net * Decimal("1.2")
    return found


@pytest.mark.req("S0-22", "S0-23", "S0-24", "S0-25", "S0-26", "S4-07")
def test_the_tour_from_the_signal_to_the_credit_note(product, people):
    assert [line for line in product.lines if "ada.ellis" in line], "the log-ins are printed"
    success_hands_over(product, people("Carl"))
    change = sales_adds_seats(product, people("Ada"))
    finance_approves(product, people("Fiona"), change)
    accounting_holds_it_once(product, people("Fiona"), change)
    an_answer_is_lost(product, people)
    three_seats_go(product, people)


def success_hands_over(product, carl):
    # 0:30 One signal of this customer, in one sentence, with its gate and its reason.
    carl.goto(f"{product.site}/signals?q=Brightwave")
    shows(carl, "Brightwave Logistics has used 19 of 20 Team seats (95 %) since 9 Jun – threshold 90 %. Health 82 passes the gate (60).")
    carl.get_by_text("Why am I seeing this").first.click()
    shows(carl, "Because Brightwave Logistics is on Team (20 seats)")
    # 1:15 Everything is filled in; one thing is added.
    carl.get_by_role("link", name="Qualify Brightwave Logistics").click()
    carl.wait_for_url("**/qualify")
    for group in ("What they need", "What they have", "What was offered", "Why it comes to you"):
        expect(carl.get_by_role("heading", name=group)).to_be_visible()
    carl.get_by_label("Add what you heard").fill("hiring 5 dispatchers")
    carl.get_by_role("button", name="Hand off").click()
    expect(carl.get_by_text("Handed to Ada Ellis")).to_be_visible()


def sales_adds_seats(product, ada):
    # 2:00 The hand-off is at home; the deal opens with the context on top.
    ada.goto(f"{product.site}/home")
    ada.get_by_role("link", name="Open the hand-off of Brightwave Logistics").click()
    ada.get_by_role("button", name="Accept").click()
    ada.wait_for_url("**/deals/DL-1042")
    shows(ada, "hiring 5 dispatchers", "Brightwave Logistics", "20", "£50.00", "£1,000.00", "£12,000.00", "Finance")

    # 2:30 Ada changes the existing deal.
    ada.get_by_role("link", name="Change contract").first.click()
    ada.wait_for_url("**/change")
    ada.get_by_label("New quantity").fill("25")
    expect(ada.get_by_role("button", name="Submit £125.00 + VAT for approval")).to_be_visible()
    shows(ada, "£125.00", "£25.00", "£150.00", "15/30", "15 of 30", "£1,000.00 → £1,250.00", "£1,200.00 → £1,500.00")
    shows(ada, "+£250.00", "+£3,000.00", "£12,000.00 → £13,625.00", "Upsell", "76.0 %")

    # 3:30 How computed?
    ada.get_by_text("How computed?").first.click()
    shows(ada, "5 × 50.00 × 15/30 days = 125.00", "16–30 Jun 2026", "15 days", "Nothing had to be rounded: 0.00")

    # 4:00 Submitted: the card is on the Upsells board, and the maker cannot approve.
    change = submit(ada, "Submit £125.00 + VAT for approval")
    assert change == "CH-2026-0042"
    shows(ada, "You made this")
    assert not ada.get_by_role("button", name=re.compile("^Approve")).count()
    ada.goto(f"{product.site}/board?pipeline=upsells")
    column = ada.get_by_role("region", name=re.compile("Awaiting approval"))
    expect(column.get_by_text("Brightwave Logistics").first).to_be_visible()
    return change


def finance_approves(product, fiona, change):
    # 5:00 The same numbers, and within the limit.
    fiona.goto(f"{product.site}/approvals")
    shows(fiona, "Brightwave Logistics", "£125.00", "£1,250.00")
    fiona.goto(f"{product.site}/approvals/{change}")
    shows(fiona, "£125.00", "£25.00", "£150.00", "£1,000.00 → £1,250.00", "£1,200.00 → £1,500.00", "£12,000.00 → £13,625.00", "£5,000.00")
    assert "Approval needed" in fiona.request.get(f"{product.site}/notifications/outbox").text()

    # 6:00 Approved: the receipt, and four green lights by themselves.
    fiona.get_by_role("button", name="Approve £125.00 + VAT and update 1 Jul invoice to £1,250.00").click()
    expect(fiona.get_by_text("INV-2026-00131").first).to_be_visible()
    expect(fiona.get_by_text("Updated and verified").first).to_be_visible()
    expect(fiona.get_by_text("Posted", exact=True).first).to_be_visible()
    fiona.goto(f"{product.site}/changes/{change}")
    shows(fiona, "Applied", "INV-2026-00131", "Create the new template", "Verify that one is live")


def accounting_holds_it_once(product, fiona, change):
    # 7:00 Ledgerly: one invoice, exactly one live template.
    (invoice,) = posted(product, change)
    assert Decimal(invoice["total"]) == Decimal("150.00")
    live = template(product, Decimal(1250))
    assert live["next_date"] == "2026-07-01"
    assert [(Decimal(str(line["Quantity"])), Decimal(str(line["UnitAmount"]))) for line in live["lines"]] == [(Decimal(25), Decimal(50))]
    ledgerly = fiona.context.new_page()
    ledgerly.goto(f"{product.ledgerly}/?q=C-1042")
    text = re.sub(r"\s+", " ", ledgerly.locator("body").inner_text())
    assert "25 × £50.00" in text
    assert "£1,500.00" in text
    ledgerly.close()


def an_answer_is_lost(product, people):
    # 7:45 Five days later a product is added. Accounting takes the invoice, and its answer is lost.
    ada, fiona = people("Ada"), people("Fiona")
    ada.goto(f"{product.site}/deals/DL-1042")
    move_clock(ada, "2026-06-21", "Sun 21 Jun 2026")
    ada.goto(f"{product.site}/deals/DL-1042/change")
    ada.locator("#add-0-product").select_option("route-analytics")
    shows(ada, "£300.00", "10/30", "£100.00", "£20.00", "£120.00", "£1,250.00 → £1,550.00", "Cross-sell")
    change = submit(ada, "Submit £100.00 + VAT for approval")
    ledgerly = fiona.context.new_page()
    ledgerly.goto(product.ledgerly)
    ledgerly.locator("select[name=kind]").select_option("drop_after_commit")
    ledgerly.locator("select[name=path]").select_option("/Invoices*")
    ledgerly.get_by_role("button", name="Switch on").click()
    expect(ledgerly.locator(".live")).to_contain_text("Drop the answer")
    ledgerly.close()
    approve(fiona, product, change, "Approve £100.00 + VAT and update 1 Jul invoice to £1,550.00")
    # It is looked for by its number before anything is sent again: accounting has it once.
    fiona.goto(f"{product.site}/changes/{change}")
    expect(fiona.get_by_text("Posted", exact=True).first).to_be_visible()
    shows(fiona, "No answer", "Applied")
    (invoice,) = posted(product, change)
    assert Decimal(invoice["total"]) == Decimal("120.00")
    template(product, Decimal(1550))


def three_seats_go(product, people):
    # 8:45 Three days later three seats go, with a credit note against the invoice of the five.
    ada, fiona = people("Ada"), people("Fiona")
    ada.goto(f"{product.site}/deals/DL-1042")
    move_clock(ada, "2026-06-24", "Wed 24 Jun 2026")
    ada.goto(f"{product.site}/deals/DL-1042/change")
    ada.get_by_label("New quantity").first.fill("22")
    ada.get_by_label("If something gets smaller").select_option("credit_note")
    shows(ada, "7/30", "£35.00", "£7.00", "£42.00", "£1,550.00 → £1,400.00", "Downgrade")
    change = submit(ada, "Submit credit of £35.00 + VAT for approval")
    fiona.goto(f"{product.site}/approvals/{change}")
    shows(fiona, "Credits INV-2026-00131: £35.00 net", "£7.00", "£42.00", "£1,550.00 → £1,400.00")
    approve(fiona, product, change, "Approve a credit of £35.00 + VAT and update 1 Jul invoice to £1,400.00")
    (credit,) = posted(product, change)
    assert Decimal(credit["total"]) == Decimal("42.00")
    template(product, Decimal(1400))
    fiona.goto(f"{product.site}/changes/{change}")
    expect(fiona.get_by_text("Posted", exact=True).first).to_be_visible()
    shows(fiona, "Applied")
