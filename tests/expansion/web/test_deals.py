"""The deal page and the list of deals: what they show, for whom, with how many queries."""

import re
from datetime import date, timedelta

import pytest
from django.test import Client
from django.urls import reverse

from billing.models import Template
from dealops.audit.models import Entry
from expansion.models import Deal
from expansion.operations import changes
from expansion.queries import deals as queries
from expansion.queries import timeline
from expansion.queries.deals import deal_by_number
from tests.worlds import STORY_DAY, seed_world

pytestmark = pytest.mark.django_db


@pytest.fixture
def world(db, monkeypatch):
    made = seed_world()
    for module in ("deals", "composer", "changes"):
        monkeypatch.setattr(f"expansion.web.{module}.now", lambda: made.now)
    return made


def open_as(user, address, **query):
    client = Client()
    client.force_login(user)
    return client.get(address, query)


def text(response):
    """The page's words as a reader meets them, white space folded."""
    without_tags = re.sub(r"<[^>]+>", " ", response.content.decode())
    return " ".join(without_tags.replace("&nbsp;", " ").split())


@pytest.mark.req("S0-17", "S0-06")
def test_the_deal_page_tells_contract_next_invoice_period_and_owner(world):
    words = text(open_as(world.ae, reverse("deal", args=["DL-1042"])))
    for expected in (
        "Brightwave Logistics",
        "Ada Ellis",
        "Carl Moss",
        "1 Jan – 31 Dec 2026",
        "Every month, in advance",
        "Finance updates it",
        "Rule: set on Northbeam Software Ltd",
        "1 Jul 2026",
        "£1,200.00",
        "15 of 30 days left",
        "19 of 20 · 95.0 %",
        "Passes the gate of 60",
        "Change contract",
    ):
        assert expected in words, expected


def test_who_owns_the_future_invoice_names_the_level_that_decided(world):
    type(world.contract).objects.filter(pk=world.contract.pk).update(future_invoice_owner="sales_cs")
    words = text(open_as(world.ae, reverse("deal", args=["DL-1042"])))
    assert "Sales / CS update it" in words
    assert "Rule: set on contract C-1042" in words


def test_an_unknown_deal_is_a_page_with_a_way_out(world):
    response = open_as(world.ae, "/deals/DL-9999")
    assert response.status_code == 404
    assert "There is no deal DL-9999" in text(response)


def test_a_stranger_is_asked_to_sign_in_first(world):
    response = Client().get("/deals/DL-1042")
    assert response.status_code == 302
    assert "/accounts/login/?next=/deals/DL-1042" in response["Location"]


def test_finance_is_told_why_there_is_no_change_button(world):
    words = text(open_as(world.finance, "/deals/DL-1042"))
    assert "Only Sales, Customer Success and RevOps change deals" in words
    assert "Change contract" not in words


def test_an_open_change_takes_the_place_of_the_button(world):
    change = changes.draft(deal=world.deal, intents=world.more_seats(), effective=STORY_DAY, by=world.ae, now=world.now)
    assert f"Continue {change.number}" in text(open_as(world.ae, "/deals/DL-1042"))
    changes.submit(change_id=change.pk, version=1, shown_hash=change.content_hash, by=world.ae, now=world.now)
    words = text(open_as(world.ae, "/deals/DL-1042"))
    assert f"See {change.number}" in words
    assert "Awaiting approval" in words


def test_confirmed_in_accounting_only_when_the_live_template_has_these_amounts(world):
    assert "Accounting has not confirmed it yet" in text(open_as(world.ae, "/deals/DL-1042"))
    version = world.contract.future_invoice.current
    template = Template.objects.create(
        contract=world.contract, version=version, remote_id="t-1", state="live", net=900, tax=180, total=1080, verified_at=world.now
    )
    assert "Accounting still holds £900.00 net" in text(open_as(world.ae, "/deals/DL-1042"))
    Template.objects.filter(pk=template.pk).update(net=1000, tax=200, total=1200)
    # Noon UTC in the tests' world is 12:00 in London's summer.
    assert "Last confirmed in accounting 16 Jun 2026, 12:00" in text(open_as(world.ae, "/deals/DL-1042"))


# --- the timeline -----------------------------------------------------------------------------------------------------------


def test_the_timeline_speaks_of_this_deals_own_invoices_with_links(world):
    story = timeline.of_deal(deal_by_number("DL-1042", world.ae))
    newest = story.stories[0]
    assert newest.kind == "documents"
    assert newest.parts[0].kind == "document"
    assert "1,200.00 GBP" in newest.parts[1].text


def test_the_timeline_filters_by_kind_in_the_address(world):
    change = changes.draft(deal=world.deal, intents=world.more_seats(), effective=STORY_DAY, by=world.ae, now=world.now)
    page = open_as(world.ae, "/deals/DL-1042", show="changes")
    assert {story.kind for story in page.context["story"].stories} == {"changes"}
    assert f'href="/changes/{change.number}"' in page.content.decode()
    assert {story.kind for story in open_as(world.ae, "/deals/DL-1042", show="documents").context["story"].stories} == {"documents"}


def test_the_timelines_kinds_do_not_overlap_and_leave_nothing_out(world):
    change = changes.draft(deal=world.deal, intents=world.more_seats(), effective=STORY_DAY, by=world.ae, now=world.now)
    changes.submit(change_id=change.pk, version=1, shown_hash=change.content_hash, by=world.ae, now=world.now)
    changes.approve(change_id=change.pk, version=1, shown_hash=change.content_hash, by=world.finance, now=world.now)
    deal = deal_by_number("DL-1042", world.ae)
    everything = [story.anchor for story in timeline.of_deal(deal).stories]
    by_kind = [story.anchor for kind in timeline.KINDS for story in timeline.of_deal(deal, kind=kind).stories]
    assert sorted(by_kind) == sorted(everything)


def test_a_long_timeline_is_read_page_by_page_without_gap_or_repetition(world):
    deal = deal_by_number("DL-1042", world.ae)
    change = changes.draft(deal=deal, intents=world.more_seats(), effective=STORY_DAY, by=world.ae, now=world.now)
    for _ in range(20):
        changes.submit(change_id=change.pk, version=change.version, shown_hash=change.content_hash, by=world.ae, now=world.now)
        change = changes.recall(change_id=change.pk, version=change.version, by=world.ae, now=world.now)
    seen, cursor = [], ""
    while True:
        page = timeline.of_deal(deal, after=cursor)
        seen += [story.anchor for story in page.stories]
        cursor = page.older
        if not cursor:
            break
    wanted = Entry.objects.filter(subjects__overlap=[deal.permalink, deal.contract.permalink, change.permalink]).count()
    assert len(seen) == len(set(seen)) == wanted
    assert timeline.of_deal(deal, after="rubbish").stories


# --- the list ---------------------------------------------------------------------------------------------------------------------


def test_the_list_finds_a_deal_by_customer_deal_and_contract_number(world):
    for words in ("brightwave", "DL-1042", "C-1042"):
        assert "Brightwave Logistics" in text(open_as(world.ae, "/deals", q=words))
    assert "No deal matches" in text(open_as(world.ae, "/deals", q="nobody"))


def test_the_list_shows_value_next_invoice_use_and_health(world):
    words = text(open_as(world.ae, "/deals"))
    for expected in ("£1,000.00", "£12,000.00", "1 Jul 2026", "95.0 %", "Healthy"):
        assert expected in words


@pytest.mark.parametrize(("view", "found"), [("mine", True), ("full", True), ("renewing", False), ("changing", False)])
def test_the_views_of_the_list(world, view, found):
    page = queries.deal_page(user=world.ae, view=view, search="", after="", on=STORY_DAY)
    assert bool(page.rows) is found


def test_renewing_means_the_next_sixty_days(world):
    assert queries.deal_page(user=world.ae, view="renewing", search="", after="", on=date(2026, 12, 1)).rows


@pytest.fixture
def many(world):
    """A hundred deals like Brightwave's, written straight into the tables."""
    contract, deal = world.contract, world.deal
    for number in range(2000, 2100):
        contract.pk, contract.number = None, f"C-{number}"
        contract.save(force_insert=True)
        deal.pk, deal.number, deal.contract = None, f"DL-{number}", contract
        deal.save(force_insert=True)
    return world


def test_pages_of_the_list_have_every_deal_once(many):
    seen, cursor = [], ""
    while True:
        page = queries.deal_page(user=many.ae, view="all", search="", after=cursor, on=STORY_DAY)
        seen += [row.deal.number for row in page.rows]
        cursor = page.after
        if not cursor:
            break
    assert len(seen) == len(set(seen)) == Deal.objects.count() == 101


def test_the_list_takes_the_same_queries_for_one_deal_and_for_fifty(many, django_assert_max_num_queries):
    client = Client()
    client.force_login(many.ae)
    with django_assert_max_num_queries(12):
        client.get("/deals")


def test_the_deal_page_stays_within_its_queries(world, django_assert_max_num_queries):
    change = changes.draft(deal=world.deal, intents=world.more_seats(), effective=STORY_DAY, by=world.ae, now=world.now)
    changes.submit(change_id=change.pk, version=1, shown_hash=change.content_hash, by=world.ae, now=world.now)
    client = Client()
    client.force_login(world.ae)
    with django_assert_max_num_queries(25):
        client.get("/deals/DL-1042")


def test_a_deal_whose_term_is_over_says_so(world, monkeypatch):
    monkeypatch.setattr("expansion.web.deals.now", lambda: world.now + timedelta(days=400))
    words = text(open_as(world.ae, "/deals/DL-1042"))
    assert "This contract has ended" in words
    assert "Today is outside the term" in words


@pytest.mark.parametrize("query", [{"after": "~1"}, {"after": "x~" + "9" * 30}, {"view": "nothing"}])
def test_a_hand_written_address_of_the_list_is_a_page(world, query):
    assert open_as(world.ae, "/deals", **query).status_code == 200


@pytest.mark.parametrize(
    "query", [{"show": "nothing"}, {"before": "2026-01-01_5"}, {"before": "x_y"}, {"before": "2026-01-01T00:00:00+00:00_" + "9" * 30}]
)
def test_a_hand_written_address_of_a_deal_is_a_page(world, query):
    assert open_as(world.ae, "/deals/DL-1042", **query).status_code == 200
