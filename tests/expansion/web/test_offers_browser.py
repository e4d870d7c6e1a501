"""Offers, the downsell plan, adoption, pairings and the play builder in a browser: keys, no barrier, light and dark, phone and desk."""

import pytest
from playwright.sync_api import expect

from expansion.models import Offer
from expansion.operations import offers
from tests.browser import look_at
from tests.expansion.desk import approved, set_clock
from tests.expansion.operations.customers import live, told_world
from tests.expansion.operations.test_offers import PITCH
from tests.worlds import STORY_DAY

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]


@pytest.fixture
def world(settings, committed):
    set_clock(settings)
    return told_world()


@pytest.mark.req("S3-44", "S3-45", "S4-65")
def test_an_offer_is_shown_accepted_and_becomes_the_change_filled_in(at_site, world):
    ada = at_site.open("/offers/new?deal=DL-1042", world.ae)
    ada.get_by_label("What is offered").select_option("team")
    ada.get_by_label("How many there will be").fill("25")
    ada.keyboard.press("Tab")
    amounts = ada.get_by_role("region", name="What it would do today")
    expect(amounts).to_contain_text("£150.00")
    expect(ada.get_by_label("How many there will be")).to_have_value("25")
    look_at(ada)
    ada.get_by_label("Why now").fill("Because 19 of 20 seats are in use")
    ada.get_by_label("What it does for them").fill("Nobody waits for a seat")
    ada.get_by_label("The words to the customer").fill("Five more seats let the dispatchers start on Monday.")
    ada.get_by_label("Yes", exact=True).check()
    ada.get_by_label("Because", exact=True).fill("Five people are hired")
    ada.keyboard.press("Control+Enter")
    expect(ada.get_by_role("heading", name="If they accept today")).to_be_visible()
    look_at(ada)
    ada.get_by_role("button", name="Accepted").click()
    ada.wait_for_url("**/deals/DL-1042/change?offer=*")
    expect(ada.get_by_label("New quantity")).to_have_value("25")
    expect(ada.get_by_role("button", name="Submit £125.00")).to_be_visible()
    assert Offer.objects.get().response == "accepted"


@pytest.mark.req("F105")
def test_amounts_that_cannot_be_computed_are_not_left_standing(at_site, world):
    at_site.allow("503")
    page = at_site.open("/offers/new?deal=DL-1042", world.ae)
    page.get_by_label("What is offered").select_option("team")
    page.get_by_label("How many there will be").fill("25")
    page.keyboard.press("Tab")
    amounts = page.get_by_role("region", name="What it would do today")
    expect(amounts).to_contain_text("£150.00")
    page.route("**/offers/new*", lambda route: route.fulfill(status=503, body="away"))
    page.get_by_label("How many there will be").fill("30")
    page.keyboard.press("Tab")
    expect(amounts).to_contain_text("could not be computed just now")
    expect(amounts).not_to_contain_text("£")
    page.unroute("**/offers/new*")
    page.get_by_label("How many there will be").fill("31")
    page.keyboard.press("Tab")
    expect(amounts).to_contain_text("20 → 31")


def test_the_pages_around_an_offer_have_no_barrier(at_site, world):
    approved(world)
    offers.show(
        deal_id=world.deal.pk, pitch=PITCH, proposed=offers.Proposed("team", "30"), by=world.ae, on=STORY_DAY, now=world.now
    )  # fmt: skip
    live(world, "TM2")
    rhea = at_site.open("/offers", world.admin)
    look_at(rhea)
    for path in ("/deals/DL-1042", "/deals/DL-1042/downsell", "/plays/pairings", "/offers/new"):
        rhea.goto(path)
        look_at(rhea)


@pytest.mark.req("S3-22")
def test_the_rule_is_read_aloud_while_it_is_written(at_site, world):
    rhea = at_site.open("/plays/new", world.admin)
    look_at(rhea)
    aloud = rhea.get_by_label("The rule in one sentence")
    rhea.get_by_label("When (live signals) 1: field").select_option("utilisation")
    rhea.get_by_label("When (live signals) 1: comparison").select_option(">=")
    rhea.get_by_label("When (live signals) 1: value").fill("0.90")
    expect(aloud).to_contain_text("the share of the seats in use is at least 0.90")
    rhea.get_by_label("Least health").fill("70")
    expect(aloud).to_contain_text("below health 70")
    rhea.get_by_label("Because…").press("End")
    rhea.get_by_role("button", name="{utilisation}").press("Enter")
    expect(rhea.get_by_label("Because…")).to_have_value("Because {customer} {utilisation}")
