"""Deciding from Slack: signed, by a connected person, by the same rules as on the page, and the message shows what became of it."""

import time

import pytest
from django.test import Client
from django.urls import reverse

from dealops.accounts.models import Role
from dealops.audit.models import Entry
from dealops.outbox import relay
from dealops.outbox.models import Message
from expansion.adapters.slack import signing
from expansion.adapters.slack.stand_in import StandIn
from expansion.models import Change, Decision, SlackAccount, SlackPost
from expansion.operations import changes, slack_acts
from tests.expansion.desk import set_clock, submitted
from tests.worlds import seed_world

pytestmark = [pytest.mark.browser, pytest.mark.req("F59")]
SECRET = "shh"


@pytest.fixture
def slack(site, committed, settings, tmp_path):
    server = StandIn(tmp_path, hook=f"{site}/hooks/slack", secret=SECRET).start()
    settings.SLACK_TOKEN, settings.SLACK_API_URL, settings.SLACK_SIGNING_SECRET = "xoxb-test", server.api_url, SECRET
    yield server
    server.stop()


@pytest.fixture
def world(slack, settings):
    made = seed_world()
    set_clock(settings)
    SlackAccount.objects.create(user=made.finance, member="UFIONA", connected_at=made.now)
    SlackAccount.objects.create(user=made.ae, member="UADA", connected_at=made.now)
    return made


@pytest.fixture
def asked(world, slack):
    """A submitted change whose request stands in the channel."""
    change = submitted(world)
    told()
    (message,) = slack.store.messages("#finance-approvals")
    assert [part["text"]["text"] for part in message["blocks"][-1]["elements"]] == ["Review", "Approve…", "Reject…"]
    return change


def told():
    while relay.drain(queue="notify"):
        pass


def request_in(slack):
    return slack.store.messages("#finance-approvals")[-1]


def pressed(slack, member, action):
    """The button, and the form that opens."""
    trigger = slack.press(member, action, request_in(slack))
    told()
    return trigger, slack.store.form(trigger)[1]


def shown(view):
    return view["blocks"][0]["text"]["text"]


def test_the_form_repeats_the_facts_and_approves_exactly_what_was_shown(world, asked, slack):
    trigger, form = pressed(slack, "UFIONA", "approve")
    facts = " ".join(field["text"] for field in form["blocks"][0]["fields"])
    assert "£125.00 + £25.00 tax = £150.00" in facts
    receipt = slack.submit(trigger, {})
    asked.refresh_from_db()
    assert asked.state == "applied"
    assert receipt["title"]["text"] == "Approved"
    assert asked.document_number in shown(receipt)
    decision = Decision.objects.get()
    assert (decision.by, decision.via, decision.content_hash) == (world.finance, "slack", asked.content_hash)
    told()
    message = request_in(slack)
    assert message["edits"] == 1
    assert "Approved by Fiona Reid" in str(message["blocks"]) and asked.document_number in str(message["blocks"])
    assert not any(part.get("action_id") == "approve" for block in message["blocks"] for part in block.get("elements", ()))
    assert SlackPost.objects.get().settled.startswith("applied.")


def test_a_rejection_needs_its_reason_and_tells_it(asked, slack):
    trigger, form = pressed(slack, "UFIONA", "reject")
    assert form["blocks"][-1]["element"]["min_length"] == 5
    assert slack.submit(trigger, {"reason": "no"})["title"]["text"] == "Nothing was decided"
    trigger, _ = pressed(slack, "UFIONA", "reject")
    assert slack.submit(trigger, {"reason": "The purchase order is missing"})["title"]["text"] == "Rejected"
    asked.refresh_from_db()
    assert (asked.state, asked.closed_reason) == ("rejected", "The purchase order is missing")
    told()
    assert "The purchase order is missing" in str(request_in(slack)["blocks"])


@pytest.mark.req("F84")
def test_the_maker_is_told_alone_why_not_and_no_form_opens(asked, slack):
    _, form = pressed(slack, "UADA", "approve")
    assert form is None
    (whisper,) = slack.store.whispers()
    assert whisper["member"] == "UADA"
    assert whisper["text"].startswith("You can't decide this: you made this change.")
    asked.refresh_from_db()
    assert asked.state == "submitted"


@pytest.mark.req("F97")
def test_what_weighs_a_lot_is_approved_on_its_page_and_may_be_rejected_here(asked, slack, settings):
    trigger, _ = pressed(slack, "UFIONA", "approve")
    settings.STEP_UP_AMOUNTS = {"GBP": 100}
    late = slack.submit(trigger, {})
    assert late["title"]["text"] == "Nothing was decided"
    assert "Open the review page and approve it there" in shown(late) and f"/approvals/{asked.number}" in shown(late)
    _, form = pressed(slack, "UFIONA", "approve")
    assert form is None
    assert "Above 100 GBP whoever approves confirms who they are" in slack.store.whispers()[-1]["text"].replace("above", "Above")
    assert not Decision.objects.exists()
    trigger, form = pressed(slack, "UFIONA", "reject")
    assert slack.submit(trigger, {"reason": "The purchase order is missing"})["title"]["text"] == "Rejected"


def test_pressed_twice_decides_once(asked, slack):
    first, _ = pressed(slack, "UFIONA", "approve")
    second, _ = pressed(slack, "UFIONA", "approve")
    assert slack.submit(first, {})["title"]["text"] == "Approved"
    loser = slack.submit(second, {})
    assert loser["title"]["text"] == "Nothing was decided"
    assert "Already approved by Fiona Reid" in shown(loser)
    assert Decision.objects.count() == 1


def test_a_decision_on_the_page_brings_the_message_up_to_date(world, asked, slack):
    changes.approve(change_id=asked.pk, version=asked.version, shown_hash=asked.content_hash, by=world.finance, now=world.now)
    told()
    assert "Approved by Fiona Reid" in str(request_in(slack)["blocks"])


def test_a_recalled_change_leaves_no_buttons_behind(world, asked, slack):
    changes.recall(change_id=asked.pk, version=asked.version, by=world.ae, now=world.now)
    told()
    assert "Recalled by the maker" in str(request_in(slack)["blocks"])
    _, form = pressed_old(slack, asked)
    assert form is None


def pressed_old(slack, change):
    """A press of a button that somebody still sees on a screen that was not refreshed."""
    value = f"{change.number}|{change.version}|{change.content_hash}"
    old = {**request_in(slack), "blocks": [{"type": "actions", "elements": [{"action_id": "approve", "value": value}]}]}
    trigger = slack.press("UFIONA", "approve", old)
    told()
    return trigger, slack.store.form(trigger)[1]


def test_decided_while_the_message_was_on_its_way_it_is_settled_at_once(world, slack):
    change = submitted(world)
    changes.reject(change_id=change.pk, version=change.version, reason="Too early in the year", by=world.finance, now=world.now)
    told()
    assert "Rejected by Fiona Reid" in str(request_in(slack)["blocks"])


def test_a_stranger_gets_a_link_that_connects_whoever_is_signed_in(world, asked, slack):
    SlackAccount.objects.all().delete()
    _, form = pressed(slack, "UFIONA", "approve")
    assert form is None
    link = slack.store.whispers()[0]["text"].rsplit(" ", 1)[1]
    browser = Client()
    browser.force_login(world.finance)
    page = browser.get(link.replace("http://", "/").partition("/slack")[1] + link.partition("/slack")[2])
    assert b"Slack member <strong>UFIONA</strong>" in page.content
    browser.post(reverse("slack_connect"), {"ticket": page.context["ticket"]})
    assert SlackAccount.objects.get().user == world.finance
    assert Entry.objects.filter(action="slack.connected").count() == 1
    trigger, _ = pressed(slack, "UFIONA", "approve")
    assert slack.submit(trigger, {})["title"]["text"] == "Approved"
    browser.post(reverse("slack_connect"), {"disconnect": "1"})
    assert not SlackAccount.objects.exists()


def test_one_member_is_one_person_and_an_old_link_connects_nobody(world, client):
    client.force_login(world.admin)
    client.post(reverse("slack_connect"), {"ticket": slack_acts.ticket_for("UFIONA")})
    assert SlackAccount.objects.get(member="UFIONA").user == world.finance
    page = client.get(reverse("slack_connect"), {"ticket": "UX:forged"})
    assert b"This link is too old" in page.content
    client.post(reverse("slack_connect"), {"ticket": "UX:forged"})
    assert not SlackAccount.objects.filter(user=world.admin).exists()


def test_what_slack_did_not_sign_is_refused_without_echo(world, asked, client):
    body = b"payload=%7B%22type%22%3A%22block_actions%22%7D"
    answer = client.post("/hooks/slack", body, content_type="application/x-www-form-urlencoded")
    assert (answer.status_code, b"block_actions" in answer.content) == (401, False)


@pytest.mark.parametrize(
    "body", [b"", b"payload=", b"payload=%7B", b"payload=[]", b"x=1", b"payload=%7B%22type%22%3A%22shortcut%22%7D", b"\xff"]
)
def test_a_signed_body_that_is_no_press_is_refused_with_a_sentence(world, client, body):
    now = str(int(time.time()))
    headers = {"X-Slack-Request-Timestamp": now, "X-Slack-Signature": signing.signature(SECRET, now, body)}
    answer = client.post("/hooks/slack", body, content_type="application/x-www-form-urlencoded", headers=headers)
    assert (answer.status_code, answer.json()["error"]) == (
        400,
        "This is not a button or a form of dealops.",
    ) or b"not used" in answer.content


@pytest.mark.req("F60")
def test_slack_down_keeps_the_task_in_the_app_and_posts_once_later(world, slack):
    slack.store.switch_on("500_after_commit", "chat.postMessage")
    change = submitted(world)
    told()
    assert change.notices.filter(channel="in_app").exists()
    Message.objects.filter(topic="notice.slack").update(available_at=world.now)
    told()
    assert len(slack.store.messages("#finance-approvals")) == 1, "found by its key, not posted again"
    assert SlackPost.objects.count() == 1


@pytest.mark.req("F85")
def test_whose_role_was_taken_away_decides_no_more(world, asked, slack):
    trigger, _ = pressed(slack, "UFIONA", "approve")
    world.finance.role = Role.AUDITOR
    world.finance.save()
    assert slack.submit(trigger, {})["title"]["text"] == "Nothing was decided"
    assert Change.objects.get().state == "submitted"
