"""The board in a real browser: drag, menu and keys end in the same place; what is refused goes back and says why."""

import re

import pytest
from playwright.sync_api import expect

from dealops.accounts.models import Role
from expansion.models import Deal
from expansion.operations import deals
from tests.browser import sideways, violations
from tests.expansion.web import makers

pytestmark = pytest.mark.browser


@pytest.fixture
def ada(committed):
    return makers.person(Role.SALES, "Ada Ellis")


@pytest.fixture
def brightwave(ada):
    return makers.deal("Brightwave Logistics", owner=ada, at=makers.stage("upsells", "qualified"))


def card(page, name="Brightwave Logistics"):
    return page.locator(".do-card", has_text=name)


def in_column(page, code, name="Brightwave Logistics"):
    return page.locator(f'[data-column="{code}"] .do-card', has_text=name)


def test_a_card_is_dragged_and_the_move_is_spoken_and_kept(at_site, ada, brightwave):
    page = at_site.open("/board?pipeline=upsells", ada, width=1600)
    card(page).drag_to(page.locator('[data-column="offered"] .do-cards-list'), source_position={"x": 60, "y": 45})
    expect(in_column(page, "offered")).to_have_count(1)
    expect(page.locator("#live")).to_have_text("Brightwave Logistics moved to Offered.")
    expect(page.locator('[data-column="offered"] .do-column-count')).to_have_text(re.compile("^1"))
    expect(page.locator('[data-column="offered"] .do-column-sums')).to_contain_text("£1,000.00")
    assert Deal.objects.get().stage.code == "offered"
    page.reload()
    expect(in_column(page, "offered")).to_have_count(1)


def test_a_move_is_undone_from_the_toast(at_site, ada, brightwave):
    page = at_site.open("/board?pipeline=upsells", ada, width=1600)
    card(page).locator(".do-card-title").focus()
    page.keyboard.press("Alt+ArrowRight")
    expect(in_column(page, "offered")).to_have_count(1)
    page.get_by_role("button", name="Undo").click()
    expect(page.locator("#live")).to_have_text("Brightwave Logistics moved to Qualified.")
    expect(in_column(page, "qualified")).to_have_count(1)
    assert Deal.objects.get().stage.code == "qualified"
    assert Deal.objects.get().version == 3


@pytest.mark.req("SC 2.5.7")
def test_sc_2_5_7_without_a_mouse_alt_and_arrows_move_the_card_and_focus_stays_on_it(at_site, ada, brightwave):
    page = at_site.open("/board?pipeline=upsells", ada, width=1600)
    title = card(page).locator(".do-card-title")
    title.focus()
    page.keyboard.press("Alt+ArrowRight")
    expect(in_column(page, "offered")).to_have_count(1)
    expect(title).to_be_focused()
    page.keyboard.press("Alt+ArrowLeft")
    expect(page.locator("#live")).to_have_text("Brightwave Logistics moved to Qualified.")
    expect(in_column(page, "qualified")).to_have_count(1)
    assert Deal.objects.get().version == 3


def test_two_quick_presses_are_two_moves_one_after_the_other(at_site, ada, brightwave):
    page = at_site.open("/board?pipeline=upsells", ada, width=1600)
    card(page).locator(".do-card-title").focus()
    page.keyboard.press("Alt+ArrowRight")
    page.keyboard.press("Alt+ArrowRight")
    expect(page.locator("#live")).to_have_text("Brightwave Logistics moved to Agreed.")
    expect(in_column(page, "agreed")).to_have_count(1)
    assert Deal.objects.get().version == 3


def test_arrows_jump_over_the_stages_only_the_approval_enters(at_site, ada):
    makers.deal("Brightwave Logistics", owner=ada, at=makers.stage("upsells", "change_drafted"))
    page = at_site.open("/board?pipeline=upsells", ada, width=1600)
    card(page).locator(".do-card-title").focus()
    page.keyboard.press("Alt+ArrowRight")
    expect(in_column(page, "adoption_check")).to_have_count(1)


@pytest.mark.req("SC 2.5.7", "SC 2.1.1")
def test_sc_2_5_7_m_opens_a_menu_that_lists_every_stage_and_says_why_some_are_closed(at_site, ada, brightwave):
    page = at_site.open("/board?pipeline=upsells", ada, width=1600)
    card(page).locator(".do-card-title").focus()
    page.keyboard.press("m")
    menu = page.get_by_role("dialog", name="Move Brightwave Logistics to")
    expect(menu).to_be_visible()
    closed = menu.get_by_role("button", name="Awaiting approval").first
    expect(closed).to_contain_text("by the approval itself")
    expect(closed).to_have_attribute("aria-disabled", "true")
    assert violations(page) == []
    menu.get_by_role("button", name="Agreed").first.press("Enter")
    expect(menu).to_be_hidden()
    expect(in_column(page, "agreed")).to_have_count(1)
    expect(card(page).locator(".do-card-title")).to_be_focused()


def test_the_menu_closes_with_escape_and_gives_the_focus_back(at_site, ada, brightwave):
    page = at_site.open("/board?pipeline=upsells", ada)
    card(page).get_by_role("button", name="Move Brightwave Logistics to another stage").click()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()
    expect(card(page).locator(".do-card-title")).to_be_focused()
    assert Deal.objects.get().version == 1


def test_the_menu_leads_to_other_pipelines_too(at_site, ada, brightwave):
    page = at_site.open("/board?pipeline=upsells", ada)
    card(page).get_by_role("button", name="Move Brightwave Logistics").click()
    menu = page.get_by_role("dialog")
    menu.get_by_text("Cross-sells", exact=True).click()
    menu.locator("details[open]").get_by_role("button", name="Offered").click()
    expect(card(page)).to_have_count(0)
    expect(page.locator("#live")).to_have_text("Brightwave Logistics moved to Offered.")
    assert Deal.objects.get().pipeline.code == "cross_sells"


def test_a_card_dropped_on_a_money_stage_goes_back_and_says_why(at_site, ada, brightwave):
    at_site.allow("422")
    page = at_site.open("/board?pipeline=upsells", ada, width=2400)
    card(page).drag_to(page.locator('[data-column="awaiting_approval"] .do-cards-list'), source_position={"x": 60, "y": 45})
    expect(page.locator("#live")).to_contain_text("reached by submitting a change")
    expect(in_column(page, "qualified")).to_have_count(1)
    assert Deal.objects.get().version == 1


@pytest.mark.req("F14")
def test_who_was_slower_sees_the_card_go_back_and_where_it_really_is(at_site, ada, brightwave):
    at_site.allow("409")
    page = at_site.open("/board?pipeline=upsells", ada, width=1600)
    sam = makers.person(Role.SALES, "Sam Ortiz")
    deals.move(deal_id=brightwave.pk, stage_id=makers.stage("upsells", "agreed").pk, version=1, by=sam, now=makers.NOW)
    card(page).locator(".do-card-title").focus()
    page.keyboard.press("Alt+ArrowRight")
    expect(page.locator("#live")).to_have_text(re.compile("changed by someone else and is now in Agreed"))
    expect(in_column(page, "qualified")).to_have_count(1)
    assert Deal.objects.get().stage.code == "agreed"


def test_when_the_server_does_not_answer_the_card_goes_back(at_site, ada, brightwave):
    at_site.allow("ERR_INTERNET_DISCONNECTED")
    page = at_site.open("/board?pipeline=upsells", ada, width=1600)
    page.context.set_offline(True)
    card(page).locator(".do-card-title").focus()
    page.keyboard.press("Alt+ArrowRight")
    expect(page.locator("#live")).to_contain_text("does not answer")
    expect(in_column(page, "qualified")).to_have_count(1)


@pytest.mark.req("SC 2.1.4")
def test_sc_2_1_4_single_keys_can_be_switched_off(at_site, ada, brightwave):
    page = at_site.open("/board?pipeline=upsells", ada)
    page.keyboard.press("?")
    page.get_by_label("Single-key shortcuts are on").uncheck()
    page.keyboard.press("Escape")
    card(page).locator(".do-card-title").focus()
    page.keyboard.press("m")
    page.keyboard.press("/")
    expect(page.locator("dialog[open]")).to_have_count(0)
    page.keyboard.press("Alt+ArrowRight")
    expect(in_column(page, "offered")).to_have_count(1)


def test_fifty_more_arrive_on_demand_and_can_be_moved_like_the_others(at_site, ada):
    live = makers.stage()
    for number in range(60):
        makers.deal(f"Customer {number:02}", owner=ada, at=live)
    page = at_site.open("/board", ada)
    expect(page.locator('[data-column="live"] .do-card')).to_have_count(50)
    page.get_by_role("button", name="Show 50 more").click()
    expect(page.locator('[data-column="live"] .do-card')).to_have_count(60)
    expect(page.get_by_role("button", name="Show 50 more")).to_have_count(0)
    card(page, "Customer 59").locator(".do-card-title").focus()
    page.keyboard.press("Alt+ArrowRight")
    expect(in_column(page, "renewal_due", "Customer 59")).to_have_count(1)


def test_filters_are_in_the_address_and_apply_at_once(at_site, ada, brightwave):
    makers.deal("Ortega Foods", owner=makers.person(Role.SALES, "Sam Ortiz"), at=makers.stage("upsells", "qualified"))
    page = at_site.open("/board?pipeline=upsells", ada)
    page.get_by_label("Owner").select_option("me")
    expect(card(page, "Ortega Foods")).to_have_count(0)
    assert "owner=me" in page.url
    assert "pipeline=upsells" in page.url
    page.get_by_role("link", name="Clear filters").click()
    expect(card(page, "Ortega Foods")).to_have_count(1)


@pytest.mark.req("SC 1.4.10")
def test_on_a_phone_one_stage_is_shown_and_cards_move_by_the_menu(at_site, ada, brightwave):
    page = at_site.open("/board?pipeline=upsells", ada, width=320, height=640, has_touch=True)
    assert sideways(page) == 0
    expect(card(page)).to_be_visible()
    card(page).get_by_role("button", name="Move Brightwave Logistics").click()
    page.get_by_role("dialog").get_by_role("button", name="Offered").first.click()
    expect(card(page)).to_be_hidden()
    page.get_by_label("Stage", exact=True).select_option("offered")
    expect(card(page)).to_be_visible()
    assert "stage=offered" in page.url
    assert sideways(page) == 0


@pytest.mark.req("SC 2.5.8")
def test_sc_2_5_8_everything_on_a_card_is_large_enough_to_hit(at_site, ada, brightwave):
    makers.change(brightwave, maker=ada, state="draft")
    page = at_site.open("/board?pipeline=upsells", ada)
    for box in [target.bounding_box() for target in card(page).locator("a, button").all()]:
        assert box["height"] >= 24
        assert box["width"] >= 24


def test_j_and_k_walk_through_the_cards(at_site, ada, brightwave):
    makers.deal("Zulu Ltd", owner=ada, at=makers.stage("upsells", "agreed"))
    page = at_site.open("/board?pipeline=upsells", ada, width=1600)
    page.keyboard.press("j")
    expect(card(page).locator(".do-card-title")).to_be_focused()
    page.keyboard.press("j")
    expect(card(page, "Zulu Ltd").locator(".do-card-title")).to_be_focused()
    page.keyboard.press("k")
    expect(card(page).locator(".do-card-title")).to_be_focused()


def test_cards_out_of_sight_cost_nothing_until_one_walks_to_them(at_site, ada):
    """An opened dialog makes the browser go over what it shows once more; it may leave these out (INP, ux 8)."""
    for place in range(30):
        makers.deal(f"Customer {place:02}", owner=ada)
    page = at_site.open("/board?pipeline=main", ada)
    rendered = "cards => cards.filter(card => card.firstElementChild.checkVisibility({ contentVisibilityAuto: true })).length"
    expect(page.locator(".do-card")).to_have_count(30)
    assert 0 < page.locator(".do-card").evaluate_all(rendered) < 20
    for _ in range(30):
        page.keyboard.press("j")
    last = page.locator(".do-card").last
    expect(last.locator(".do-card-title")).to_be_focused()
    expect(last.locator(".do-card-title")).to_be_in_viewport()


def restyled(page, key):
    """How many elements the browser worked out anew after `key`, by its own trace."""
    trace, ended = [], []
    session = page.context.browser.new_browser_cdp_session()
    session.on("Tracing.dataCollected", lambda some: trace.extend(some["value"]))
    session.on("Tracing.tracingComplete", lambda _: ended.append(True))
    session.send("Tracing.start", {"transferMode": "ReportEvents", "traceConfig": {"includedCategories": ["devtools.timeline"]}})
    page.keyboard.press(key)
    page.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
    session.send("Tracing.end")
    while not ended:
        page.wait_for_timeout(10)
    session.detach()
    return sum(event["args"].get("elementCount", 0) for event in trace if event["name"] == "UpdateLayoutTree")


def test_the_menu_opens_and_closes_without_the_whole_board_being_styled_anew(at_site, ada):
    """What made `m`, `?` and Ctrl+K slow (INP, ux 8): a modal dialog changes every element on the screen, twice."""
    for place in range(12):
        makers.deal(f"Customer {place:02}", owner=ada)
    page = at_site.open("/board?pipeline=main", ada)
    page.wait_for_load_state("networkidle")
    page.locator(".do-card-title").first.focus()
    whole = page.locator("*").count()
    assert 0 < restyled(page, "m") < whole / 4
    expect(page.get_by_role("dialog")).to_be_visible()
    assert restyled(page, "Escape") < whole / 4
    expect(page.get_by_role("dialog")).to_be_hidden()


@pytest.mark.req("F14")
def test_what_another_person_moves_comes_without_a_reload_and_is_spoken(at_site, ada, brightwave):
    carl = makers.person(Role.CUSTOMER_SUCCESS, "Carl Moss")
    page = at_site.open("/board?pipeline=upsells", ada, width=1600)
    with page.expect_response(lambda answer: "/board/live" in answer.url and answer.status == 200):
        pass  # what it shows is known; from here on only news count
    deals.move(deal_id=brightwave.pk, stage_id=makers.stage("upsells", "agreed").pk, version=brightwave.version, by=carl, now=makers.NOW)
    expect(in_column(page, "agreed")).to_have_count(1, timeout=15_000)
    expect(page.locator("#live")).to_have_text("Brightwave Logistics has changed.")
    expect(page.locator('[data-column="agreed"] .do-column-count')).to_have_text(re.compile("^1"))
    card(page).locator(".do-card-title").focus()
    page.keyboard.press("Alt+ArrowLeft")
    expect(in_column(page, "offered")).to_have_count(1)


def test_nothing_new_is_answered_in_a_few_bytes(client, db):
    ada = makers.person(Role.SALES, "Ada Ellis")
    makers.deal("Brightwave Logistics", owner=ada, at=makers.stage("upsells", "qualified"))
    client.force_login(ada)
    first = client.get("/board/live?pipeline=upsells")
    assert "Brightwave Logistics" in first.json()["qualified"]["cards"][0][1]
    again = client.get("/board/live?pipeline=upsells", headers={"If-None-Match": first["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
