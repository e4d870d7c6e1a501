"""The tour's first two minutes, and the pages of the motion in a real browser: keys, no barrier, nothing sideways, light and dark."""

import pytest
from playwright.sync_api import expect

from expansion.models import PlayTask, Signal
from expansion.operations import qualifying
from tests.browser import look_at, sideways, violations
from tests.expansion.desk import set_clock
from tests.expansion.operations.customers import live, run, told_world
from tests.expansion.operations.test_play_tasks import ANSWERS
from tests.worlds import STORY_DAY

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]


@pytest.fixture
def world(settings, committed):
    set_clock(settings)
    made = told_world(billed=False)
    live(made, "TM2")
    run(made)
    return made


@pytest.mark.req("S0-22", "S1-17", "S1-21", "S3-42", "S3-57")
def test_from_the_signal_to_the_composer_filled_in(at_site, world):
    # 0:30 Customer Success signs in: one signal, in one sentence, with its reason and its gate.
    carl = at_site.open("/home", world.csm)
    words = "Brightwave Logistics has used 19 of 20 Team seats (95 %) since 9 Jun – threshold 90 %. Health 82 passes the gate (60)."
    expect(carl.get_by_text(words)).to_be_visible()
    carl.get_by_text("Why am I seeing this").click()
    expect(carl.get_by_text("Because Brightwave Logistics is on Team (20 seats)")).to_be_visible()
    # 1:15 Qualify by keyboard from the inbox; four groups are there; one note is added.
    carl.keyboard.press("g")
    carl.keyboard.press("s")
    carl.wait_for_url("**/signals")
    # What the play asks for is ticked off by keyboard, and taken back by the Undo beside the message.
    read = carl.get_by_role("button", name="Done: Read the account before you call", exact=True)
    read.press("Enter")
    expect(carl.get_by_text("Done: Read the account before you call (Brightwave Logistics).", exact=True)).to_be_visible()
    expect(read).to_have_attribute("aria-pressed", "true")
    carl.get_by_role("button", name="Undo").press("Enter")
    expect(carl.get_by_text("Open again: Read the account before you call (Brightwave Logistics).")).to_be_visible()
    expect(read).to_have_attribute("aria-pressed", "false")
    look_at(carl)
    carl.keyboard.press("j")
    carl.keyboard.press("q")
    carl.wait_for_url("**/qualify")
    for group in ("What they need", "What they have", "What was offered", "Why it comes to you"):
        expect(carl.get_by_role("heading", name=group)).to_be_visible()
    look_at(carl)
    carl.get_by_label("Add what you heard").fill("hiring 5 dispatchers")
    carl.get_by_role("button", name="Hand off").click()
    expect(carl.get_by_text("Handed to Ada Ellis")).to_be_visible()
    expect(carl.get_by_text("No signals", exact=True)).to_be_visible()
    # 2:00 Sales accepts: the deal opens with the context on top, and the composer knows the goal.
    ada = at_site.open("/home", world.ae)
    ada.get_by_role("link", name="Open the hand-off of Brightwave Logistics").click()
    ada.wait_for_url("**/introductions/*")
    look_at(ada)
    ada.get_by_role("button", name="Accept").click()
    ada.wait_for_url("**/deals/DL-1042")
    expect(ada.get_by_text("hiring 5 dispatchers")).to_be_visible()
    ada.keyboard.press("c")
    ada.wait_for_url("**/change")
    expect(ada.get_by_label("What does the customer want to achieve?")).to_have_value("Take on the northern depot without overtime")
    # L from the deal: the account is filled in.
    ada.goto("/deals/DL-1042")
    ada.keyboard.press("l")
    ada.wait_for_url("**/signals/log?account=CU-1042")
    ada.get_by_label("What they said").fill("We open a second depot")
    ada.keyboard.press("Control+Enter")
    expect(ada.get_by_text("Logged. It is in the inbox.")).to_be_visible()


def test_accounts_and_plays_have_no_barrier(at_site, world):
    rhea = at_site.open("/accounts", world.admin)
    look_at(rhea)
    for path in ("/accounts/CU-1042", "/plays", "/plays/tm2", "/plays/tm2/edit"):
        rhea.goto(path)
        look_at(rhea)
    carl = at_site.open("/signals", world.csm)
    carl.keyboard.press("j")
    carl.keyboard.press("d")
    carl.keyboard.type("Two people leave")
    carl.keyboard.press("Enter")
    expect(carl.get_by_text("is not raised again for this")).to_be_visible()
    assert Signal.objects.get().state == "dismissed"


@pytest.mark.req("S1-21")
def test_ticked_off_far_down_the_deal_the_reply_is_in_sight_and_undone_one_is_where_one_was(at_site, world):
    given = qualifying.hand_off(
        signal_id=Signal.objects.get().pk, version=1, answers=ANSWERS, by=world.csm, on=STORY_DAY, now=world.now
    )  # fmt: skip
    qualifying.accept(introduction_id=given.pk, by=world.ae, now=world.now)
    title = PlayTask.objects.order_by("place").first().title
    page = at_site.open("/deals/DL-1042", world.ae)
    for width in (320, 1280):
        page.set_viewport_size({"width": width, "height": 500})
        box = page.get_by_role("button", name=f"Done: {title}", exact=True)
        box.press("Enter")
        expect(box).to_have_attribute("aria-pressed", "true")
        reply = page.get_by_role("status").filter(has_text=f"Done: {title} (Brightwave Logistics).").filter(has=page.get_by_role("button"))
        expect(reply).to_be_in_viewport(ratio=1)
        expect(page.get_by_role("heading", name="Tasks from plays")).to_be_in_viewport(ratio=1)
        assert page.evaluate("scrollY") > 0, "it is not at the top of the page"
        assert sideways(page) == 0 and violations(page) == [], width
        reply.get_by_role("button", name="Undo").press("Enter")
        expect(box).to_have_attribute("aria-pressed", "false")
        assert page.url.endswith("/deals/DL-1042#tasks")
        expect(page.get_by_text(f"Open again: {title} (Brightwave Logistics).")).to_be_in_viewport(ratio=1)
