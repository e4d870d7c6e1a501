"""A change that took effect reaches the deal's line items in HubSpot over real HTTP: once, whatever fails, and it never comes back."""

import json
import time

import pytest
from django.db import transaction
from django.utils import timezone

from dealops.audit.models import Entry
from dealops.outbox import relay
from dealops.outbox.models import Message
from dealops.outbox.operations import enqueue
from expansion.adapters.hubspot import signing
from expansion.adapters.hubspot.stand_in import StandIn
from expansion.handlers import crm as handlers
from expansion.models import CrmLink, CrmProposal, Deal
from expansion.operations import changes, crm_inbox, crm_proposals
from expansion.queries.crm import LINES_TOPIC, lines_subject, own_lines
from tests.expansion.desk import approved, rejected, set_clock, submitted
from tests.scenarios.workers import leases_run_out
from tests.worlds import STORY_DAY, seed_world

pytestmark = pytest.mark.django_db(transaction=True)
SECRET = "shh"
HOOK = "http://testserver/hooks/hubspot"
CALLS = ("line_items/batch/update", "line_items/batch/upsert", "associate/default", "line_items/batch/archive")


@pytest.fixture
def hubspot(settings, tmp_path):
    server = StandIn(tmp_path, hook=HOOK, secret=SECRET).start()
    settings.HUBSPOT_TOKEN, settings.HUBSPOT_API_URL, settings.HUBSPOT_WEBHOOK_SECRET = "pat-test", server.url, SECRET
    settings.SITE_URL, settings.HUBSPOT_READ_SECONDS = "http://testserver", 0
    yield server
    server.stop()


@pytest.fixture
def world(settings, transactional_db):
    made = seed_world()
    set_clock(settings)
    return made


@pytest.fixture
def record(world, hubspot, tell):
    """The story's deal as HubSpot's record, read once: twenty seats at 50."""
    made = hubspot.add_deal(dealname="Brightwave", amount="13200", pipeline="default", dealstage="live")
    hubspot.add_line(made, name="Team", hs_sku="team", quantity="20", price="50.00")
    Deal.objects.filter(pk=world.deal.pk).update(crm_id=made)
    world.deal.refresh_from_db()
    handlers.test_connection()
    tell()
    return made


@pytest.fixture
def tell(hubspot, client):
    """What happened in HubSpot reaches us as signed webhooks, each as often as asked, and everything that waits is done."""

    def told(times=1):
        for event in hubspot.store.take_events():
            body, now = json.dumps([event]).encode(), str(int(time.time() * 1000))
            signed = signing.signature(SECRET, method="POST", uri=HOOK, body=body, timestamp=now)
            headers = {"X-HubSpot-Request-Timestamp": now, "X-HubSpot-Signature-v3": signed}
            for _ in range(times):
                assert client.post("/hooks/hubspot", body, content_type="application/json", headers=headers).status_code == 202
        work()

    return told


def work():
    while sum(relay.drain(queue=queue) for queue in ("bulk", "notify")):
        pass


def at_rest():
    """Waits are over and leases of the dead as well, until nothing is left to do for HubSpot."""
    for _ in range(12):
        leases_run_out()
        Message.objects.exclude(state__in=["done", "parked"]).update(available_at=timezone.now())
        work()
    assert not Message.objects.filter(topic__startswith="crm.").exclude(state="done").exists()


def lines(hubspot, record):
    found = (hubspot.store.record("line_items", one)["properties"] for one in hubspot.store.children("line_items", record))
    return {one["hs_sku"]: (one["quantity"], one["price"]) for one in found}


def bigger(world):
    """Five seats more and another product: one line item to bring up to date, one to make."""
    return approved(world, intents=[*world.more_seats("25"), {"action": "add", "product": "route-analytics", "quantity": "1"}])


def key_of(world, product):
    return next(line.key for line in own_lines(world.contract, STORY_DAY) if line.product == product)


def smaller(world):
    """The other product goes again: one line item to take away."""
    return approved(world, intents=[{"action": "remove", "key": key_of(world, "route-analytics")}])


def both(hubspot, record):
    return len(hubspot.store.children("line_items", record)), len([1 for _, gone in hubspot.store.ids("line_items") if not gone])


@pytest.mark.req("F55", "S0-02", "S0-05")
def test_quantities_new_products_and_removed_ones_reach_the_line_items_and_never_come_back(world, record, hubspot, tell):
    bigger(world)
    work()
    assert lines(hubspot, record)["team"] == ("25", "50")
    assert lines(hubspot, record)["route-analytics"][0] == "1"
    made = hubspot.store.children("line_items", record)[-1]
    assert hubspot.store.record("line_items", made)["properties"]["dealops_line"] == key_of(world, "route-analytics")
    for _ in range(2):
        tell(times=3)
    smaller(world)
    work()
    tell(times=2)
    assert lines(hubspot, record) == {"team": ("25", "50")}
    writes = [call for call in hubspot.store.calls() if any(part in call for part in CALLS)]
    assert len(writes) == 4, writes
    assert not CrmProposal.objects.exists(), "what we wrote is nobody's proposal"


@pytest.mark.req("F55", "F57")
def test_an_edit_over_there_after_our_write_is_a_proposal_even_if_our_own_was_never_told(world, record, hubspot, tell):
    approved(world)
    work()
    hubspot.store.take_events()
    (line,) = hubspot.store.children("line_items", record)
    hubspot.edit(line, "line_items", quantity="20")
    tell()
    assert CrmProposal.objects.get(state="open").words == ["Team: 25 → 20"]


@pytest.mark.req("F56")
def test_what_people_propose_over_there_is_not_overwritten_until_it_is_settled(world, record, hubspot, tell):
    change = submitted(world)
    (line,) = hubspot.store.children("line_items", record)
    hubspot.edit(line, "line_items", quantity="30")
    approve(world, change)
    work()
    assert lines(hubspot, record)["team"][0] == "30", "edited over there before we wrote, even where nobody told us yet"
    tell()
    found = CrmProposal.objects.get(state="open")
    assert found.words == ["Team: 25 → 30"]
    crm_proposals.dismiss(deal=world.deal, version=found.version, by=world.ae, now=world.now)
    approved(world, intents=[{"action": "quantity", "key": key_of(world, "team"), "quantity": "26"}])
    work()
    assert lines(hubspot, record)["team"] == ("26", "50")


def approve(world, change):
    changes.approve(change_id=change.pk, version=change.version, shown_hash=change.content_hash, by=world.finance, now=world.now)


def test_a_proposal_that_was_taken_is_not_written_back_to_where_it_came_from(world, record, hubspot, tell):
    (line,) = hubspot.store.children("line_items", record)
    hubspot.edit(line, "line_items", quantity="25")
    tell()
    change = crm_proposals.take(deal=world.deal, version=CrmProposal.objects.get().version, by=world.ae, now=world.now)
    assert change.edits == world.more_seats("25")
    approved_of(world, change)
    work()
    assert not hubspot.store.calls("line_items/batch/update")


def approved_of(world, change):
    approve(world, handed_in(world, change))


def handed_in(world, change):
    return changes.submit(change_id=change.pk, version=change.version, shown_hash=change.content_hash, by=world.ae, now=world.now)


def taken(world, hubspot, record, tell):
    """Thirty seats, edited over there, handed in here as a change."""
    (line,) = hubspot.store.children("line_items", record)
    hubspot.edit(line, "line_items", quantity="30")
    tell()
    found = CrmProposal.objects.get(state="open")
    return handed_in(world, crm_proposals.take(deal=world.deal, version=found.version, by=world.ae, now=world.now))


@pytest.mark.req("F55", "F56")
def test_while_an_edit_over_there_waits_for_approval_here_nothing_else_puts_the_old_figures_back(world, record, hubspot, tell):
    change = taken(world, hubspot, record, tell)
    again(CrmLink.objects.get())
    assert lines(hubspot, record)["team"][0] == "30" and not hubspot.store.calls("line_items/batch/update")
    approve(world, change)
    at_rest()
    assert lines(hubspot, record)["team"][0] == "30" and not hubspot.store.calls("line_items/batch/update")
    assert not Entry.objects.filter(action="crm.put_back").exists()


@pytest.mark.req("F55", "F56")
def test_an_edit_over_there_that_was_rejected_here_is_put_back_and_the_log_says_so(world, record, hubspot, tell):
    rejected(world, taken(world, hubspot, record, tell))
    again(CrmLink.objects.get())
    assert lines(hubspot, record)["team"] == ("20", "50")
    told = Entry.objects.get(action="crm.put_back")
    assert "Team: 30 → 20" in told.sentence and world.deal.permalink in told.subjects
    with transaction.atomic():
        crm_inbox.mark([record])
    at_rest()
    assert not CrmProposal.objects.filter(state="open").exists()


@pytest.mark.req("F55")
def test_a_figure_the_contract_took_later_is_ours_and_its_end_is_nobodys_edit_put_back(world, record, hubspot, tell):
    (line,) = hubspot.store.children("line_items", record)
    hubspot.edit(line, "line_items", quantity="30")
    tell()
    crm_proposals.dismiss(deal=world.deal, version=CrmProposal.objects.get().version, by=world.ae, now=world.now)
    for quantity in ("30", "26"):
        approved(world, intents=[{"action": "quantity", "key": key_of(world, "team"), "quantity": quantity}])
        work()
    assert lines(hubspot, record)["team"] == ("26", "50")
    assert not Entry.objects.filter(action="crm.put_back").exists()


@pytest.mark.req("F33", "F55")
@pytest.mark.parametrize("call", CALLS)
def test_whatever_fails_at_a_call_each_line_item_is_there_once_in_the_end(world, record, hubspot, tell, call):
    for fault in ("drop_before", "drop_after_commit", "500_before", "500_after_commit", "429", "malformed"):
        hubspot.store.switch_on(fault, call, seconds=1)
    bigger(world)
    at_rest()
    assert both(hubspot, record) == (2, 2)
    smaller(world)
    at_rest()
    tell(times=2)
    assert lines(hubspot, record) == {"team": ("25", "50")} and both(hubspot, record) == (1, 1)
    assert not CrmProposal.objects.exists()


@pytest.mark.req("F33", "F55")
def test_what_arrived_without_an_answer_is_nobodys_wish_though_the_contract_has_moved_on_since(world, record, hubspot, tell):
    hubspot.store.switch_on("drop_after_commit", CALLS[0])
    bigger(world)
    work()
    approved(world, intents=[{"action": "quantity", "key": key_of(world, "team"), "quantity": "26"}])
    at_rest()
    tell()
    assert lines(hubspot, record)["team"] == ("26", "50")
    assert not CrmProposal.objects.exists() and CrmLink.objects.get().sending_lines is None


@pytest.mark.req("F33", "F55")
def test_an_edit_of_another_line_after_a_write_without_an_answer_proposes_that_line_alone(world, record, hubspot, tell):
    hubspot.store.switch_on("drop_after_commit", CALLS[0])
    bigger(world)
    work()
    hubspot.add_line(record, name="Fleet map", hs_sku="none-such", quantity="1", price="9")
    tell()
    approved(world, intents=[{"action": "quantity", "key": key_of(world, "team"), "quantity": "26"}])
    at_rest()
    tell()
    assert lines(hubspot, record)["team"] == ("26", "50")
    found = CrmProposal.objects.get(state="open")
    assert found.words == [] and len(found.problems) == 1 and "Fleet map" in found.problems[0]


@pytest.mark.req("F51", "F55")
def test_a_reading_that_comes_before_our_note_of_a_write_stands(world, record, hubspot, tell, monkeypatch):
    (line,) = hubspot.store.children("line_items", record)
    seen = []

    def somebody_edits(name):
        if name == "crm.lines_updated" and not seen:
            seen.append(name)
            hubspot.edit(line, "line_items", quantity="30")
            with transaction.atomic():
                crm_inbox.mark([record])
            relay.drain(queue="bulk")

    monkeypatch.setattr("expansion.handlers.crm_lines.crash_point", somebody_edits)
    approved(world)
    relay.drain(queue="notify")
    found = CrmProposal.objects.get(state="open")
    assert seen and found.words == ["Team: 25 → 30"]
    assert [item["quantity"] for item in CrmLink.objects.get().lines] == ["30"]
    change = crm_proposals.take(deal=world.deal, version=found.version, by=world.ae, now=world.now)
    assert change.edits[0]["quantity"] == "30"
    at_rest()
    assert lines(hubspot, record)["team"][0] == "30"


class Died(BaseException):
    """What SIGKILL is to a worker: nothing of this delivery is noted any more."""


@pytest.mark.req("F18", "F19", "F55")
@pytest.mark.parametrize("point", ["crm.lines_updated", "crm.lines_made", "crm.lines_hung", "crm.lines_removed"])
def test_a_worker_killed_between_two_calls_leaves_each_line_item_once(world, record, hubspot, tell, monkeypatch, point):
    deaths = []

    def dies(name):
        if name == point and not deaths:
            deaths.append(name)
            raise Died

    monkeypatch.setattr("expansion.handlers.crm_lines.crash_point", dies)
    for change in (bigger, smaller):
        change(world)
        try:
            work()
        except Died:
            tell(times=2)
        at_rest()
    tell()
    assert deaths == [point]
    assert lines(hubspot, record) == {"team": ("25", "50")} and both(hubspot, record) == (1, 1)
    assert not CrmProposal.objects.exists()
    settled = CrmLink.objects.get().settled
    assert [(item["sku"], item["quantity"]) for item in settled] == [("team", "25")]


@pytest.mark.req("F17", "F55")
def test_delivered_five_times_it_is_written_once(world, record, hubspot):
    bigger(world)
    deliveries = relay.claim(queue="notify", size=50)
    (lines_told,) = [one for one in deliveries if one.message.topic == LINES_TOPIC]
    for _ in range(5):
        relay.deliver(lines_told)
    at_rest()
    again(CrmLink.objects.get())
    assert both(hubspot, record) == (2, 2)
    assert [len(hubspot.store.calls(call)) for call in CALLS] == [1, 1, 1, 0]


def again(link):
    """The same thing asked for once more, as after a restore."""
    with transaction.atomic():
        enqueue(topic=LINES_TOPIC, identity="again", subject=lines_subject(link.pk), payload={"link": link.pk}, queue="notify")
    at_rest()


@pytest.mark.req("F53")
def test_nothing_is_written_to_the_line_items_of_a_deleted_deal_until_it_is_back(world, record, hubspot, tell):
    change = submitted(world)
    approve(world, change)
    hubspot.delete(record)
    work()
    assert not hubspot.store.calls("line_items/batch/update") and CrmLink.objects.get().state == "deleted"
    hubspot.restore(record)
    tell()
    at_rest()
    assert lines(hubspot, record)["team"] == ("25", "50")


def test_a_deal_that_was_never_read_is_read_before_its_line_items_are_written(world, record, hubspot):
    CrmLink.objects.all().delete()
    approved(world)
    work()
    assert not hubspot.store.calls("line_items/batch/update")
    at_rest()
    assert CrmProposal.objects.get().words == ["Team: 25 → 20"], "what differs at the first look is for a person"


def test_without_the_scope_amount_and_stage_are_written_and_the_lines_wait_for_a_person(world, record, hubspot, client):
    hubspot.store.switch_on("key_expired", "line_items/batch/update")
    approved(world)
    work()
    parked = Message.objects.get(topic=LINES_TOPIC)
    assert parked.state == "parked" and "crm.objects.line_items.write" in parked.last_words
    assert hubspot.store.record("deals", record)["properties"]["amount"] == "13625"
    client.force_login(world.ae)
    assert "crm.objects.line_items.write" in client.get(f"/deals/{world.deal.number}").content.decode()


def test_switched_off_the_line_items_stay_as_they_are(world, record, hubspot, settings):
    settings.HUBSPOT_WRITE_LINES = False
    approved(world)
    work()
    assert lines(hubspot, record)["team"][0] == "20" and not Message.objects.filter(topic=LINES_TOPIC).exists()


@pytest.mark.req("F55")
def test_without_settling_what_we_wrote_a_later_edit_would_go_unnoticed(world, record, hubspot, tell, monkeypatch):
    """Negative control: after a write nobody was told of, the note of it is what makes the next edit visible."""
    approved(world)
    work()
    monkeypatch.setattr("expansion.operations.crm_writing.lines_written", lambda **facts: None)
    approved(world, intents=[{"action": "quantity", "key": key_of(world, "team"), "quantity": "30"}])
    work()
    hubspot.store.take_events()
    (line,) = hubspot.store.children("line_items", record)
    hubspot.edit(line, "line_items", quantity="25")
    tell()
    assert not CrmProposal.objects.exists()


def test_somebody_takes_a_line_item_away_while_we_write(world, record, hubspot, monkeypatch):
    (line,) = hubspot.store.children("line_items", record)
    asked = handlers.HubSpot.update_lines

    def late(portal, items):
        monkeypatch.setattr(handlers.HubSpot, "update_lines", asked)
        hubspot.remove_line(line)
        return asked(portal, items)

    monkeypatch.setattr(handlers.HubSpot, "update_lines", late)
    approved(world)
    at_rest()
    assert lines(hubspot, record) == {}, "taken away over there: a wish, which is not overruled"
    with transaction.atomic():
        crm_inbox.mark([record])
    at_rest()
    assert CrmProposal.objects.get().words == ["Team: remove"]
