"""A form that was open while the session ended: nothing is written, and after signing in the input is back, on today's ground (F15)."""

import pytest
from playwright.sync_api import expect

from expansion.models import Change
from tests.browser import login_as
from tests.dealops.accounts.signing_in import PASSWORD
from tests.expansion.desk import set_clock, submitted
from tests.worlds import seed_world

pytestmark = [pytest.mark.browser, pytest.mark.req("F15")]
COMPOSER = "/deals/DL-1042/change"
BACK = "Your input is back"


@pytest.fixture
def world(committed, settings):
    made = seed_world()
    set_clock(settings)
    for person in (made.ae, made.csm, made.finance):
        person.set_password(PASSWORD)
        person.save()
    return made


def sign_in(page, user):
    expect(page.get_by_text("Your session had ended, so nothing was written")).to_be_visible()
    page.get_by_label("E-mail").fill(user.email)
    page.locator("input[type=password]").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()


def quantity(page):
    return page.locator("[name^=quantity-]").first


def composed_and_signed_out(at_site, world):
    at_site.allow("403|Failed to load resource")
    page = at_site.open(COMPOSER, world.ae)
    quantity(page).fill("25")
    page.locator("#add-0-product").select_option("route-analytics")
    page.get_by_role("button", name="Another product").click()
    page.locator("#add-1-product").select_option("scheduler")
    page.locator("[name=note]").evaluate("(field) => (field.value = 'Agreed on the phone')")
    expect(page.locator("button[value=submit]")).to_contain_text("Submit")
    page.context.clear_cookies()
    page.get_by_role("button", name="Save draft").click()
    return page


def test_the_composer_is_filled_in_again_after_signing_in(at_site, world):
    page = composed_and_signed_out(at_site, world)
    sign_in(page, world.ae)
    page.wait_for_url(f"**{COMPOSER}")
    expect(page.locator("#toasts")).to_contain_text(BACK)
    expect(quantity(page)).to_have_value("25")
    expect(page.locator("#add-1-product")).to_have_value("scheduler")
    expect(page.locator("[name=note]")).to_have_value("Agreed on the phone")
    assert not Change.objects.exists()
    expect(page.locator("button[value=submit]")).to_contain_text("Submit")
    page.get_by_role("button", name="Save draft").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Change CH-2026-0042")
    assert Change.objects.get().edits[0]["quantity"] == "25"


def test_somebody_else_at_the_same_desk_does_not_see_it(at_site, world):
    page = composed_and_signed_out(at_site, world)
    sign_in(page, world.csm)
    page.wait_for_url(f"**{COMPOSER}")
    expect(quantity(page)).to_have_value("20")
    page.wait_for_function("sessionStorage.getItem('dealopsKept') === null")
    assert "Agreed on the phone" not in page.content()


def test_a_reason_for_a_rejection_comes_back_and_the_change_is_as_it_was(at_site, world):
    change = submitted(world)
    at_site.allow("403|Failed to load resource")
    page = at_site.open(f"/approvals/{change.number}", world.finance)
    page.get_by_text("Reject…").click()
    page.get_by_label("Why?").fill("The purchase order is missing")
    page.context.clear_cookies()
    page.get_by_role("button", name="nothing is billed").click()
    sign_in(page, world.finance)
    page.wait_for_url(f"**/approvals/{change.number}")
    expect(page.get_by_label("Why?")).to_have_value("The purchase order is missing")
    change.refresh_from_db()
    assert change.state == "submitted"
    page.get_by_role("button", name="nothing is billed").click()
    expect(page.get_by_text("Rejected").first).to_be_visible()
    change.refresh_from_db()
    assert change.closed_reason == "The purchase order is missing"


def test_after_signing_in_in_another_tab_the_form_is_one_click_away(at_site, world):
    at_site.allow("403|Failed to load resource")
    page = at_site.open(COMPOSER, world.ae)
    quantity(page).fill("25")
    expect(page.locator("button[value=submit]")).to_contain_text("Submit")
    login_as(page, world.ae, at_site.url)
    page.get_by_role("button", name="Save draft").click()
    page.get_by_role("link", name="Open the form again").click()
    expect(quantity(page)).to_have_value("25")


def test_what_arrived_is_forgotten(at_site, world):
    page = at_site.open(COMPOSER, world.ae)
    quantity(page).fill("25")
    page.get_by_role("button", name="Save draft").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Change CH-2026-0042")
    page.wait_for_function("sessionStorage.getItem('dealopsKept') === null")
