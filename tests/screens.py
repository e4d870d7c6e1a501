"""The gallery in docs/screens: every screen of a fresh demo in light at 1280 and 320 px, many in dark as well, and a page that lists them.

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
LOOKS = {"light": ("light", WIDE), "phone": ("light", PHONE), "dark": ("dark", WIDE), "phone-dark": ("dark", PHONE)}
# What is pictured in dark too. The composer is, at both widths: it has every part there is.
DARK = {"home", "deal", "composer", "board", "review", "ledgerly", "signals", "sync"}
DARK_PHONE = {"composer"}


class Album:
    """Takes pictures of one page after the other, as one person."""

    def __init__(self, browser, product):
        self.browser, self.product, self.people, self.taken = browser, product, {}, {}

    def window(self, scheme="light", size=WIDE):
        return self.browser.new_context(viewport=size, color_scheme=scheme, locale="en-GB", reduced_motion="reduce").new_page()

    def person(self, name, scheme="light", size=WIDE):
        """A page signed in as one of the personas; of nobody when `name` is empty."""
        key = (name, scheme, size["width"])
        if key not in self.people:
            page = self.people[key] = self.window(scheme, size)
            if name:
                page.goto(self.product.site)
                page.get_by_role("button", name=re.compile(name)).click()
                page.wait_for_url("**/home")
        return self.people[key]

    def take(self, screen, title, name, path, prepare=lambda page: None):
        """`screen`, headed `title` in the list, as the persona `name` sees it."""
        looks = ["light", "phone", *(["dark"] if screen in DARK else []), *(["phone-dark"] if screen in DARK_PHONE else [])]
        for look in looks:
            page = self.person(name, *LOOKS[look])
            page.goto(path if path.startswith("http") else self.product.site + path)
            prepare(page)
            page.wait_for_load_state("networkidle")
            page.screenshot(path=FOLDER / f"{screen}-{look}.png")
        self.taken[screen] = (title, looks)

    def write_list(self):
        rows = [
            f"| {title} | {', '.join(f'[{look}]({screen}-{look}.png)' for look in looks)} |"
            for screen, (title, looks) in self.taken.items()
        ]
        (FOLDER / "README.md").write_text("\n".join([*LIST_HEAD, *rows, ""]))


LIST_HEAD = [
    "# The pages, pictured",
    "",
    "Made by `make screens` from a fresh demo, along its tour. `light` and `dark` are 1280 px wide, `phone` 320 px.",
    "",
    "| page | pictures |",
    "| --- | --- |",
]


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


def first_link(pattern):
    """Opens the first link of the page whose name fits."""

    def opened(page):
        page.get_by_role("link", name=re.compile(pattern)).first.click()
        page.wait_for_load_state()

    return opened


def hand_over(page, site):
    page.goto(f"{site}/signals?q=Brightwave")
    first_link("^Qualify Brightwave")(page)
    page.get_by_label("Add what you heard").fill("hiring 5 dispatchers")
    page.get_by_role("button", name="Hand off").click()
    page.get_by_text("Handed to Ada Ellis").wait_for()


def remind_one(page):
    """The confirmation that a step over ticked rows begins with."""
    page.locator("[name=pick]").first.check()
    page.get_by_role("button", name=re.compile("^Remind")).click()
    page.wait_for_url("**/bulk/*")


def palette(page):
    page.keyboard.press("Control+k")
    page.locator("#palette-input").fill("bright")
    page.locator("#palette-results [role=option]").first.wait_for()


def before_the_change(album, site):
    """From the signal to the hand-off."""
    album.take("sign-in", "S01 Sign in", "", "/accounts/login/")
    album.take("home", "S02 Home of an account executive", "Ada", "/home")
    album.take("home-success", "S02 Home of customer success", "Carl", "/home")
    album.take("signals", "S14 Signals", "Carl", "/signals")
    album.take("signal", "S14 One signal and why it is there", "Carl", "/signals?q=Brightwave", first_link("^Brightwave Logistics$"))
    album.take("signal-log", "S15 Log a signal", "Carl", "/signals/log?account=CU-1042")
    album.take("qualify", "S16 Qualify and hand off", "Carl", "/signals?q=Brightwave", first_link("^Qualify Brightwave"))
    hand_over(album.person("Carl"), site)
    album.take("hand-off", "S16 A hand-off to accept", "Ada", "/home", first_link("^Open the hand-off of Brightwave"))
    album.take("offers", "S16 Offers", "Ada", "/offers")
    album.take("plays", "S17 Plays", "Rhea", "/plays")
    album.take("play", "S17 One play", "Rhea", "/plays/w1")
    album.take("play-new", "S17 Build a play", "Rhea", "/plays/new")
    album.take("accounts", "S18 Customers", "Carl", "/accounts")
    album.take("account", "S18 One customer", "Carl", "/accounts/CU-1042")
    album.take("downsell", "S18 Plans before discounts", "Ada", "/deals/DL-1042/downsell")


def the_change(album, site):
    """From the deal to the receipt."""
    album.take("deals", "S04 Deals", "Ada", "/deals")
    album.take("deal", "S05 One deal", "Ada", "/deals/DL-1042")
    album.take("composer", "S06 Change a contract", "Ada", "/deals/DL-1042/change", five_more_seats)
    submit(album.person("Ada"), site)
    album.take("board", "S03 Board", "Ada", "/board?pipeline=upsells")
    album.take("notifications", "S20 Notifications", "Fiona", "/notifications")
    album.take("outbox", "S20 Messages that went out", "Fiona", "/notifications/outbox")
    album.take("preferences", "S20 Preferences", "Fiona", "/preferences")
    album.take("approvals", "S08 Approval queue", "Fiona", "/approvals")
    album.take("bulk", "S08 A step over many rows, before it is done", "Fiona", "/approvals", remind_one)
    album.take("review", "S09 Approval review", "Fiona", "/approvals/CH-2026-0042")
    approve(album.person("Fiona"), site)
    album.take("receipt", "S09 Receipt", "Fiona", "/approvals/CH-2026-0042")
    album.take("change", "S07 One change", "Ada", "/changes/CH-2026-0042")


def after_the_change(album, site):
    """What Finance, RevOps and auditors look at."""
    album.take("documents", "S10 Documents", "Fiona", "/documents")
    album.take("document", "S11 One document", "Fiona", "/documents/INV-2026-00131")
    album.take("future-invoices", "S12 Future invoices", "Fiona", "/future-invoices?tab=all")
    album.take("future-invoice", "S12 One future invoice", "Fiona", "/future-invoices/C-1042")
    album.take("sync", "S13 Sync", "Fiona", "/sync")
    album.take("connections", "S13 Connections", "Rhea", "/connections")
    album.take("approval-rules", "S21 Approval rules", "Rhea", "/approvals/rules")
    album.take("admin", "S21 Administration", "Rhea", "/admin/")
    album.take("audit", "S22 Log", "Rhea", "/audit")
    album.take("palette", "S23 Search and commands", "Ada", "/home", palette)
    album.take("import", "S24 Import of deals", "Rhea", "/deals/import")
    album.take("ledgerly", "Ledgerly, the accounting of the demo", "Fiona", f"{album.product.ledgerly}/?q=Brightwave")


def walk(album):
    """The tour, with a picture of each page as it stands then."""
    for part in (before_the_change, the_change, after_the_change):
        part(album, album.product.site)
    album.write_list()


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
