"""The record in HubSpot carries the four groups of a hand-off, over HTTP: each in the property RevOps named, once, nobody's wish."""

import pytest

from billing.domain.refusal import Refusal
from dealops.outbox import relay
from dealops.outbox.models import Message
from dealops.outbox.operations import enqueue
from expansion.adapters.hubspot.stand_in import StandIn
from expansion.handlers import crm as handlers
from expansion.models import CrmLink, CrmProperty, CrmProposal, Deal, Signal
from expansion.operations import crm_context, qualifying
from expansion.queries.crm_context import CONTEXT_TOPIC, context_subject
from tests.expansion.desk import set_clock
from tests.expansion.operations.customers import live, run, told_world
from tests.worlds import NOON, STORY_DAY

pytestmark = pytest.mark.django_db
NAMES = {"need": "dealops_need", "product": "dealops_product", "offer": "dealops_offer", "routing": "dealops_routing"}
ANSWERS = qualifying.Answers(
    goal="Take on the northern depot", problem="Only one seat is left", evidence="19 of 20 seats in use", contact="Dana Price",
    scores={"budget": 2, "timing": 3, "need": 3, "commitment": 1},
)  # fmt: skip


@pytest.fixture
def hubspot(settings, tmp_path):
    server = StandIn(tmp_path, hook="http://testserver/hooks/hubspot", secret="shh").start()
    settings.HUBSPOT_TOKEN, settings.HUBSPOT_API_URL, settings.HUBSPOT_READ_SECONDS = "pat-test", server.url, 0
    yield server
    server.stop()


@pytest.fixture
def world(settings, db, hubspot):
    made = told_world()
    set_clock(settings)
    live(made, "TM2")
    run(made)
    record = hubspot.add_deal(dealname="Brightwave", amount="13200", pipeline="default", dealstage="live")
    hubspot.add_line(record, name="Team", hs_sku="team", quantity="20", price="50.00")
    Deal.objects.filter(pk=made.deal.pk).update(crm_id=record)
    made.deal.refresh_from_db()
    handlers.test_connection()
    return made


def work():
    Message.objects.filter(state="queued").update(available_at=NOON)
    while sum(relay.drain(queue=queue) for queue in ("bulk", "notify")):
        pass


def name_them(world, **other):
    return crm_context.name_properties({**NAMES, **other}, by=world.admin, now=world.now)


def hand_off(world):
    signal = Signal.objects.get()
    return qualifying.hand_off(
        signal_id=signal.pk, version=signal.version_number, answers=ANSWERS, by=world.csm, on=STORY_DAY, now=world.now
    )


def told(hubspot):
    return hubspot.store.record("deals", Deal.objects.exclude(crm_id="").get().crm_id)["properties"]


@pytest.mark.req("S3-57", "S3-58", "S3-59", "S3-60", "S3-61")
def test_the_record_says_what_they_need_and_have_what_was_offered_and_why_it_comes_to_whom(world, hubspot):
    assert name_them(world) == 4
    hand_off(world)
    work()
    said = told(hubspot)
    assert said["dealops_need"].split("\n")[:2] == ["Goal: Take on the northern depot", "Problem: Only one seat is left"]
    assert "Contact: Dana Price" in said["dealops_need"]
    assert "Owned: Team x 20" in said["dealops_product"] and "In use: 95 %" in said["dealops_product"]
    assert "Answer: not shown yet" in said["dealops_offer"]
    assert "Routing: Straightforward upsell: account owner" in said["dealops_routing"]


@pytest.mark.req("S3-57", "F55")
def test_our_own_writing_is_no_proposal_and_is_done_once(world, hubspot):
    name_them(world)
    given = hand_off(world)
    work()
    record = Deal.objects.exclude(crm_id="").get().crm_id
    link = CrmLink.objects.get()
    handlers.mark(record)
    work()
    crm_context.want(given)
    enqueue(topic=CONTEXT_TOPIC, identity="again", subject=context_subject(link.pk), payload={"link": link.pk}, queue="notify")
    work()
    assert Message.objects.filter(topic=CONTEXT_TOPIC, state="done").count() == 2
    writes = [name for name, _ in hubspot.store.writes(record) if name in NAMES.values()]
    assert sorted(writes) == sorted(NAMES.values()), "each once"
    assert not CrmProposal.objects.exists()
    hubspot.edit(record, dealops_need="Rewritten by a colleague")
    handlers.mark(record)
    work()
    assert told(hubspot)["dealops_need"] == "Rewritten by a colleague", "what somebody writes there stays"
    assert not CrmProposal.objects.exists() and CrmLink.objects.get().pk == link.pk


@pytest.mark.req("S3-57")
def test_only_what_is_named_is_written_and_a_refusal_holds_up_nothing_else(world, hubspot):
    hand_off(world)
    work()
    assert not Message.objects.filter(topic=CONTEXT_TOPIC).exists(), "no property is named"
    name_them(world, offer="", routing="")
    hubspot.store.switch_on("rule", "batch/update", words="Property dealops_need does not exist")
    crm_context.want(world.deal.introductions.get())
    work()
    parked = Message.objects.get(topic=CONTEXT_TOPIC)
    assert parked.state == "parked" and "does not exist" in parked.last_words
    assert parked.subject != f"crm-write:{CrmLink.objects.get().pk}"


@pytest.mark.req("S3-57")
def test_revops_names_the_properties_and_each_carries_one_group(world, client):
    client.force_login(world.admin)
    page = client.post("/crm/properties", NAMES, follow=True).content.decode()
    assert "Saved. The next hand-off is written there." in page and 'value="dealops_need"' in page
    for wrong, words in (
        ("amount", "carries something else"),
        ("dealops_product", "carries something else"),
        ("Not A Name", "internal name"),
    ):
        answer = client.post("/crm/properties", {**NAMES, "need": wrong})
        assert answer.status_code == 422 and words in answer.content.decode()
    assert CrmProperty.objects.get(group="need").name == "dealops_need"
    swapped = {**NAMES, "need": "dealops_product", "product": "dealops_need"}
    assert crm_context.name_properties(swapped, by=world.admin, now=world.now) == 2
    client.force_login(world.csm)
    assert client.get("/crm/properties").status_code == 403
    with pytest.raises(Refusal):
        crm_context.name_properties(NAMES, by=world.csm, now=world.now)
