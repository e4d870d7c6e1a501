"""The client against the stand-in, over real HTTP: what it reads and writes, and every fault in one of three words."""

from datetime import UTC, datetime, timedelta

import pytest

from expansion.adapters.hubspot import Gone, HubSpot, NotAllowedByHubSpot, RefusedByHubSpot, RetryLater, Unknown
from expansion.adapters.hubspot.stand_in import StandIn


@pytest.fixture
def portal(tmp_path):
    server = StandIn(tmp_path).start()
    yield server
    server.stop()


@pytest.fixture
def hubspot(portal):
    return HubSpot("pat-test", portal.url)


@pytest.fixture
def deal(portal):
    made = portal.add_deal(dealname="Brightwave", amount="13200", pipeline="default", dealstage="live")
    portal.add_line(made, name="Team", hs_sku="team", quantity="20", price="50.00")
    return made


def test_a_test_of_the_connection_says_whose_it_is(hubspot):
    assert (hubspot.portal().id, hubspot.portal().name) == ("4711", "Stand-in portal")


def test_a_deal_comes_with_its_line_items(hubspot, deal):
    read = hubspot.deal(deal)
    assert (read.id, read.name, read.amount, read.pipeline, read.stage) == (deal, "Brightwave", "13200", "default", "live")
    assert [(line.name, line.sku, line.quantity, line.price) for line in read.lines] == [("Team", "team", "20", "50.00")]
    assert abs(read.modified - datetime.now(UTC)) < timedelta(minutes=1)


def test_stages_come_in_the_order_of_the_boards(hubspot):
    found = [(one.pipeline, one.stage) for one in hubspot.stages()]
    assert found[:2] == [("default", "onboard"), ("default", "live")] and len(found) == 8


def test_changed_records_come_page_by_page_earliest_first(hubspot, portal):
    for number in range(103):
        portal.store.make("deals", {"dealname": str(number)})
    first, after = hubspot.changed_since(datetime.now(UTC) - timedelta(minutes=5))
    rest, end = hubspot.changed_since(datetime.now(UTC) - timedelta(minutes=5), after=after)
    assert (len(first), len(rest), end) == (100, 3, "")
    moments = [one.modified for one in (*first, *rest)]
    assert moments == sorted(moments)
    assert len(hubspot.modified([one.id for one in first])) == 100


def test_a_line_item_knows_its_deal(hubspot, portal, deal):
    line = portal.store.children("line_items", deal)[0]
    assert hubspot.deals_of_lines([line, "1"]) == {deal}


def test_written_twice_is_written_once(hubspot, portal, deal):
    hubspot.update({deal: {"amount": "13625"}})
    hubspot.update({deal: {"amount": "13625"}})
    assert hubspot.deal(deal).amount == "13625"
    assert [event["changeSource"] for event in portal.store.take_events() if event["subscriptionType"] == "deal.propertyChange"] == [
        "INTEGRATION"
    ]


def test_an_upsert_makes_a_deal_once(hubspot, portal):
    portal.store.switch_on("drop_after_commit", "batch/upsert")
    with pytest.raises(Unknown):
        hubspot.upsert({"DL-1042": {"amount": "100"}})
    again = hubspot.upsert({"DL-1042": {"amount": "100"}})
    assert len(portal.store.ids("deals")) == 1
    assert hubspot.deal(again["DL-1042"]).our_number == "DL-1042"


@pytest.mark.req("F53")
def test_a_deleted_deal_is_gone_unless_asked_for_and_a_write_does_not_bring_it_back(hubspot, portal, deal):
    portal.delete(deal)
    with pytest.raises(Gone):
        hubspot.deal(deal)
    assert hubspot.deal(deal, archived=True).is_archived
    with pytest.raises(Gone):
        hubspot.update({deal: {"amount": "1"}})
    assert hubspot.modified([deal]) == {}
    portal.restore(deal)
    assert not hubspot.deal(deal).is_archived


@pytest.mark.req("F54")
def test_a_merged_deal_answers_with_the_one_it_went_into(hubspot, portal, deal):
    other = portal.add_deal(dealname="Brightwave again")
    made = portal.merge(other, deal)
    assert hubspot.deal(deal).id == made
    assert len(hubspot.deal(deal).lines) == 1


@pytest.mark.parametrize(
    ("fault", "raised"),
    [
        ("drop_before", Unknown),
        ("drop_after_commit", Unknown),
        ("500_before", Unknown),
        ("500_after_commit", Unknown),
        ("429", RetryLater),
        ("malformed", Unknown),
        ("key_expired", NotAllowedByHubSpot),
        ("rule", RefusedByHubSpot),
    ],
)
def test_every_fault_is_one_call_and_one_of_three_words(hubspot, portal, deal, fault, raised):
    portal.store.switch_on(fault, "batch/update", seconds=7)
    with pytest.raises(raised) as caught:
        hubspot.update({deal: {"amount": "1"}})
    assert len(portal.store.calls("batch/update")) == 1
    if fault == "429":
        assert caught.value.after == 7
    if fault == "rule":
        assert "Amount cannot change while the deal is in review" in str(caught.value)


def test_a_server_nobody_answers_at_is_unknown():
    with pytest.raises((Unknown, RetryLater)):
        HubSpot("x", "http://127.0.0.1:9").portal()
