"""Very many things happen in a minute: in the app each is told, outside a person gets some messages and one that sums up the rest."""

from datetime import timedelta

import pytest
from django.core import mail
from django.db import transaction
from django.utils import timezone

from dealops.accounts.models import Role
from dealops.outbox import relay
from dealops.outbox.models import Message
from expansion.models import Notice, NoticePreference
from expansion.operations import digests, notices
from expansion.queries.notices import NAMED
from expansion.web.notices import _delivery
from tests.expansion.web import makers

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def now(monkeypatch):
    """One moment for everything, so that no window ends while a slow machine works."""
    moment = timezone.now()
    monkeypatch.setattr(timezone, "now", lambda: moment)
    return moment


@pytest.fixture
def change():
    ada = makers.person(Role.SALES, "Ada Ellis")
    NoticePreference.objects.create(user=ada, email=["my_changes"], slack=["my_changes"], slack_id="U024BE7LH")
    return makers.change(makers.deal("Brightwave Logistics", owner=ada), maker=ada)


def told(change, times, *, now=None, first=0):
    for number in range(first, first + times):
        notices._tell_maker(change, event=f"event.{number}", title=f"Event {number}", body="It happened.", now=now or timezone.now())


def deliver(**which):
    """What is due goes out; the database's clock stands at the beginning of this test."""
    Message.objects.filter(**which).update(available_at=timezone.now() - timedelta(hours=1))
    while relay.drain(queue="notify"):
        pass


@pytest.mark.req("F113", "G40")
@pytest.mark.parametrize("events", [100, pytest.param(1000, marks=pytest.mark.proof("G40 a storm of notices"))])
def test_many_events_in_a_minute_are_as_many_notices_and_one_digest_for_each_channel(change, events):
    told(change, events)
    assert Notice.objects.filter(channel="in_app").count() == events
    for channel in ("email", "slack"):
        sent = Notice.objects.filter(channel=channel)
        assert sent.count() == events
        assert sent.filter(message__isnull=False).count() == digests.A_STORM
        assert sent.filter(gathered_in__isnull=False).values("gathered_in").distinct().count() == 1
    deliver()
    assert len(mail.outbox) == digests.A_STORM + 1
    gathered = mail.outbox[-1]
    rest = events - digests.A_STORM
    assert gathered.subject == f"[dealops] {rest} more notifications"
    assert f"Event {digests.A_STORM}\n" in gathered.body
    assert f"and {rest - NAMED} more" in gathered.body
    assert "/notifications" in gathered.body


@pytest.mark.req("F113", "F32")
def test_an_event_told_again_is_neither_sent_nor_gathered_a_second_time(change):
    told(change, digests.A_STORM + 5)
    before = (Notice.objects.count(), Message.objects.count())
    told(change, digests.A_STORM + 5)
    assert (Notice.objects.count(), Message.objects.count()) == before


@pytest.mark.req("F113")
def test_when_the_storm_is_over_messages_come_one_by_one_again(change, now):
    told(change, digests.A_STORM + 5)
    told(change, 1, now=now + digests.WINDOW + timedelta(seconds=1), first=500)
    assert Notice.objects.filter(event="event.500", message__isnull=False).count() == 2


@pytest.mark.req("F113")
def test_the_digest_waits_for_the_end_of_its_window_and_the_preview_says_so(change, now):
    told(change, digests.A_STORM + 1)
    deliver(available_at__lte=now)
    last = Notice.objects.select_related("message", "gathered_in").get(event=f"event.{digests.A_STORM}", channel="email")
    assert last.gathered_in.available_at > now
    assert _delivery(last) == "Waiting to be sent together with others"
    assert len(mail.outbox) == digests.A_STORM


@pytest.fixture
def night(change, now):
    """The maker sleeps for another hour."""
    at = timezone.localtime(now)
    hours = {"quiet_from": (at - timedelta(hours=1)).time(), "quiet_until": (at + timedelta(hours=1)).time()}
    NoticePreference.objects.filter(user=change.maker).update(**hours)
    return now + timedelta(hours=1)


@pytest.mark.req("F113", "S0-21")
def test_a_quiet_night_ends_in_one_message_for_each_channel(change, now, night):
    told(change, 5)
    deliver(available_at__lte=now)
    assert not mail.outbox and Notice.objects.filter(channel="in_app").count() == 5
    held = Message.objects.filter(topic=digests.TOPIC)
    assert sorted(held.values_list("payload__channel", "available_at")) == [(one, night + digests.GRACE) for one in ("email", "slack")]
    deliver()
    (morning,) = mail.outbox
    assert morning.subject == "[dealops] 5 notifications from your quiet hours"
    assert "Event 0\n" in morning.body and "Event 4\n" in morning.body and "they came in your quiet hours" in morning.body
    assert not Message.objects.exclude(state="done").exists()


@pytest.mark.req("F113", "S0-21")
def test_a_storm_in_a_quiet_night_is_still_one_message_for_each_channel(change, night):
    told(change, digests.A_STORM + 5)
    deliver()
    assert [one.subject for one in mail.outbox] == [f"[dealops] {digests.A_STORM + 5} notifications from your quiet hours"]
    assert Message.objects.filter(topic=digests.TOPIC).count() == 2


@pytest.mark.req("S0-21")
def test_what_came_alone_in_a_quiet_night_is_told_as_at_any_other_time(change, night):
    told(change, 1)
    deliver()
    assert [one.subject for one in mail.outbox] == ["[dealops] Event 0"]


@pytest.mark.req("S0-20", "S0-21")
def test_a_decision_whose_time_runs_out_stands_by_itself_in_the_morning(change, now, night):
    told(change, 3)
    notices._tell_maker(change, event="decision_late.1", title="A decision is overdue", body="", now=now)
    assert set(Notice.objects.filter(message__isnull=False).values_list("event", flat=True)) == {"decision_late.1"}
    assert set(Message.objects.filter(notice__isnull=False).values_list("available_at", flat=True)) == {night}
    deliver()
    assert sorted(one.subject for one in mail.outbox) == [
        "[dealops] 3 notifications from your quiet hours",
        "[dealops] A decision is overdue",
    ]


@pytest.mark.req("F113")
def test_the_channel_of_those_who_decide_gets_every_question(change, now):
    """Its messages carry the buttons of the decision."""
    with transaction.atomic():
        for number in range(digests.A_STORM + 5):
            notices._tell_slack(change, event=f"asked.{number}", title="Approval needed", body="", blocks=[], now=now)
    assert not Notice.objects.filter(recipient=None, gathered_in__isnull=False).exists()
