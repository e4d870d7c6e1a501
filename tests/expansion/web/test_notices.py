"""Notifications: mine, unread first, marked by me only; and what went out by e-mail and Slack, as it was sent."""

import pytest

from dealops.accounts.models import Role
from expansion.domain.slack import slack_text
from expansion.queries.notices import email_of
from expansion.web.blocks import blocks_html
from tests.expansion.web import makers

pytestmark = pytest.mark.django_db


@pytest.fixture
def fiona():
    return makers.person(Role.FINANCE, "Fiona Reid")


@pytest.fixture
def change():
    ada = makers.person(Role.SALES, "Ada Ellis")
    return makers.change(makers.deal("Brightwave Logistics", owner=ada), maker=ada)


def inbox(client, user, query=""):
    client.force_login(user)
    return client.get(f"/notifications{query}").content.decode()


def test_one_sees_ones_own_notices_and_why(client, fiona, change):
    makers.notice(change, fiona, title="Approval needed: Brightwave")
    makers.notice(change, change.maker, title="For somebody else")
    page = inbox(client, fiona)
    assert "Approval needed: Brightwave" in page
    assert "You approve for Finance" in page
    assert "For somebody else" not in page


def test_read_ones_leave_the_first_tab_and_stay_on_the_second(client, fiona, change):
    notice = makers.notice(change, fiona, title="Approval needed: Brightwave")
    client.force_login(fiona)
    assert client.post("/notifications/read", {"notice": notice.pk}).url == "/notifications"
    notice.refresh_from_db()
    assert notice.read_at is not None
    assert "Approval needed: Brightwave" not in inbox(client, fiona)
    assert "All read" in inbox(client, fiona)
    assert "Approval needed: Brightwave" in inbox(client, fiona, "?show=all")


def test_all_at_once(client, fiona, change):
    for n in range(3):
        makers.notice(change, fiona, title=f"Notice {n}")
    client.force_login(fiona)
    answer = client.post("/notifications/read", follow=True)
    assert "3 notifications marked as read." in answer.content.decode()


def test_nobody_marks_anothers_notice(client, fiona, change):
    theirs = makers.notice(change, change.maker)
    client.force_login(fiona)
    client.post("/notifications/read", {"notice": theirs.pk})
    theirs.refresh_from_db()
    assert theirs.read_at is None


def test_marking_is_a_post_and_comes_back_to_this_host(client, fiona, change):
    client.force_login(fiona)
    assert client.get("/notifications/read").status_code == 405
    assert client.post("/notifications/read", {"next": "https://evil.test/"}).url == "/notifications"


def test_an_empty_inbox_says_what_will_come(client, fiona):
    assert "Nothing yet" in inbox(client, fiona, "?show=all")


def test_what_was_mailed_is_shown_word_for_word(client, fiona, change, settings):
    settings.DEMO = True
    notice = makers.notice(
        change, fiona, channel="email", address=fiona.email, message=makers.message("done"), body="Customer: Brightwave\nMade by: Ada"
    )
    subject, text = email_of(notice)
    client.force_login(fiona)
    page = client.get("/notifications/outbox?show=email").content.decode()
    assert subject in page
    assert f"/changes/{change.number}" in text
    assert "Made by: Ada" in page
    assert ">Sent<" in page


def test_what_went_to_slack_is_rendered_readably(client, fiona, change, settings):
    settings.DEMO, settings.SLACK_TOKEN = True, ""
    blocks = [
        {"type": "header", "text": {"type": "plain_text", "text": "Approval needed: Brightwave"}},
        {"type": "section", "fields": [{"type": "mrkdwn", "text": "*Customer*\nBrightwave"}]},
        {"type": "actions", "elements": [{"type": "button", "text": {"type": "plain_text", "text": "Review"}, "url": "http://x.test"}]},
    ]
    makers.notice(change, None, channel="slack", address="#finance-approvals", blocks=blocks, message=makers.message("done"))
    client.force_login(fiona)
    page = client.get("/notifications/outbox?show=slack").content.decode()
    assert "<strong>Customer</strong><br>Brightwave" in page
    assert "Review" in page
    assert "#finance-approvals" in page
    assert "no Slack token is set" in page


@pytest.mark.req("F92")
@pytest.mark.parametrize("hostile", ["<script>alert(1)</script>", "<!channel>", "<https://evil.test|click>", "a & b", "*bold*"])
def test_what_people_typed_stays_text_in_the_preview(hostile):
    shown = blocks_html([{"type": "section", "text": {"type": "mrkdwn", "text": f"*Customer*\n{slack_text(hostile)}"}}])
    assert "<script" not in shown
    assert "<!channel" not in shown
    assert "href" not in shown


def test_what_was_sent_to_others_is_private_outside_the_demo(client, fiona, change, settings):
    settings.DEMO = False
    client.force_login(fiona)
    assert client.get("/notifications/outbox").status_code == 403
    assert "Sent by e-mail" not in inbox(client, fiona)
    client.force_login(makers.person(Role.REVOPS, "Rhea Kaur"))
    assert client.get("/notifications/outbox").status_code == 200
