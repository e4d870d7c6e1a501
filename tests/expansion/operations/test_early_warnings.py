"""Whoever closes hears of a customer near a limit in the run that finds it, by the channels they chose, once, and only of what they see."""

from datetime import time, timedelta

import pytest
from django.core import mail
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from billing.models import Team
from dealops.outbox import relay
from dealops.outbox.models import Message
from expansion.models import Notice, NoticePreference, Signal
from expansion.operations import early_warnings, inbox_of_signals, motion, owners
from expansion.operations.inbox_of_signals import Said
from tests.expansion import many
from tests.expansion.operations.customers import live, run, tell_many, told_world
from tests.expansion.web import makers
from tests.worlds import STORY_DAY

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


@pytest.fixture
def world(db):
    made = told_world(billed=False)
    live(made, "TM2")
    return made


def hour(world, after=timedelta(0)):
    return motion.hour(on=STORY_DAY, at=world.now + after)


@pytest.mark.req("S1-20", "S3-61")
def test_the_account_executive_is_told_in_the_run_with_the_days_that_are_left(world):
    assert hour(world).warned == 1
    notice = Notice.objects.get(channel="in_app")
    assert (notice.recipient, notice.signal, notice.change, notice.created_at) == (world.ae, Signal.objects.get(), None, world.now)
    assert notice.title == "Brightwave Logistics reaches a limit in 15 days"
    assert notice.body.split("\n") == [
        "Brightwave Logistics has used 19 of 20 Team seats (95 %) since 9 Jun – threshold 90 %.",
        "Projected: the last seat is taken in 15 days, on 1 Jul 2026, at the pace of the last 30 days.",
        "Suggested: 5 more Team seats x 50 bring use to 80 % or less",
        "Routed by: Straightforward upsell: account owner",
    ]
    assert notice.why == "You own this customer's deal"
    assert Notice.objects.get(channel="email").address == world.ae.email, "without a preference e-mail tells as well"
    assert not Notice.objects.filter(channel="slack").exists()


@pytest.mark.req("S1-20", "F32")
def test_the_same_signal_is_told_once_however_often_the_plays_look(world):
    hour(world)
    told, messages = Notice.objects.count(), Message.objects.count()
    assert hour(world, HOUR).warned == 0
    Signal.objects.update(state="snoozed", snoozed_until=STORY_DAY)
    run(world)
    assert hour(world, 2 * HOUR).warned == 0
    assert (Notice.objects.count(), Message.objects.count()) == (told, messages)


@pytest.mark.req("S1-20", "F32")
def test_who_gets_the_deal_while_the_signal_is_open_hears_of_it_once(world):
    hour(world)
    owners.assign(deal_id=world.deal.pk, owner_id=world.csm.pk, version=world.deal.version, by=world.ae, now=world.now)
    assert hour(world, HOUR).warned == 1
    notice = Notice.objects.get(recipient=world.csm, channel="in_app")
    assert (notice.title, notice.why) == ("Brightwave Logistics reaches a limit in 15 days", "You own this customer's deal")
    owners.assign(deal_id=world.deal.pk, owner_id=world.ae.pk, version=world.deal.version + 1, by=world.csm, now=world.now)
    assert hour(world, 2 * HOUR).warned == 0, "the former owner heard of it before"
    assert Notice.objects.filter(channel="in_app").count() == 2


@pytest.mark.req("S1-20")
def test_who_gets_the_deal_after_the_signal_is_settled_hears_nothing(world):
    hour(world)
    Signal.objects.update(state="dismissed", reason="They leave")
    owners.assign(deal_id=world.deal.pk, owner_id=world.csm.pk, version=world.deal.version, by=world.ae, now=world.now)
    assert hour(world, HOUR).warned == 0


@pytest.mark.req("S1-20", "S0-21")
def test_by_the_channels_of_ones_choice(world):
    NoticePreference.objects.create(user=world.ae, email=["approvals"], slack=["signals"], slack_id="U024BE7LH")
    hour(world)
    assert not Notice.objects.filter(channel="email").exists()
    slack = Notice.objects.get(channel="slack")
    assert slack.address == "U024BE7LH"
    assert f"/signals/{slack.signal_id}" in str(slack.blocks)


@pytest.mark.req("S1-20", "F60")
def test_what_goes_outside_waits_until_quiet_hours_are_over(world, monkeypatch):
    night = timezone.now().replace(hour=23, minute=0)
    monkeypatch.setattr(timezone, "now", lambda: night)
    NoticePreference.objects.create(user=world.ae, email=["signals"], quiet_from=time(22), quiet_until=time(7))
    hour(world)
    assert Notice.objects.get(channel="in_app").created_at == world.now, "in the app at once"
    assert Notice.objects.get(channel="email").gathered_in.available_at > night + 6 * HOUR


@pytest.mark.req("S1-20", "F95")
def test_the_e_mail_leads_to_the_signal(world):
    hour(world)
    Message.objects.update(available_at=timezone.now() - HOUR)
    while relay.drain(queue="notify"):
        pass
    (sent,) = mail.outbox
    assert sent.subject == "[dealops] Brightwave Logistics reaches a limit in 15 days"
    assert f"/signals/{Signal.objects.get().pk}\n" in sent.body
    assert "Why you get this: You own this customer's deal." in sent.body


@pytest.mark.req("S1-20", "F88")
def test_who_may_not_see_the_deal_is_told_nothing_and_revops_hears_of_it(world):
    Team.objects.create(code="north", name="North").members.add(world.ae)
    hour(world)
    assert set(Notice.objects.values_list("recipient", flat=True)) == {world.admin.pk}
    assert Notice.objects.filter(channel="in_app").get().why == "Nobody who could act owns this customer's deal"
    assert hour(world, HOUR).warned == 0, "RevOps hears of it once as well"


@pytest.mark.req("S1-20")
def test_what_the_gates_hold_back_or_a_person_logged_warns_nobody(world):
    world.contract.customer.milestones.all().delete()
    said = Said(quote="We may need more seats", kind="growing")
    inbox_of_signals.log(customer=world.contract.customer, said=said, by=world.csm, on=STORY_DAY, now=world.now)
    assert hour(world).warned == 0
    held = Signal.objects.get(state="held", play__isnull=False)
    inbox_of_signals.let_through(
        signal_id=held.pk, version=held.version_number, reason="Their result was in spring", by=world.csm, on=STORY_DAY, now=world.now
    )
    assert hour(world, HOUR).warned == 1, "once it is let through"


@pytest.mark.req("S1-20", "F113")
def test_many_at_once_are_told_in_a_number_of_statements_that_does_not_grow(world):
    counts = []
    run(world)
    for days, size in ((1, 31), (2, 62)):
        early_warnings.tell(on=STORY_DAY, at=world.now)
        tell_many([deal.contract for deal in many.deals(size, owner=world.ae)], "1")
        run(world)
        with CaptureQueriesContext(connection) as made:
            told = early_warnings.tell(on=STORY_DAY, at=world.now + timedelta(days=days))
        counts.append((told, len(made)))
    (few, statements), (more, statements_for_more) = counts
    assert (few, more) == (31, 62)
    assert statements_for_more <= statements
    assert Notice.objects.filter(channel="email", gathered_in__isnull=False).count() == 93


def test_a_notice_is_about_one_thing(world):
    hour(world)
    notice = Notice.objects.filter(channel="in_app").get()
    change = makers.change(world.deal, maker=world.ae)
    for change_pk, signal_pk in ((None, None), (change.pk, notice.signal_id)):
        with pytest.raises(IntegrityError, match="notice_about_one_thing"), transaction.atomic():
            Notice.objects.filter(pk=notice.pk).update(change_id=change_pk, signal_id=signal_pk)
