"""Lists in a real browser: rows chosen by mouse and keyboard, a look at a row, the confirmation, axe."""

import re

import pytest
from playwright.sync_api import expect

from dealops.accounts.models import Role
from expansion.models import BulkJob
from tests.browser import look_at, violations
from tests.expansion.web import makers

pytestmark = pytest.mark.browser


@pytest.fixture
def ada(at_site):
    person = makers.person(Role.SALES, "Ada Ellis")
    for place in range(4):
        makers.deal(f"Customer {place:02}", owner=person)
    return person


def test_rows_are_chosen_by_keyboard_looked_at_and_confirmed_with_their_sum(at_site, ada):
    page = at_site.open("/deals", ada)
    selection = page.locator("#bulk-form")
    expect(selection).to_be_hidden()
    page.keyboard.press("j")
    page.keyboard.press("x")
    expect(selection).to_contain_text("1 selected")
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("Shift+X")
    expect(selection).to_contain_text("3 selected")
    page.keyboard.press(" ")
    expect(page.get_by_role("dialog")).to_contain_text("CRM record")
    expect(page).to_have_url(re.compile("peek="))
    assert violations(page) == []
    page.keyboard.press("Escape")
    expect(page).not_to_have_url(re.compile("peek="))
    selection.get_by_text("Assign…").click()
    page.get_by_role("button", name="Look at the deals first").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Give 3 deals to Ada Ellis")
    expect(page.get_by_text("£3,000.00").first).to_be_visible()
    assert violations(page) == []
    assert BulkJob.objects.get().state == "shown"


def test_the_list_of_deals_is_readable_for_everybody(at_site, ada):
    page = at_site.open("/deals?columns=customer,mrr,end,owner", ada)
    look_at(page)
    page.locator("[data-rows] input[name=pick]").first.check()
    expect(page.locator("#bulk-form")).to_contain_text("1 selected")
    page.get_by_text("Sort and columns").click()
    look_at(page)
