"""Core Web Vitals of the pages people live in, in the system's Chromium slowed down four times (ux 8): figures, held against no clock."""

from contextlib import contextmanager
from statistics import quantiles

from django.conf import settings
from django.test import Client

from expansion.models import Deal
from tests.bench.pages import approver, deals, someone
from tests.bench.registry import job

RUNS = 8
SLOWER = 4
DEALS = 1000
# Milliseconds for a page to come on a machine that has other work.
PATIENCE = 180_000


@contextmanager
def chromium():
    """A browser, or None with the reason, where a machine has none: `make bench` installs nothing of the tests' own."""
    try:
        from playwright.sync_api import sync_playwright

        from tests.chromium import HOW_TO_GET_ONE, arguments, find
    except ImportError:
        yield None, "playwright is not installed (make setup installs it)"
        return
    program = find()
    if program is None:
        yield None, HOW_TO_GET_ONE
        return
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=arguments())
        yield browser, ""
        browser.close()


@job("web vitals")
def vitals():
    deals(DEALS)
    number = Deal.objects.order_by("pk").first().number
    cookies = {person: _cookie(person) for person in (someone(), approver())}
    pages = {
        "board": (someone(), "/board?pipeline=main"),
        "deal": (someone(), f"/deals/{number}"),
        "composer": (someone(), f"/deals/{number}/change"),
        "approvals": (approver(), "/approvals"),
    }
    with chromium() as (browser, why_not):
        if browser is None:
            return {"left_out": why_not}
        from pytest_django.live_server_helper import LiveServer

        from tests.vitals import GOALS

        server = LiveServer("127.0.0.1")
        try:
            found = {name: _page(browser, server.url, cookies[person], address) for name, (person, address) in pages.items()}
        finally:
            server.stop()
    return {"runs": RUNS, "cpu": f"{SLOWER} times slower", "goals": GOALS} | found


def _cookie(person):
    client = Client()
    client.force_login(person)
    return client.cookies[settings.SESSION_COOKIE_NAME].value


def _page(browser, url, cookie, address):
    """The 75th percentile of each figure over fresh windows, the cache warm as it is in the second minute of a day."""
    from tests.vitals import WATCH, read

    context = browser.new_context(base_url=url, viewport={"width": 1280, "height": 800})
    context.set_default_timeout(PATIENCE)
    context.add_init_script(WATCH)
    context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": cookie, "url": url}])
    found = []
    for _ in range(RUNS + 1):
        page = context.new_page()
        context.new_cdp_session(page).send("Emulation.setCPUThrottlingRate", {"rate": SLOWER})
        page.goto(address)
        page.wait_for_load_state("networkidle")
        for key in ("?", "Escape", "Control+k", "b", "Escape"):
            page.keyboard.press(key)
        found.append(read(page))
        page.close()
    context.close()
    # The first window fills the cache.
    return {name: round(quantiles([one[name] for one in found[1:]], n=4)[2], 3) for name in found[0]}
