"""The composer, the deal page and the page of a change in a real browser, as people use them."""

import re
import threading

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from billing.models import DemoClock, Posting
from dealops.outbox.models import Message
from expansion.models import Change
from expansion.operations import changes
from tests.browser import look_at, sideways, violations
from tests.expansion.web.test_changes import deliver
from tests.worlds import STORY_DAY, seed_world

pytestmark = pytest.mark.browser

COMPOSER = "/deals/DL-1042/change"
STORYS_BUTTON = "Submit £125.00 + VAT for approval"


@pytest.fixture
def world(at_site, settings):
    """The story's world on the story's day; the demo's clock holds it."""
    settings.DEMO = True
    DemoClock.objects.create(day=STORY_DAY, set_at=timezone.now())
    return seed_world()


def quantity(page):
    return page.get_by_label("New quantity of Team")


def button(page):
    return page.locator("button[value=submit]")


def panel(page):
    return page.locator("[data-preview-panel]")


def submitted(world):
    change = changes.draft(deal=world.deal, intents=world.more_seats(), effective=STORY_DAY, by=world.ae, now=world.now)
    return changes.submit(change_id=change.pk, version=1, shown_hash=change.content_hash, by=world.ae, now=world.now)


def test_amounts_that_arrive_while_a_button_is_pressed_do_not_swallow_the_click(at_site, world):
    page = at_site.open(COMPOSER, world.ae)
    quantity(page).fill("25")
    expect(button(page)).to_have_text(STORYS_BUTTON)
    held = []
    page.route("**/preview", lambda route: held.append(route))
    with page.expect_request("**/preview"):
        quantity(page).fill("26")
    page.get_by_role("button", name="Save draft").hover()
    page.mouse.down()
    with page.expect_response("**/preview"):
        held[0].continue_()
    page.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
    page.mouse.up()
    expect(page.get_by_role("heading", level=1)).to_have_text("Change CH-2026-0042")
    assert Change.objects.get().edits[0]["quantity"] == "26"


@pytest.mark.req("S0-10", "K01", "K02")
def test_the_storys_numbers_appear_while_one_types(at_site, world):
    page = at_site.open(COMPOSER, world.ae)
    expect(panel(page)).to_contain_text("Change something on the left")
    quantity(page).fill("25")
    expect(button(page)).to_have_text(STORYS_BUTTON)
    for words in (
        "£50.00",
        "15/30",
        "£125.00",
        "£25.00",
        "£150.00",
        "£1,250.00",
        "£1,500.00",
        "+£250.00",
        "+£3,000.00",
        "£13,625.00",
        "76.0 %",
    ):
        expect(panel(page)).to_contain_text(words)
    expect(page.locator("[data-part=period]")).to_contain_text("15 of 30 days left")
    page.get_by_text("How computed?").click()
    expect(panel(page)).to_contain_text("15/30 days = 125.00")
    expect(page.locator("#live")).to_contain_text("One-off invoice £150.00")
    # The disclosure stays open when the amounts change.
    quantity(page).fill("26")
    expect(button(page)).to_have_text("Submit £150.00 + VAT for approval")
    expect(page.locator("details[data-name=how]")).to_have_attribute("open", "")


def test_the_whole_way_by_keyboard(at_site, world):
    page = at_site.open("/deals/DL-1042", world.ae)
    page.keyboard.press("c")
    page.wait_for_url(f"**{COMPOSER}")
    for _ in range(60):
        if page.evaluate("document.activeElement.id").startswith("quantity-"):
            break
        page.keyboard.press("Tab")
    expect(quantity(page)).to_be_focused()
    for _ in range(5):
        page.keyboard.press("Alt+ArrowUp")
    expect(quantity(page)).to_have_value("25")
    expect(button(page)).to_have_text(STORYS_BUTTON)
    expect(panel(page)).to_have_attribute("aria-busy", "false")
    page.keyboard.press("Control+Enter")
    page.wait_for_url("**/changes/CH-2026-0042")
    expect(page.locator("#change-state")).to_contain_text("Awaiting approval")
    expect(page.locator("#change-actions")).to_contain_text("You made this – Finance decides.")


def test_single_keys_are_silent_inside_a_field_and_when_switched_off(at_site, world):
    page = at_site.open("/deals/DL-1042", world.ae)
    page.evaluate("localStorage.setItem('dealopsSingleKeys', 'off')")
    page.keyboard.press("c")
    expect(page).to_have_url(re.compile("/deals/DL-1042$"))


def test_the_stepper_and_the_intents_lead_to_the_right_field(at_site, world):
    page = at_site.open(COMPOSER, world.ae)
    page.get_by_role("link", name="Add seats").click()
    expect(quantity(page)).to_be_focused()
    page.get_by_role("button", name="One seat more").click()
    expect(quantity(page)).to_have_value("21")
    page.get_by_role("button", name="One seat less").click()
    page.get_by_role("button", name="One seat less").click()
    expect(quantity(page)).to_have_value("19")
    expect(page.get_by_label("If something gets smaller")).to_be_visible()
    page.get_by_role("link", name="Change plan").click()
    expect(page.get_by_label("Plan")).to_be_focused()
    page.get_by_role("link", name="Add product").click()
    expect(page.locator("#add-0-product")).to_be_focused()


def test_a_double_click_on_submit_makes_one_change(at_site, world):
    page = at_site.open(COMPOSER, world.ae)
    quantity(page).fill("25")
    expect(button(page)).to_have_text(STORYS_BUTTON)
    button(page).dblclick()
    page.wait_for_url("**/changes/CH-2026-0042")
    assert Change.objects.count() == 1
    page.go_back()
    page.wait_for_url(f"**{COMPOSER}")
    assert Change.objects.count() == 1


@pytest.mark.req("F07")
def test_a_late_answer_never_replaces_a_newer_one(at_site, world):
    page = at_site.open(COMPOSER, world.ae)
    at_site.allow("net::ERR_FAILED|Failed to load resource")
    first, held = threading.Event(), []

    def hold_the_first(route):
        if not first.is_set():
            first.set()
            held.append(route)
        else:
            route.continue_()

    page.route("**/preview", hold_the_first)
    with page.expect_request("**/preview"):
        quantity(page).fill("40")
    expect(panel(page)).to_have_attribute("aria-busy", "true")
    quantity(page).fill("25")
    expect(button(page)).to_have_text(STORYS_BUTTON)
    held[0].continue_()
    with page.expect_response("**/preview"):
        quantity(page).fill("26")
    expect(button(page)).to_have_text("Submit £150.00 + VAT for approval")


def test_old_amounts_stay_visible_while_new_ones_are_computed(at_site, world):
    page = at_site.open(COMPOSER, world.ae)
    quantity(page).fill("25")
    expect(button(page)).to_have_text(STORYS_BUTTON)
    held = []
    page.route("**/preview", lambda route: held.append(route))
    with page.expect_request("**/preview"):
        quantity(page).fill("30")
    expect(panel(page)).to_have_attribute("aria-busy", "true")
    expect(panel(page)).to_contain_text("£125.00")
    held[0].continue_()
    expect(button(page)).to_have_text("Submit £250.00 + VAT for approval")


@pytest.mark.req("F07")
def test_pressing_submit_before_the_amounts_are_there_sends_nothing(at_site, world):
    page = at_site.open(COMPOSER, world.ae)
    quantity(page).fill("25")
    expect(button(page)).to_have_text(STORYS_BUTTON)
    quantity(page).fill("30")
    page.evaluate("document.querySelector('button[value=submit]').click()")
    expect(page.locator("#toasts")).to_contain_text("brought up to date")
    expect(button(page)).to_have_text("Submit £250.00 + VAT for approval")
    assert not Change.objects.exists()
    button(page).click()
    page.wait_for_url("**/changes/CH-2026-0042")
    assert Change.objects.get().edits[0]["quantity"] == "30"


def test_an_error_stands_beside_its_field_and_goes_away_again(at_site, world):
    page = at_site.open(COMPOSER, world.ae)
    quantity(page).fill("-3")
    expect(page.locator("[data-error^=quantity-]")).to_contain_text("The new quantity of Team")
    expect(quantity(page)).to_have_attribute("aria-invalid", "true")
    quantity(page).fill("25")
    expect(page.locator("[data-error^=quantity-]")).to_be_hidden()
    expect(button(page)).to_have_text(STORYS_BUTTON)


def test_a_server_that_does_not_answer_keeps_the_input(at_site, world):
    at_site.allow("Failed to load resource|net::ERR")
    page = at_site.open(COMPOSER, world.ae)
    page.route("**/preview", lambda route: route.abort())
    quantity(page).fill("25")
    expect(page.locator("#toasts")).to_contain_text("Your input is still here")
    page.unroute("**/preview")
    quantity(page).fill("26")
    expect(button(page)).to_have_text("Submit £150.00 + VAT for approval")


def test_an_ended_session_keeps_the_input(at_site, world):
    page = at_site.open(COMPOSER, world.ae)
    at_site.allow("403|Failed to load resource")
    page.context.clear_cookies()
    quantity(page).fill("25")
    expect(page.locator("#toasts")).to_contain_text("no longer signed in")
    expect(quantity(page)).to_have_value("25")


def test_removing_a_line_switches_its_fields_off_and_several_products_fit(at_site, world):
    page = at_site.open(COMPOSER, world.ae)
    page.get_by_label("Remove", exact=True).check()
    expect(quantity(page)).to_be_disabled()
    page.get_by_label("Remove", exact=True).uncheck()
    page.locator("#add-0-product").select_option("route-analytics")
    page.get_by_role("button", name="Another product").click()
    expect(page.locator("#add-1-product")).to_be_focused()
    page.locator("#add-1-product").select_option("scheduler")
    expect(button(page)).to_have_text("Submit £240.00 + VAT for approval")


def test_a_draft_is_kept_while_one_types_and_submits_after_that(at_site, world):
    page = at_site.open(COMPOSER, world.ae)
    quantity(page).fill("25")
    expect(button(page)).to_have_text(STORYS_BUTTON)
    page.get_by_role("button", name="Save draft").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Change CH-2026-0042")
    quantity(page).fill("30")
    expect(page.locator("[data-saved]")).to_contain_text("version 2")
    assert Change.objects.get().edits[0]["quantity"] == "30"
    button(page).click()
    page.wait_for_url("**/changes/CH-2026-0042")
    assert Change.objects.get().state == "submitted"


def test_everything_works_without_scripts(at_site, world):
    page = at_site.open(COMPOSER, world.ae, java_script_enabled=False)
    quantity(page).fill("25")
    page.get_by_role("button", name="Compute the amounts").click()
    expect(button(page)).to_have_text(STORYS_BUTTON)
    button(page).click()
    expect(page).to_have_url(re.compile("/changes/CH-2026-0042$"))
    assert Change.objects.get().state == "submitted"


@pytest.mark.req("S0-01")
def test_the_four_lights_turn_green_by_themselves_and_then_rest(at_site, world):
    change = submitted(world)
    page = at_site.open(f"/changes/{change.number}", world.ae)
    expect(page.locator("#lights .do-light-waiting")).to_have_count(3)
    changes.approve(change_id=change.pk, version=1, shown_hash=change.content_hash, by=world.finance, now=world.now)
    expect(page.locator("#change-state")).to_contain_text("Applied")
    expect(page.locator("#lights .do-light-done")).to_have_count(2)
    for posting in Posting.objects.filter(reference=change.number).select_related("message"):
        deliver(posting, "done")
    expect(page.locator("#lights .do-light-done")).to_have_count(4)
    expect(page.locator("#posting")).to_contain_text("Delivered")
    expect(page.locator("#lights")).not_to_have_attribute("hx-trigger", re.compile("."))
    assert Message.objects.filter(posting__reference=change.number, state="done").count() == 2


# --- for everybody: axe, small windows, both themes ---------------------------------------------------------------------


def test_the_composer_is_for_everybody(at_site, world):
    page = at_site.open(COMPOSER, world.ae)
    look_at(page)
    quantity(page).fill("18")
    expect(panel(page)).to_contain_text("Downgrade")
    page.get_by_label("If something gets smaller").select_option("no_adjustment")
    expect(page.get_by_label("Why nothing is credited")).to_be_visible()
    page.get_by_text("How computed?").click()
    look_at(page)
    quantity(page).fill("-1")
    expect(page.locator("[data-error^=quantity-]")).to_be_visible()
    look_at(page)


def test_deal_change_and_lists_are_for_everybody(at_site, world):
    change = submitted(world)
    changes.approve(change_id=change.pk, version=1, shown_hash=change.content_hash, by=world.finance, now=world.now)
    deliver(Posting.objects.select_related("message").get(reference=change.number, kind="document"), "unknown", said="No answer.")
    page = at_site.open("/deals/DL-1042", world.ae)
    for address in ("/deals/DL-1042", f"/changes/{change.number}", "/deals", "/changes", "/deals?q=nobody", "/changes?tab=draft"):
        page.goto(address)
        look_at(page)


@pytest.mark.req("F05")
def test_the_comparison_of_two_windows_is_for_everybody(at_site, world):
    at_site.allow("409")
    mine = at_site.open(COMPOSER, world.ae)
    quantity(mine).fill("25")
    mine.get_by_role("button", name="Save draft").click()
    expect(mine.get_by_role("heading", level=1)).to_have_text("Change CH-2026-0042")
    draft = Change.objects.get()
    changes.edit(change_id=draft.pk, version=1, intents=world.more_seats("30"), effective=STORY_DAY, by=world.ae, now=world.now)
    mine.get_by_label("Note to Finance").fill("PO 4711")
    mine.get_by_role("button", name="Save draft").click()
    expect(mine.locator("#stale")).to_contain_text("was saved elsewhere")
    expect(mine.locator("#stale")).to_contain_text("PO 4711")
    assert violations(mine) == []
    mine.get_by_role("link", name="Take theirs").click()
    expect(quantity(mine)).to_have_value("30")


@pytest.mark.req("F82")
def test_taking_back_is_for_everybody(at_site, world):
    change = submitted(world)
    changes.approve(change_id=change.pk, version=1, shown_hash=change.content_hash, by=world.finance, now=world.now)
    page = at_site.open(f"/changes/{change.number}/reverse", world.ae)
    look_at(page)
    page.get_by_label("Why is it taken back?").fill("The customer ordered by mistake")
    page.get_by_role("button", name="Submit credit of £125.00 + VAT for approval").click()
    expect(page.locator("#change-state")).to_contain_text("Awaiting approval")
    look_at(page)


@pytest.mark.req("S4-25", "S1-04")
def test_prices_ramps_and_seasons_are_found_without_training(at_site, world, tmp_path):
    page = at_site.open(COMPOSER, world.ae)
    page.get_by_role("link", name="Raise prices").click()
    expect(page.get_by_label("Raise prices by, in percent")).to_be_focused()
    page.get_by_label("Raise prices by, in percent").fill("5")
    expect(button(page)).to_have_text("Submit £25.00 + VAT for approval")
    expect(panel(page)).to_contain_text("Price uplift")
    page.get_by_label("Raise prices by, in percent").fill("")
    page.get_by_role("link", name="Ramp").click()
    first = page.get_by_label("Step 1 of Team from")
    expect(first).to_be_focused()
    first.fill("2026-08-01")
    page.get_by_label("Step 1 of Team, quantity").fill("30")
    quantity(page).fill("25")
    expect(button(page)).to_have_text(STORYS_BUTTON)
    page.get_by_label("Step 1 of Team, quantity").fill("-1")
    expect(page.locator("[data-error^=step-]:visible")).to_contain_text("below zero")
    page.get_by_label("Step 1 of Team, quantity").fill("")
    first.fill("")
    page.get_by_role("link", name="For a season").click()
    quantity(page).fill("12")
    page.get_by_label("Only for a season").fill("2026-09-01")
    expect(panel(page)).to_contain_text("It comes back, 1 Sep 2026")
    page.get_by_text("Billing policies, and which rule decided each").click()
    expect(page.locator(".cp-policies")).to_contain_text("Set on Northbeam Software Ltd")
    assert violations(page) == []
    page.screenshot(path=tmp_path / "composer.png", full_page=True)
    page.set_viewport_size({"width": 320, "height": 800})
    assert not sideways(page)
    page.screenshot(path=tmp_path / "composer_320.png", full_page=True)
