"""Fixtures for tests in a real browser against the real pages: import what you need into a conftest.py.

    from tests.browser import at_site, committed, site  # noqa: F401

    @pytest.mark.browser
    def test_something(at_site):
        page = at_site.open("/home", user)               # signed in, 1280 px, light
        page = at_site.open("/home", user, width=320, theme="dark")
        assert violations(page) == []                    # no barrier as it looks now
        look_at(page)                                    # nor in any other look of it

A test fails at its end when any page it opened wrote an error to the console, broke the content security policy or asked another host
for anything, unless it named the error: `at_site.allow("409")`.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.conf import settings
from django.test import Client
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request, expect
from playwright.sync_api import TimeoutError as PlaywrightTimeout
from pytest_django.live_server_helper import LiveServer

from expansion.operations import pipelines
from tests import kept

# Milliseconds for a page, or a state of it, to come. A busy machine is no fault; only a test that fails waits this long.
PATIENCE = 60_000
THEMES, WIDTHS = ("light", "dark"), (320, 768, 1280)
# The rules of axe that a theme can break: it changes colours and nothing else.
COLOURS = {"runOnly": {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}}
expect.set_options(timeout=PATIENCE)

WATCH = """
document.addEventListener("securitypolicyviolation", (event) =>
  console.error(`CSP: ${event.violatedDirective} blocked ${event.blockedURI || "inline"}`));
"""


class Site:
    """The running product. Every page it opens is watched."""

    def __init__(self, url: str, browser: Browser) -> None:
        self.url, self.browser = url, browser
        self.errors: list[str] = []
        self.allowed: list[str] = []
        self.contexts: list[BrowserContext] = []

    def allow(self, pattern: str) -> None:
        """Errors that match this regular expression are meant to happen in this test."""
        self.allowed.append(pattern)

    def open(self, path: str, user: Any = None, *, width: int = 1280, height: int = 800, theme: str = "light", **context: Any) -> Page:
        """A new browser window at `path`, signed in as `user` when one is given. `context` goes to Playwright's new_context."""
        size = {"width": width, "height": height}
        made = self.browser.new_context(base_url=self.url, viewport=size, color_scheme=theme, reduced_motion="reduce", **context)
        made.set_default_timeout(PATIENCE)
        made.add_init_script(WATCH)
        made.on("requestfailed", self._failed)
        self.contexts.append(made)
        page = made.new_page()
        page.on("console", self._heard)
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        if user is not None:
            login_as(page, user, self.url)
        page.goto(path)
        return page

    def unexpected(self) -> list[str]:
        """What went wrong on the pages opened so far and was not allowed."""
        return [error for error in self.errors if not any(re.search(pattern, error) for pattern in self.allowed)]

    def close(self) -> None:
        for context in self.contexts:
            context.close()

    def _heard(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.errors.append(f"{message.text} ({message.location.get('url', '')})")

    def _failed(self, request: Request) -> None:
        """No other host has an address (chromium.QUIET). To stop every request and look at it would cost more than the pages do."""
        if not request.url.startswith(self.url):
            self.errors.append(f"asked another host: {request.url}")


def login_as(page: Page, user: Any, url: str) -> None:
    """Sign `user` in at `url` by a session cookie, without the log-in page."""
    client = Client()
    client.force_login(user)
    cookie = client.cookies[settings.SESSION_COOKIE_NAME]
    page.context.add_cookies([{"name": cookie.key, "value": cookie.value, "url": url}])


def violations(page: Page, **options: Any) -> list[str]:
    """What axe finds wrong on the page as it is now, one line a rule; an empty list is the aim."""
    axe = Axe()
    if not page.evaluate("typeof window.axe === 'object'"):
        page.evaluate(axe.axe_script)
    # Only what is wrong is worked out in full; what is right would be many times as much.
    found = page.evaluate("async (options) => (await axe.run(options)).violations", {"resultTypes": ["violations"], **options})
    return [f"{rule['id']} ({rule['impact']}): " + "; ".join(_words(node) for node in rule["nodes"]) for rule in found]


def _words(node: dict[str, Any]) -> str:
    """Where it is, what it looks like and what axe wants of it."""
    return f"{node['target']} {str(node['html'])[:200]} {' '.join(str(node['failureSummary']).split())}"


def look_at(page: Page) -> None:
    """Fails when the page as it is now has a barrier or scrolls sideways at any width, light or dark."""
    assert wrong_looks(page) == []


def wrong_looks(page: Page) -> list[str]:
    """What is wrong with the page as it is now on a phone, a tablet and a desk, in both themes. It ends light, in the window it had."""
    before, wrong = page.viewport_size, []
    for theme in THEMES:
        page.emulate_media(color_scheme=theme)
        page.wait_for_function("(theme) => document.documentElement.classList.contains(theme)", arg=theme)
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 800})
            found = violations(page, **(COLOURS if theme == "dark" else {}))
            found += [f"{over} px too wide"] if (over := sideways(page)) else []
            wrong += [f"{page.url} at {width} px, {theme}: {each}" for each in found]
    page.emulate_media(color_scheme="light")
    if before:
        page.set_viewport_size(before)
    return wrong


def sideways(page: Page) -> int:
    """How many pixels the page is wider than its window; 0 when nothing needs sideways scrolling once what slides in has arrived."""
    with contextlib.suppress(PlaywrightTimeout):
        page.wait_for_function("document.documentElement.scrollWidth <= document.documentElement.clientWidth", timeout=3000)
    return int(page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth"))


@pytest.fixture(scope="session")
def site(django_db_setup: None) -> Iterator[str]:
    """The address of the product, served by real threads with their own database connections."""
    server = LiveServer("127.0.0.1")
    yield server.url
    server.stop()


@pytest.fixture
def committed(transactional_db: None) -> None:
    """A database that other threads see: nothing is rolled back, the tables are emptied afterwards. The boards are there."""
    # Playwright's event loop runs in this thread; the ORM is used between its calls, never inside them.
    os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
    kept.once("pipelines", pipelines.ensure)


@pytest.fixture
def at_site(site: str, browser: Browser, committed: None) -> Iterator[Site]:
    """Opens pages of the running product; fails the test on console errors, CSP violations and foreign hosts."""
    opened = Site(site, browser)
    yield opened
    opened.close()
    assert opened.unexpected() == []
