"""The page of plays tells those who answer for the rules whether customers are asked too much."""

from datetime import timedelta

import pytest

from dealops.audit.models import Entry
from expansion.models import Offer, OfferLimit, Signal
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
        assert "In seven days, to all customers together: <strong>0</strong> of at most <strong>50</strong>" in page
    client.force_login(world.ae)
    assert "Do we ask too much?" not in text(client.get("/plays"))


@pytest.mark.req("S3-01")
def test_revops_sets_how_many_offers_a_week_there_are_and_others_do_not(client, world):
    client.force_login(world.admin)
    assert "Set: 12 a week." in text(client.post("/plays/offers-a-week", {"per_week": "12", "seen": "50"}, follow=True))
    assert 'name="per_week" type="number" inputmode="numeric" min="0" max="100000" value="12"' in text(client.get("/plays"))
    assert "Somebody else set the limit meanwhile" in text(
        client.post("/plays/offers-a-week", {"per_week": "9", "seen": "50"}, follow=True)
    )
    for wrong in ("-1", "many", "1.5", "100001"):
        page = text(client.post("/plays/offers-a-week", {"per_week": wrong, "seen": "12"}, follow=True))
        assert "Write a whole number from 0 to 100,000" in page
    assert OfferLimit.objects.get().per_week == 12
    assert "Set: no limit." in text(client.post("/plays/offers-a-week", {"per_week": "", "seen": "12"}, follow=True))
    entry = Entry.objects.filter(action="offers.limit_set").latest("pk")
    assert entry.sentence == "Rhea Kaur set the limit of offers to all customers together: no limit. Before: 12 a week."
    client.force_login(world.csm)
    assert "RevOps writes plays" in text(client.post("/plays/offers-a-week", {"per_week": "500", "seen": ""}, follow=True))
    assert OfferLimit.objects.get().per_week is None
    client.force_login(world.auditor)
    assert "Offers a week at most" not in text(client.get("/plays"))
