"""Ledgerly's page in a browser: without script, in both colour schemes, by keyboard, on a phone."""

from datetime import date

import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.billing.adapters.accounting.ledgerly_fixture import credit_note, invoice, template

pytestmark = pytest.mark.browser


@pytest.fixture
def story(ledgerly):
    accounting = ledgerly.accounting()
    ledgerly.clock(date(2026, 6, 16))
    old = accounting.create_template(template("20"), key="old")
    accounting.post_document(invoice(), key="k")
    accounting.create_template(template("25"), key="new")
    accounting.delete_template(old.id, key="d")
    note = accounting.post_document(credit_note(), key="n")
    accounting.allocate(credit_note_id=note.id, invoice_number="INV-2026-00131", amount=note.total, on=note.issue_date, key="a")
    return ledgerly


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_on_the_page_stands_in_anybodys_way(story, browser, scheme):
    page = browser.new_page(color_scheme=scheme)
    story.fault("drop_after_commit", times=3)
    page.goto(story.url)
    closed = page.locator("details:not([open]) > summary")
    while closed.count():
        closed.first.click()
    found = Axe().run(page)
    page.close()
    assert found.violations_count == 0, found.generate_report()


def test_a_fault_is_switched_on_and_off_and_the_clock_moved_without_any_script(story, browser):
    page = browser.new_page(java_script_enabled=False)
    page.goto(story.url)
    panel = page.get_by_role("region", name="Fault panel")
    panel.get_by_label("What goes wrong").select_option("429 Too many requests")
    panel.get_by_label("For the next").fill("4")
    panel.get_by_label("About").select_option("invoices")
    panel.get_by_label("Seconds to wait").fill("9")
    panel.get_by_role("button", name="Switch on").click()
    assert [(f["kind"], f["remaining"], f["path"], f["seconds"]) for f in story.state()["faults"]] == [("429", 4, "/Invoices*", 9.0)]
    panel.get_by_role("button", name="Switch all off").click()
    assert story.state()["faults"] == []
    clock = page.get_by_role("region", name="Business date")
    clock.get_by_label("Move to").fill("2026-07-01")
    clock.get_by_role("button", name="Move the clock").click()
    assert clock.get_by_text("Wed 1 Jul 2026").is_visible()
    assert page.get_by_role("region", name="Invoices").get_by_role("article").first.get_by_text("£1,500.00").first.is_visible()
    page.close()


def test_a_bookkeeper_can_edit_a_template_behind_everybodys_back(story, browser):
    page = browser.new_page(java_script_enabled=False)
    page.goto(f"{story.url}/?q=C-1042")
    page.get_by_text("Edit by hand").click()
    page.get_by_label("Quantity").fill("24")
    page.get_by_role("button", name="Save the first line").click()
    live = [one["total"] for one in story.state()["templates"] if one["status"] == "AUTHORISED"]
    assert live == ["1440.00"]
    page.close()


def test_a_phone_needs_no_sideways_scrolling_and_nothing_is_fetched_from_elsewhere(story, browser):
    page = browser.new_page(viewport={"width": 360, "height": 740})
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(story.url)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    assert all(url.startswith(story.url) for url in asked) and f"{story.url}/ledgerly.css" in asked
    page.close()
