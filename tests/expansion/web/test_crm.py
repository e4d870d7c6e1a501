"""HubSpot over real HTTP with the stand-in: webhooks, readings, proposals, write-back, and everything that goes wrong in between."""

import itertools
import json
import random
import time
from datetime import date

import pytest
from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from dealops.audit.models import Entry
from dealops.outbox import relay
from dealops.outbox.models import Message
from dealops.outbox.operations import retry
from expansion.adapters.hubspot import signing
from expansion.adapters.hubspot.stand_in import StandIn
from expansion.handlers import crm as handlers
from expansion.models import Change, CrmEvent, CrmLink, CrmProposal, CrmStage, Deal, Notice, Stage
from expansion.operations import changes, crm_inbox, crm_stages, deals, execution
from tests.expansion.desk import approved, drafted, set_clock, submitted
from tests.expansion.more_deals import another_deal
from tests.worlds import seed_world

pytestmark = [pytest.mark.browser]
SECRET = "shh"


@pytest.fixture
def hubspot(site, committed, settings, tmp_path):
    server = StandIn(tmp_path, hook=f"{site}/hooks/hubspot", secret=SECRET).start()
    settings.HUBSPOT_TOKEN, settings.HUBSPOT_API_URL, settings.HUBSPOT_WEBHOOK_SECRET = "pat-test", server.url, SECRET
    settings.SITE_URL, settings.HUBSPOT_READ_SECONDS = site, 0
    yield server
    server.stop()


@pytest.fixture
def world(hubspot, settings):
    made = seed_world()
    set_clock(settings)
    return made


@pytest.fixture
def record(world, hubspot):
    """The story's deal as HubSpot's record, read once, with its stages mapped."""
    made = hubspot.add_deal(dealname="Brightwave", amount="13200", pipeline="default", dealstage="live")
    hubspot.add_line(made, name="Team", hs_sku="team", quantity="20", price="50.00")
    Deal.objects.filter(pk=world.deal.pk).update(crm_id=made)
    world.deal.refresh_from_db()
    handlers.test_connection()
    for theirs, (board, ours) in {"live": ("main", "live"), "renew": ("main", "renewal_due"), "won": ("upsells", "applied")}.items():
        CrmStage.objects.filter(remote_stage=theirs).update(stage=Stage.objects.get(pipeline__code=board, code=ours))
    hubspot.send()
    work()
    return made


def work():
    """Everything that waits, on every queue, until nothing does."""
    while sum(relay.drain(queue=queue) for queue in ("bulk", "notify", "post")):
        pass


def now_again():
    Message.objects.exclude(state__in=["done", "parked"]).update(available_at=timezone.now())
    work()


def line_of(hubspot, record):
    return hubspot.store.children("line_items", record)[0]


def open_proposal():
    return CrmProposal.objects.filter(state="open").first()


def state():
    link = CrmLink.objects.get()
    found = open_proposal()
    return (link.state, link.seen, link.lines, link.is_dirty, found and (found.intents, found.words), link.deal.stage.code)


def test_the_connection_says_its_name_and_brings_the_stages(world, hubspot, client):
    client.force_login(world.admin)
    page = client.post(reverse("crm_test"), follow=True)
    assert b"dealops reaches HubSpot: Stand-in portal (4711)" in page.content
    assert CrmStage.objects.count() == 8
    client.force_login(world.ae)
    assert client.post(reverse("crm_test")).status_code == 403
    assert client.get(reverse("crm_stages")).status_code == 403


def test_stages_are_mapped_by_revops_and_each_of_ours_once(world, hubspot, client):
    handlers.test_connection()
    live = Stage.objects.get(pipeline__code="main", code="live")
    first, second = CrmStage.objects.order_by("pk")[:2]
    client.force_login(world.admin)
    client.post(reverse("crm_stages"), {f"stage-{first.pk}": live.pk})
    assert CrmStage.objects.get(pk=first.pk).stage == live
    twice = client.post(reverse("crm_stages"), {f"stage-{second.pk}": live.pk})
    assert (twice.status_code, b"the same stage here" in twice.content) == (422, True)
    assert Entry.objects.filter(action="crm.stage_mapped").count() == 1
    crm_stages.assign({first.pk: None, second.pk: live.pk}, by=world.admin, now=world.now)
    assert CrmStage.objects.get(pk=second.pk).stage == live


@pytest.mark.req("F51", "S0-02")
def test_an_edit_of_line_items_is_a_proposal_that_a_person_drafts(world, record, hubspot, client):
    hubspot.edit(line_of(hubspot, record), "line_items", quantity="25")
    assert set(hubspot.send()) == {202}
    work()
    assert open_proposal().words == ["Team: 20 → 25"]
    assert not Change.objects.exists(), "nothing is applied, nor even drafted, by itself"
    client.force_login(world.ae)
    page = client.get(reverse("deal", args=[world.deal.number])).content.decode()
    assert "Proposed in HubSpot" in page and "Team: 20 → 25" in page
    assert "Team: 20 → 25" in client.get(reverse("crm")).content.decode()
    answer = client.post(reverse("crm_take", args=[world.deal.number]), {"version": open_proposal().version})
    assert answer.headers["Location"] == reverse("composer", args=[world.deal.number])
    change = Change.objects.get()
    assert (change.maker, change.state, change.edits) == (world.ae, "draft", world.more_seats("25"))
    composer = client.get(answer.headers["Location"]).content.decode()
    assert "125.00" in composer and "cannot show" not in composer
    assert CrmProposal.objects.get().state == "taken"
    hubspot.edit(record, amount="13300")
    hubspot.send()
    work()
    assert open_proposal() is None, "what was taken is not proposed again"


def test_prices_added_and_removed_line_items_are_proposed_and_what_is_unknown_is_said(world, record, hubspot):
    hubspot.edit(line_of(hubspot, record), "line_items", price="45")
    hubspot.add_line(record, name="Mystery", hs_sku="none-such", quantity="1", price="5")
    hubspot.send()
    work()
    found = open_proposal()
    assert found.words == ["Team: price 50 → 45"]
    assert "which is no product here" in found.problems[0]
    hubspot.remove_line(line_of(hubspot, record))
    hubspot.send()
    work()
    assert open_proposal().words == ["Team: remove"]


def test_an_edit_taken_back_in_hubspot_leaves_no_proposal(world, record, hubspot):
    line = line_of(hubspot, record)
    hubspot.edit(line, "line_items", quantity="25")
    hubspot.send()
    work()
    hubspot.edit(line, "line_items", quantity="20")
    hubspot.send()
    work()
    assert CrmProposal.objects.get().state == "gone"


def test_a_proposal_that_moved_is_not_taken_unseen_and_a_dismissed_one_stays_dismissed(world, record, hubspot, client):
    line = line_of(hubspot, record)
    hubspot.edit(line, "line_items", quantity="25")
    hubspot.send()
    work()
    shown = open_proposal().version
    hubspot.edit(line, "line_items", quantity="30")
    hubspot.send()
    work()
    client.force_login(world.ae)
    page = client.post(reverse("crm_take", args=[world.deal.number]), {"version": shown}, follow=True)
    assert b"was changed or settled since you opened the page" in page.content
    assert not Change.objects.exists()
    client.post(reverse("crm_dismiss", args=[world.deal.number]), {"version": open_proposal().version})
    crm_inbox_again(record)
    assert CrmProposal.objects.get().state == "dismissed"


def crm_inbox_again(record):
    with transaction.atomic():
        crm_inbox.mark([record])
    work()


def test_who_may_not_change_the_deal_takes_no_proposal(world, record, hubspot, client):
    hubspot.edit(line_of(hubspot, record), "line_items", quantity="25")
    hubspot.send()
    work()
    client.force_login(world.finance)
    client.post(reverse("crm_take", args=[world.deal.number]), {"version": open_proposal().version})
    client.post(reverse("crm_dismiss", args=[world.deal.number]), {"version": open_proposal().version})
    assert open_proposal() is not None and not Change.objects.exists()


@pytest.mark.req("F50")
def test_the_same_event_five_times_is_stored_and_read_once(world, record, hubspot):
    before = CrmEvent.objects.count()
    hubspot.edit(record, amount="14000")
    hubspot.edit(record, amount="15000")
    hubspot.send(repeat=5)
    assert CrmEvent.objects.count() == before + 2, "the same event id twice, at two moments: two events"
    assert Message.objects.filter(topic="crm.read").exclude(state="done").count() == 1


@pytest.mark.req("F50", "F51")
def test_every_order_and_repetition_of_five_events_ends_in_the_same_state(world, record, hubspot):
    line = line_of(hubspot, record)
    hubspot.edit(record, amount="14000")
    hubspot.edit(line, "line_items", quantity="25")
    hubspot.edit(record, dealstage="renew")
    hubspot.delete(record)
    hubspot.restore(record)
    events = hubspot.store.take_events()
    assert len(events) == 5
    chance, seen = random.Random(5), set()
    for number, order in enumerate(itertools.permutations(events)):
        told = [event for event in order for _ in range(chance.randint(1, 5))]
        cut = chance.randint(0, len(told))
        hubspot.post(told[:cut])
        if number % 10 == 0:
            work()
        hubspot.post(told[cut:])
        if number % 10 == 0:
            work()
            seen.add(json.dumps(state(), sort_keys=True))
        CrmEvent.objects.all().delete()
    work()
    seen.add(json.dumps(state(), sort_keys=True))
    assert len(seen) == 1
    assert state()[0] == "linked" and state()[5] == "renewal_due" and open_proposal().words == ["Team: 20 → 25"]
    assert CrmProposal.objects.count() == 1


@pytest.mark.req("F52")
def test_a_forged_an_old_or_an_unsigned_webhook_is_refused_and_stored_nowhere(world, record, hubspot, client, settings):
    before = CrmEvent.objects.count()
    body = b'[{"eventId":1,"portalId":4711,"occurredAt":1,"subscriptionType":"deal.deletion","objectId":1}]'
    good = str(int(time.time() * 1000))

    def sent(body=body, timestamp=good, uri=hubspot.hook, secret=SECRET, **headers):
        signed = signing.signature(secret, method="POST", uri=uri, body=body, timestamp=timestamp)
        headers = {"X-HubSpot-Request-Timestamp": timestamp, "X-HubSpot-Signature-v3": signed} | headers
        return client.post("/hooks/hubspot", body, content_type="application/json", headers={n: v for n, v in headers.items() if v})

    refused = [
        sent(secret="other"),
        sent(timestamp=str(int(good) - 301_000)),
        sent(timestamp=str(int(good) + 301_000)),
        sent(uri="https://elsewhere.example/hooks/hubspot"),
        client.post("/hooks/hubspot", body, content_type="application/json"),
    ]
    assert {answer.status_code for answer in refused} == {401}
    assert not any(b"deal.deletion" in answer.content for answer in refused)
    settings.HUBSPOT_WEBHOOK_SECRET = ""
    assert sent(secret="").status_code == 401
    settings.HUBSPOT_WEBHOOK_SECRET = SECRET
    assert CrmEvent.objects.count() == before
    assert sent().status_code == 202
    for broken in (b"", b"{}", b"[1]", b"[{}]", b"\xff", b'[{"eventId":1,"portalId":1,"occurredAt":"x","subscriptionType":"a"}]'):
        assert sent(broken).status_code == 400


@pytest.mark.req("F53")
@pytest.mark.parametrize("where", ["draft", "submitted", "scheduled", "applied"])
def test_a_deleted_deal_freezes_its_change_and_a_restored_one_lets_it_go_on(world, record, hubspot, client, where):
    july = date(2026, 7, 1)
    made = {"draft": drafted, "submitted": submitted, "applied": approved, "scheduled": later}[where](world)
    hubspot.delete(record)
    hubspot.send()
    work()
    link = CrmLink.objects.get()
    assert link.state == "deleted" and "source deal was deleted in HubSpot" in link.words
    made.refresh_from_db()
    assert made.state == where, "frozen, not deleted"
    told = Notice.objects.filter(event__startswith="crm_frozen", channel="in_app").values_list("recipient__name", flat=True)
    assert where == "applied" or {world.ae.name, world.finance.name} <= set(told)
    client.force_login(world.finance)
    assert "Frozen: the deal was deleted in HubSpot" in client.get(reverse("change", args=[made.number])).content.decode()
    if where == "submitted":
        client.post(reverse("approval_approve", args=[made.number]), {"version": made.version, "shown_hash": made.content_hash})
        made.refresh_from_db()
        assert made.state == "submitted"
    if where == "scheduled":
        assert execution.activate_due(now=world.now, on=july) == []
    hubspot.restore(record)
    hubspot.send()
    work()
    assert CrmLink.objects.get().state == "linked"
    if where == "submitted":
        assert changes.approve(change_id=made.pk, version=made.version, shown_hash=made.content_hash, by=world.finance, now=world.now)
    if where == "scheduled":
        assert execution.activate_due(now=world.now, on=july) == [made.number]


def later(world):
    return approved(world, effective=date(2026, 7, 1))


@pytest.mark.req("F54")
def test_a_merge_into_a_strange_record_points_the_deal_there(world, record, hubspot):
    other = hubspot.add_deal(dealname="Brightwave, double")
    made = hubspot.merge(other, record)
    hubspot.send()
    work()
    world.deal.refresh_from_db()
    assert (world.deal.crm_id, CrmLink.objects.get().state) == (made, "linked")
    assert Entry.objects.filter(action="crm.merged").count() == 1


@pytest.mark.req("F54")
@pytest.mark.parametrize("turned", [False, True])
def test_a_merge_of_two_deals_with_contracts_is_decided_by_a_person(world, record, hubspot, client, turned):
    second = another_deal(world, 2042, "Second Ltd").deal
    other = hubspot.add_deal(dealname="Second", amount="1")
    Deal.objects.filter(pk=second.pk).update(crm_id=other)
    made = hubspot.merge(*((record, other) if turned else (other, record)))
    hubspot.send()
    work()
    assert set(CrmLink.objects.values_list("state", flat=True)) == {"merged"}
    assert second.number in CrmLink.objects.get(deal=world.deal).words
    client.force_login(world.admin)
    client.post(reverse("crm_keep", args=[world.deal.number]))
    work()
    world.deal.refresh_from_db()
    second.refresh_from_db()
    assert (world.deal.crm_id, second.crm_id) == (made, "")
    assert set(CrmLink.objects.values_list("state", flat=True)) == {"linked"}


@pytest.mark.req("F55")
def test_what_we_wrote_comes_back_and_is_not_written_again(world, record, hubspot):
    change = approved(world)
    work()
    world.deal.refresh_from_db()
    for _ in range(3):
        hubspot.send(repeat=2)
        work()
    writes = hubspot.store.writes(record)
    assert dict(writes)["amount"] == "13625"
    assert dict(writes)["dealops_deal"] == world.deal.number
    assert dict(writes)["dealstage"] == "won", "the card's stage after it was applied"
    assert all(len([1 for name, _ in writes if name == field]) == 1 for field, _ in writes), writes
    world.deal.refresh_from_db()
    assert world.deal.stage.code == "applied" and change.number


@pytest.mark.req("F55")
def test_a_card_moved_there_moves_here_and_a_card_moved_here_moves_there(world, record, hubspot):
    hubspot.edit(record, dealstage="renew")
    hubspot.send()
    work()
    world.deal.refresh_from_db()
    assert world.deal.stage.code == "renewal_due"
    assert not [value for name, value in hubspot.store.writes(record) if name == "dealstage"], "theirs is not written back to them"
    live = Stage.objects.get(pipeline__code="main", code="live")
    deals.move(deal_id=world.deal.pk, stage_id=live.pk, version=world.deal.version, by=world.ae, now=world.now)
    work()
    hubspot.send()
    work()
    assert hubspot.store.record("deals", record)["properties"]["dealstage"] == "live"
    world.deal.refresh_from_db()
    assert world.deal.stage.code == "live"


@pytest.mark.req("F55")
def test_a_money_stage_is_never_entered_from_hubspot(world, record, hubspot):
    hubspot.edit(record, pipeline="more", dealstage="won")
    hubspot.send()
    work()
    world.deal.refresh_from_db()
    assert world.deal.stage.code == "live"


@pytest.mark.req("F56")
def test_an_amount_edited_while_a_change_is_pending_is_shown_and_not_taken(world, record, hubspot, client):
    change = submitted(world)
    work()
    hubspot.edit(record, amount="9999")
    hubspot.send()
    work()
    client.force_login(world.ae)
    for address in (reverse("deal", args=[world.deal.number]), reverse("change", args=[change.number])):
        page = client.get(address).content.decode()
        assert "CRM now says" in page and "9,999.00" in page
    changes.approve(change_id=change.pk, version=change.version, shown_hash=change.content_hash, by=world.finance, now=world.now)
    work()
    assert hubspot.store.record("deals", record)["properties"]["amount"] == "13625"
    assert "CRM now says" not in client.get(reverse("deal", args=[world.deal.number])).content.decode()


@pytest.mark.req("F57")
@pytest.mark.parametrize("what", ["deal", "line", "new line", "deleted at night"])
def test_what_no_webhook_told_is_found_by_the_hourly_look(world, record, hubspot, what):
    if what == "deal":
        hubspot.edit(record, amount="14000")
    elif what == "line":
        hubspot.edit(line_of(hubspot, record), "line_items", quantity="25")
    elif what == "new line":
        hubspot.add_line(record, name="Odd", hs_sku="odd", quantity="1", price="1")
    else:
        hubspot.delete(record)
    hubspot.store.take_events()
    crm_inbox.ask_poll(now=timezone.now().replace(hour=crm_inbox.NIGHT if "night" in what else 12))
    work()
    link = CrmLink.objects.get()
    assert {
        "deal": link.seen["amount"] == "14000",
        "line": open_proposal() is not None and open_proposal().words == ["Team: 20 → 25"],
        "new line": open_proposal() is not None and bool(open_proposal().problems),
        "deleted at night": link.state == "deleted",
    }[what]
    reads = len(hubspot.store.calls(f"/deals/{record}"))
    crm_inbox.ask_poll(now=timezone.now().replace(hour=13))
    work()
    assert len(hubspot.store.calls(f"/deals/{record}")) <= reads + 1, "what was seen is not read for ever"


@pytest.mark.req("F58")
def test_a_flood_is_answered_at_once_and_read_once_per_deal(world, record, hubspot, settings):
    settings.HUBSPOT_READ_SECONDS = 60
    CrmLink.objects.update(read_at=timezone.now())
    before = len(hubspot.store.calls(f"/deals/{record}"))
    for start in range(0, 2000, 100):
        told = [
            {"eventId": n, "portalId": 4711, "occurredAt": n, "subscriptionType": "deal.propertyChange", "objectId": record if n % 2 else n}
            for n in range(start, start + 100)
        ]
        assert hubspot.post(told).status_code == 202
    assert len(hubspot.store.calls(f"/deals/{record}")) == before, "answered at once, read later"
    work()
    assert len(hubspot.store.calls(f"/deals/{record}")) == before, "read a moment ago: it waits for its minute"
    assert Message.objects.filter(topic="crm.read").exclude(state="done").count() == 1
    settings.HUBSPOT_READ_SECONDS = 0
    now_again()
    assert len(hubspot.store.calls(f"/deals/{record}")) == before + 1
    assert CrmEvent.objects.filter(event_id="1").count() == 1


def test_a_rule_of_the_portal_parks_the_write_with_hubspots_words(world, record, hubspot, client):
    hubspot.store.switch_on("rule", "batch/update", words="Amount needs a close date")
    approved(world)
    work()
    message = Message.objects.filter(topic="crm.write", state="parked").earliest("pk")
    assert message.last_words == "HubSpot refused it: Amount needs a close date"
    client.force_login(world.ae)
    assert "Amount needs a close date" in client.get(reverse("deal", args=[world.deal.number])).content.decode()
    retry(message_id=message.pk, by=world.admin)
    now_again()
    assert hubspot.store.record("deals", record)["properties"]["amount"] == "13625"


@pytest.mark.parametrize("fault", ["drop_before", "drop_after_commit", "500_before", "500_after_commit", "429", "malformed", "key_expired"])
def test_whatever_fails_the_value_is_there_in_the_end_and_written_at_most_once(world, record, hubspot, fault):
    hubspot.store.switch_on(fault, "batch/update", seconds=1)
    approved(world)
    for _ in range(3):
        now_again()
    assert hubspot.store.record("deals", record)["properties"]["amount"] == "13625"
    assert len([1 for name, _ in hubspot.store.writes(record) if name == "amount"]) == 1
    assert not Message.objects.filter(topic__startswith="crm.").exclude(state="done").exists()


def test_without_a_token_nothing_is_written_anywhere(world, record, hubspot, settings):
    settings.HUBSPOT_TOKEN = ""
    before = len(hubspot.store.calls())
    approved(world)
    work()
    assert len(hubspot.store.calls()) == before


@pytest.mark.req("S1-28", "S0-02")
def test_hubspot_is_told_by_which_mechanism_the_deal_grew(world, record, hubspot):
    approved(world)
    work()
    assert hubspot.store.record("deals", record)["properties"]["dealops_mechanism"] == "upsell"
    approved(world, intents=[{"action": "add", "product": "route-analytics", "quantity": "1"}])
    work()
    told = hubspot.store.record("deals", record)
    world.deal.refresh_from_db()
    assert (told["id"], told["properties"]["dealops_mechanism"]) == (world.deal.crm_id, "cross_sell")


@pytest.mark.req("S0-05")
def test_what_hubspot_will_be_told_is_shown_before_it_is_told(world, record, hubspot, client):
    change = submitted(world)
    before = len(hubspot.store.writes(record))
    client.force_login(world.ae)
    page = " ".join(client.get(f"/changes/{change.number}").content.decode().split())
    for words in ("amount</code> 13625", "dealops_mechanism</code> upsell", "dealstage</code> won"):
        assert words in page, words
    assert len(hubspot.store.writes(record)) == before
    hubspot.store.switch_on("rule", "batch/update", words="Amount needs a close date")
    changes.approve(change_id=change.pk, version=change.version, shown_hash=change.content_hash, by=world.finance, now=world.now)
    work()
    change.refresh_from_db()
    assert change.state == "applied", "what HubSpot refuses costs no change"
    page = client.get(f"/changes/{change.number}").content.decode()
    assert "Amount needs a close date" in page and "HubSpot will be told" not in page
