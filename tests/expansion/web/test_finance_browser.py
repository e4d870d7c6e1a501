"""Finance's pages in a real browser: the decision by mouse, by keyboard and on a phone; axe on every page, light and dark."""

import re
from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from billing.models import Document
from dealops.outbox.models import Message
from dealops.outbox.operations import park
from expansion.models import Change, Decision
from tests.browser import sideways, wrong_looks
from tests.expansion.desk import approved, set_clock, submitted
from tests.expansion.more_deals import another_deal
from tests.worlds import seed_world

pytestmark = pytest.mark.browser


@pytest.fixture
def world(at_site, settings):
    made = seed_world()
    set_clock(settings)
    return made


# --- deciding ------------------------------------------------------------------------------------------------------------


@pytest.mark.req("S0-20", "S0-24")
def test_the_approver_opens_the_queue_reads_approves_and_gets_a_receipt(at_site, world):
    change = submitted(world, goal="Five dispatchers")
    page = at_site.open("/approvals", world.finance)
    page.get_by_role("link", name="Brightwave Logistics").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Team: 20 to 25 seats")
    expect(page.get_by_text("5 x 50.00 x 15/30 days = 125.00")).to_be_visible()
    page.get_by_role("button", name="Approve £125.00 + VAT and update 1 Jul invoice to £1,250.00").click()
    receipt = page.get_by_role("region", name=re.compile("Approved by Fiona Reid"))
    document = Document.objects.get(reference=change.number)
    expect(receipt.get_by_role("link", name=document.number)).to_be_visible()
    expect(receipt.get_by_text("£150.00")).to_be_visible()
    expect(receipt.get_by_role("list", name="Where this change stands")).to_contain_text("Updated")
    assert Decision.objects.get().by == world.finance


@pytest.mark.req("F03")
def test_a_double_click_decides_once(at_site, world):
    change = submitted(world)
    page = at_site.open(f"/approvals/{change.number}", world.finance)
    page.get_by_role("button", name=re.compile("^Approve £125")).dblclick()
    expect(page.get_by_role("heading", name=re.compile("Approved by Fiona Reid"))).to_be_visible()
    assert Decision.objects.count() == 1
    assert Document.objects.filter(reference=change.number).count() == 1


@pytest.mark.req("F04")
def test_going_back_and_sending_again_shows_what_was_done(at_site, world):
    change = submitted(world)
    page = at_site.open(f"/approvals/{change.number}", world.finance)
    page.get_by_role("button", name=re.compile("^Approve £125")).click()
    expect(page.get_by_role("heading", name=re.compile("Approved by"))).to_be_visible()
    page.go_back()
    button = page.get_by_role("button", name=re.compile("^Approve £125"))
    if button.count():
        button.click()
    expect(page.get_by_role("heading", name=re.compile("Approved by Fiona Reid"))).to_be_visible()
    assert Decision.objects.count() == 1


@pytest.mark.req("F01")
def test_whoever_comes_second_reads_who_was_first(at_site, world):
    at_site.allow("409")
    change = submitted(world)
    mine = at_site.open(f"/approvals/{change.number}", world.finance)
    theirs = at_site.open(f"/approvals/{change.number}", world.head_of_finance)
    theirs.get_by_role("button", name=re.compile("^Approve £125")).click()
    expect(theirs.get_by_role("heading", name=re.compile("Approved by"))).to_be_visible()
    mine.get_by_role("button", name=re.compile("^Approve £125")).click()
    expect(mine.get_by_role("alert")).to_contain_text(re.compile(rf"Already approved by {world.head_of_finance.name}, \d\d:\d\d\."))
    expect(mine.get_by_role("alert")).to_be_focused()
    assert Decision.objects.count() == 1


def test_the_queue_and_the_review_go_by_keyboard(at_site, world):
    first = submitted(world)
    second = submitted(another_deal(world, 1043, "Aldgate Tools"))
    Change.objects.filter(pk=second.pk).update(due_at=first.due_at + timedelta(hours=1))
    page = at_site.open("/approvals", world.finance)
    page.keyboard.press("j")
    expect(page.get_by_role("link", name="Brightwave Logistics")).to_be_focused()
    page.keyboard.press("j")
    expect(page.get_by_role("link", name="Aldgate Tools")).to_be_focused()
    page.keyboard.press("k")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(f"/approvals/{first.number}$"))
    page.wait_for_load_state()
    page.keyboard.press("a")
    expect(page.get_by_role("button", name=re.compile("^Approve £125"))).to_be_focused()
    assert not Decision.objects.exists(), "the key points at the button, it never presses it"
    page.keyboard.press("r")
    expect(page.get_by_label("Why? Ada Ellis reads this.")).to_be_focused()
    page.keyboard.type("jar of reasons")
    expect(page).to_have_url(re.compile(f"/approvals/{first.number}$"))
    page.get_by_role("link", name="Next in queue").focus()
    page.keyboard.press("j")
    expect(page).to_have_url(re.compile(f"/approvals/{second.number}$"))


@pytest.mark.req("S0-20")
def test_on_a_phone_the_decision_is_always_in_reach(at_site, world):
    change = submitted(world)
    page = at_site.open(f"/approvals/{change.number}", world.finance, width=320, height=640)
    assert sideways(page) == 0
    button = page.get_by_role("button", name=re.compile("^Approve £125"))
    expect(button).to_be_in_viewport()
    page.mouse.wheel(0, 5000)
    expect(button).to_be_in_viewport()
    button.click()
    expect(page.get_by_role("heading", name=re.compile("Approved by Fiona Reid"))).to_be_visible()
    assert sideways(page) == 0


def test_a_rejection_without_a_reason_is_not_sent_and_with_one_it_is(at_site, world):
    change = submitted(world)
    page = at_site.open(f"/approvals/{change.number}", world.finance)
    page.get_by_text("Reject…").click()
    page.get_by_role("button", name=re.compile("^Reject CH-")).click()
    assert not Decision.objects.exists()
    page.get_by_label("Why? Ada Ellis reads this.").fill("The agreed price was lower")
    page.get_by_role("button", name=re.compile("^Reject CH-")).click()
    expect(page.get_by_role("heading", name=re.compile("Rejected by Fiona Reid"))).to_be_visible()


# --- every page ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def addresses(world):
    """Every page of Finance, in the states that look different."""
    done = approved(world)
    other = another_deal(world, 1043, "Aldgate Tools")
    waiting = submitted(other)
    stale = submitted(
        another_deal(world, 1044, "Barbican Foods"), intents=[{"action": "add", "product": "route-analytics", "quantity": "1"}]
    )
    world.products["route-analytics"].prices.filter(currency="GBP", months=1).update(unit_price=360)
    Message.objects.filter(topic="accounting.document", state="queued").update(available_at=timezone.now() - timedelta(minutes=5))
    stuck = Message.objects.get(posting__document__number=done.document_number)
    park(message_id=stuck.pk, reason="Voided in accounting under our number")
    return [
        "/approvals",
        "/approvals?tab=team",
        "/approvals?tab=handoffs",
        "/approvals?tab=decided",
        f"/approvals/{waiting.number}",
        f"/approvals/{stale.number}",
        f"/approvals/{done.number}",
        "/documents",
        "/documents?tab=parked",
        f"/documents/{done.document_number}",
        "/future-invoices",
        "/future-invoices?tab=soon",
        "/future-invoices/C-1042",
        "/sync",
        "/sync?tab=parked",
        f"/sync/{stuck.pk}/settle",
        "/sync?tab=settled",
        "/sync?tab=differences",
        "/sync?tab=speed",
    ]


def test_axe_finds_nothing_on_any_page_and_nothing_scrolls_sideways(at_site, world, addresses):
    page, wrong = at_site.open("/approvals", world.finance), []
    for address in addresses:
        page.goto(address)
        wrong += wrong_looks(page)
    assert wrong == []


def test_the_page_of_the_api_works_under_the_content_security_policy(at_site, world):
    page = at_site.open("/api/docs/", world.finance)
    expect(page.get_by_text("/api/v1/quotes/")).to_be_visible()
