"""The ten-minute tour, minutes 0 to 7, in Chromium against a whole run with the demo: web, worker, beat, Ledgerly (S0-22)."""

import json
import os
import re
import subprocess
import sys
import tempfile
import urllib.request
from decimal import Decimal
from pathlib import Path

import pytest
from playwright.sync_api import expect

from dealops import embedded
from tests.dealops.stack.test_run import free_port

ROOT = Path(__file__).resolve().parents[2]
pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]


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
        product = Product(var)
        yield product
        product.stop()
        embedded.remove(var)


@pytest.fixture
def people(product, browser):
    """A browser window for each persona; any error on a console fails the test at its end."""
    errors, windows = [], {}

    def window(name):
        if name not in windows:
            page = browser.new_context(viewport={"width": 1280, "height": 900}, locale="en-GB", reduced_motion="reduce").new_page()
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


def shows(page, *texts):
    text = amounts(page)
    assert not (missing := [wanted for wanted in texts if wanted not in text]), f"{missing} not in: {text}"


@pytest.mark.req("S0-22", "S0-23", "S0-24", "S0-25", "S0-26")
def test_five_seats_from_the_composer_to_the_books(product, people):
    assert [line for line in product.lines if "ada.ellis" in line], "the log-ins are printed"

    # 2:30 The account executive changes the existing deal.
    ada = people("Ada")
    ada.goto(f"{product.site}/deals/DL-1042")
    shows(ada, "Brightwave Logistics", "20", "£50.00", "£1,000.00", "£12,000.00", "Finance")
    ada.keyboard.press("c")
    ada.wait_for_url("**/change")
    ada.get_by_label("New quantity").fill("25")
    expect(ada.get_by_role("button", name="Submit £125.00 + VAT for approval")).to_be_visible()
    shows(ada, "£125.00", "£25.00", "£150.00", "15/30", "15 of 30", "£1,000.00 → £1,250.00", "£1,200.00 → £1,500.00")
    shows(ada, "+£250.00", "+£3,000.00", "£12,000.00 → £13,625.00", "Upsell", "76.0 %")

    # 3:30 How computed?
    ada.get_by_text("How computed?").first.click()
    shows(ada, "5 × 50.00 × 15/30 days = 125.00", "16–30 Jun 2026", "15 days", "Nothing had to be rounded: 0.00")

    # 4:00 Submitted: the card is on the Upsells board, and the maker cannot approve.
    ada.get_by_role("button", name="Submit £125.00 + VAT for approval").click()
    ada.wait_for_url("**/changes/CH-2026-0042")
    shows(ada, "Awaiting approval", "You made this")
    assert not ada.get_by_role("button", name=re.compile("^Approve")).count()
    ada.goto(f"{product.site}/board?pipeline=upsells")
    column = ada.get_by_role("region", name=re.compile("Awaiting approval"))
    expect(column.get_by_text("Brightwave Logistics").first).to_be_visible()

    # 5:00 Finance sees the same numbers.
    fiona = people("Fiona")
    fiona.goto(f"{product.site}/approvals")
    shows(fiona, "Brightwave Logistics", "£125.00", "£1,250.00")
    fiona.goto(f"{product.site}/approvals/CH-2026-0042")
    shows(fiona, "£125.00", "£25.00", "£150.00", "£1,000.00 → £1,250.00", "£1,200.00 → £1,500.00", "£12,000.00 → £13,625.00", "£5,000.00")
    told = fiona.request.get(f"{product.site}/notifications/outbox").text()
    assert "Approval needed" in told

    # 6:00 Approved: the receipt, and four green lights by themselves.
    fiona.get_by_role("button", name="Approve £125.00 + VAT and update 1 Jul invoice to £1,250.00").click()
    expect(fiona.get_by_text("INV-2026-00131").first).to_be_visible()
    expect(fiona.get_by_text("Updated and verified").first).to_be_visible(timeout=30_000)
    expect(fiona.get_by_text("Posted", exact=True).first).to_be_visible(timeout=30_000)
    fiona.goto(f"{product.site}/changes/CH-2026-0042")
    shows(fiona, "Applied", "INV-2026-00131", "Create the new template", "Verify that one is live")

    # 7:00 Ledgerly: one invoice, exactly one live template.
    books = product.books()
    (invoice,) = [one for one in books["invoices"] if one["reference"] == "CH-2026-0042"]
    (template,) = [one for one in books["templates"] if one["reference"] == "C-1042" and one["status"] == "AUTHORISED"]
    assert Decimal(invoice["total"]) == Decimal("150.00")
    assert (Decimal(template["total"]), template["next_date"]) == (Decimal("1500.00"), "2026-07-01")
    assert [(Decimal(str(line["Quantity"])), Decimal(str(line["UnitAmount"]))) for line in template["lines"]] == [
        (Decimal(25), Decimal(50))
    ]
    ledgerly = fiona.context.new_page()
    ledgerly.goto(f"{product.ledgerly}/?q=C-1042")
    text = re.sub(r"\s+", " ", ledgerly.locator("body").inner_text())
    assert "25 × £50.00" in text
    assert "£1,500.00" in text
