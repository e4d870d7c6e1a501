"""Sessions that end, networks that go away, answers that take long: nothing typed is lost and nothing is sent twice."""

import json
import re
import time
from importlib import import_module

import pytest
from django.conf import settings as django_settings
from playwright.sync_api import expect

from dealops.accounts.middleware import SEEN
from expansion.models import Change
from tests.browser import look_at, violations
from tests.expansion.desk import set_clock
from tests.worlds import seed_world

pytestmark = pytest.mark.browser

COMPOSER = "/deals/DL-1042/change"


@pytest.fixture
def world(at_site, settings):
    set_clock(settings)
    settings.SESSION_IDLE_SECONDS = 1800
    return seed_world()


def session(page):
    (key,) = [cookie["value"] for cookie in page.context.cookies() if cookie["name"] == django_settings.SESSION_COOKIE_NAME]
    return import_module(django_settings.SESSION_ENGINE).SessionStore(key)


def unused_for(page, seconds):
    """The session of this window as if nobody had used it for so long."""
    store = session(page)
    store[SEEN] = int(time.time() - seconds)
    store.save()


def quantity(page):
    return page.get_by_label("New quantity of Team")


def typed(page):
    """25 seats and a goal in the composer, the amounts computed."""
    quantity(page).fill("25")
    page.locator("[name=goal]").fill("Five more dispatchers")
    expect(page.locator("button[value=submit]")).to_have_text("Submit £125.00 + VAT for approval")


def test_two_minutes_before_the_end_one_is_asked_and_stays_by_one_click(at_site, world):
    page = at_site.open("/home", world.ae)
    page.clock.install()
    page.goto(COMPOSER)
    quantity(page).fill("25")
    unused_for(page, 1700)
    page.clock.fast_forward("28:05")
    dialog = page.get_by_role("dialog", name="Are you still there?")
    expect(dialog).to_contain_text("will be signed out in 2 minutes")
    assert violations(page) == []
    page.keyboard.press("Enter")
    expect(dialog).to_be_hidden()
    assert time.time() - session(page)[SEEN] < 60
    expect(quantity(page)).to_have_value("25")


def test_somebody_who_was_busy_in_another_window_is_not_asked(at_site, world):
    page = at_site.open("/home", world.ae)
    page.clock.install()
    page.goto(COMPOSER)
    with page.expect_response(re.compile("/accounts/session$")) as asked:
        page.clock.fast_forward("28:05")
    assert asked.value.json()["left"] > 1700
    expect(page.get_by_role("dialog")).to_be_hidden()


@pytest.mark.req("F15")
def test_when_it_has_ended_unseen_that_is_said_and_what_was_typed_is_kept(at_site, world):
    page = at_site.open("/home", world.ae)
    page.clock.install()
    page.goto(COMPOSER)
    typed(page)
    unused_for(page, 4000)
    page.clock.fast_forward("28:05")
    dialog = page.get_by_role("dialog", name="Are you still there?")
    expect(dialog).to_contain_text("You are signed out")
    assert violations(page) == []
    kept = json.loads(page.evaluate("window.sessionStorage.getItem('dealopsKept')"))
    assert (kept["person"], kept["here"], kept["interrupted"]) == (str(world.ae.pk), COMPOSER, True)
    assert {"25", "Five more dispatchers"} <= {field["value"] for field in kept["fields"]}
    dialog.get_by_role("link", name="Sign in again").click()
    expect(page).to_have_url(re.compile("/accounts/login/.next=%2Fdeals%2FDL-1042%2Fchange"))


def test_offline_a_bar_says_so_what_is_typed_stays_and_nothing_is_sent(at_site, world):
    at_site.allow("ERR_INTERNET_DISCONNECTED")
    page = at_site.open(COMPOSER, world.ae)
    typed(page)
    page.context.set_offline(True)
    expect(page.get_by_text("You are offline; what you type is kept.")).to_be_visible()
    expect(page.locator("button[value=submit]")).to_be_disabled()
    page.locator("[name=goal]").fill("Six more dispatchers")
    look_at(page)
    page.context.set_offline(False)
    expect(page.get_by_text("You are offline")).to_be_hidden()
    expect(page.locator("[name=goal]")).to_have_value("Six more dispatchers")
    page.locator("[name=goal]").fill("Seven more dispatchers")
    expect(page.locator("[data-preview-panel]")).to_have_attribute("aria-busy", "false")
    expect(page.locator("button[value=submit]")).to_be_enabled()
    page.locator("button[value=submit]").click()
    expect(page).to_have_url(re.compile("/changes/CH-2026-"))
    assert Change.objects.get().goal == "Seven more dispatchers"


@pytest.mark.req("F03")
def test_a_slow_answer_is_waited_for_and_further_presses_send_nothing(at_site, world):
    page = at_site.open(COMPOSER, world.ae)
    typed(page)
    # While a navigation waits nothing can be asked of its page: it notes what it says where a second window of the browser reads it.
    page.evaluate(
        "new MutationObserver(() => localStorage.setItem('said', document.getElementById('toasts').textContent))"
        ".observe(document.getElementById('toasts'), {childList: true, subtree: true})"
    )
    reader = page.context.new_page()
    reader.goto("/health/live")
    held = []
    page.route(re.compile("/change$"), lambda route: held.append(route) if route.request.method == "POST" else route.continue_())
    page.locator("button[value=submit]").evaluate("(button) => [1, 2, 3].forEach(() => button.click())")
    reader.wait_for_function("(localStorage.getItem('said') || '').includes('Still sending')")
    assert len(held) == 1
    held[0].continue_()
    expect(page).to_have_url(re.compile("/changes/CH-2026-"))
    assert Change.objects.count() == 1
