"""The gallery in docs/screens: the tour's pages of a fresh demo, in light and dark, at 1280 and 320 px.

`make screens` starts a run of its own with the demo, walks the tour and takes the pictures; each is meant to be looked at.
"""

import re
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

from dealops import embedded
from tests import chromium
from tests.scenarios.test_tour_in_browser import Product

FOLDER = Path(__file__).resolve().parents[1] / "docs" / "screens"
WIDE, PHONE = {"width": 1280, "height": 900}, {"width": 320, "height": 720}
# What is pictured with more than the wide, light window.
DARK = ("home", "deal", "composer", "board", "review", "ledgerly")


class Album:
    """Takes pictures of one page after the other, as one person."""

    def __init__(self, browser, product):
        self.browser, self.product, self.people = browser, product, {}

    def person(self, name, scheme="light", size=WIDE):
        """A page signed in as one of the personas."""
        key = (name, scheme, size["width"])
        if key not in self.people:
            page = self.browser.new_context(viewport=size, color_scheme=scheme, locale="en-GB", reduced_motion="reduce").new_page()
            page.goto(self.product.site)
            page.get_by_role("button", name=re.compile(name)).click()
            page.wait_for_url("**/home")
            self.people[key] = page
        return self.people[key]

    def take(self, screen, name, path, prepare=lambda page: None, phone=False):
        """`screen` in light, for some in dark, and on a phone when asked for."""
        looks = [("light", WIDE, "light")]
        if screen in DARK:
            looks.append(("dark", WIDE, "dark"))
        if phone:
            looks.append(("light", PHONE, "phone"))
        for scheme, size, suffix in looks:
            page = self.person(name, scheme, size)
            page.goto(path if path.startswith("http") else self.product.site + path)
            prepare(page)
            page.wait_for_load_state("networkidle")
            page.screenshot(path=FOLDER / f"{screen}-{suffix}.png")


def five_more_seats(page):
    page.get_by_label("New quantity").fill("25")
    page.get_by_role("button", name=re.compile("^Submit £125.00")).wait_for()


def submit(page, site):
    page.goto(f"{site}/deals/DL-1042/change")
    five_more_seats(page)
    page.get_by_role("button", name=re.compile("^Submit £125.00")).click()
    page.wait_for_url("**/changes/CH-2026-0042")


def approve(page, site):
    page.goto(f"{site}/approvals/CH-2026-0042")
    page.get_by_role("button", name=re.compile("^Approve £125.00")).click()
    page.get_by_text("Updated and verified").first.wait_for(timeout=60_000)


def walk(album):
    """The tour, with a picture of each page as it stands then."""
    site = album.product.site
    album.take("home", "Ada", "/home", phone=True)
    album.take("deals", "Ada", "/deals")
    album.take("deal", "Ada", "/deals/DL-1042", phone=True)
    album.take("composer", "Ada", "/deals/DL-1042/change", prepare=five_more_seats, phone=True)
    submit(album.person("Ada"), site)
    album.take("board", "Ada", "/board?pipeline=upsells", phone=True)
    album.take("outbox", "Fiona", "/notifications/outbox")
    album.take("approvals", "Fiona", "/approvals", phone=True)
    album.take("review", "Fiona", "/approvals/CH-2026-0042", phone=True)
    approve(album.person("Fiona"), site)
    album.take("receipt", "Fiona", "/approvals/CH-2026-0042", phone=True)
    album.take("change", "Ada", "/changes/CH-2026-0042")
    album.take("documents", "Fiona", "/documents")
    album.take("document", "Fiona", "/documents/INV-2026-00131")
    album.take("future-invoices", "Fiona", "/future-invoices?tab=all")
    album.take("sync", "Fiona", "/sync")
    album.take("ledgerly", "Fiona", f"{album.product.ledgerly}/?q=Brightwave")


def main():
    """Start a run, take the pictures, stop it."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="dealops screens ") as base, sync_playwright() as playwright:
        Path(base).chmod(0o755)
        product = Product(Path(base) / "var")
        try:
            browser = playwright.chromium.launch(executable_path=chromium.find(), args=chromium.arguments())
            walk(Album(browser, product))
        finally:
            product.stop()
            embedded.remove(Path(base) / "var")
    print(f"{len(list(FOLDER.glob('*.png')))} pictures in {FOLDER}")


if __name__ == "__main__":
    sys.exit(main())
