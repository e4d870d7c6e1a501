"""The page of plays tells those who answer for the rules whether customers are asked too much."""

from datetime import timedelta

import pytest

from expansion.models import Offer, Signal
from expansion.operations import facts, inbox_of_signals, offers, signals
from tests.expansion.desk import set_clock
from tests.expansion.operations.customers import live, tell_brightwave
from tests.expansion.operations.test_offers import FIVE_MORE, PITCH
from tests.worlds import STORY_DAY, seed_world

pytestmark = pytest.mark.django_db


@pytest.fixture
def world(db, settings):
    set_clock(settings)
    made = seed_world(billed=False)
    tell_brightwave(made)
    return made


def text(answer):
    return " ".join(answer.content.decode().split())


@pytest.mark.req("S4-62", "S3-01")
def test_who_answers_for_the_rules_sees_whether_customers_are_asked_too_much(client, world):
    live(world, "TM2")
    facts.set_profile(customer=world.contract.customer, at=world.now, onboarding_done_on=None)
    signals.run(on=STORY_DAY, at=world.now)
    signal = Signal.objects.get()
    inbox_of_signals.let_through(
        signal_id=signal.pk, version=signal.version_number, reason="They are ready", by=world.csm, on=STORY_DAY, now=world.now
    )
    offer = offers.show(deal_id=world.deal.pk, pitch=PITCH, proposed=FIVE_MORE, by=world.ae, on=STORY_DAY, now=world.now, signal=signal)
    Offer.objects.filter(pk=offer.pk).update(shown_at=world.now - timedelta(days=90))
    # 18 March, the first day of the last fortnight of its quarter.
    for user in (world.admin, world.auditor):
        client.force_login(user)
        page = text(client.get("/plays"))
        assert 'Onboarding done</strong> <span class="do-muted">G1</span>: Carl Moss, 1 time' in page
        assert "0 shown to 1 active customer: <strong>0</strong> each" in page
        assert "Ada Ellis: 1 in the last two weeks of quarters, 0 in between" in page
    client.force_login(world.ae)
    assert "Do we ask too much?" not in text(client.get("/plays"))
