"""An offer is one thing that solves one problem; whoever reads it sees both."""

import re

import pytest

from expansion.models import Offer, Signal
from expansion.operations import offers, signals
from tests.expansion.desk import set_clock
from tests.expansion.operations.customers import live, told_world
from tests.expansion.operations.test_offers import FIVE_MORE, PITCH
from tests.expansion.operations.test_qualifying import ANSWERS, hand_off
from tests.worlds import STORY_DAY

pytestmark = pytest.mark.django_db


@pytest.mark.req("S2-28")
def test_an_offer_has_one_option_and_names_the_problem_it_solves(client, settings, db):
    set_clock(settings)
    world = told_world()
    live(world, "TM2")
    signals.run(on=STORY_DAY, at=world.now)
    given = hand_off(world)
    client.force_login(world.ae)
    form = client.get("/offers/new", {"introduction": given.pk}).content.decode()
    assert len(re.findall(r'name="product"', form)) == 1, "one product to choose, never a list of options"
    offer = offers.show(
        deal_id=world.deal.pk, pitch=PITCH, proposed=FIVE_MORE, by=world.ae, on=STORY_DAY, now=world.now, introduction=given
    )
    assert (offer.product.code, len(offer.edits), offer.problem) == ("team", 1, ANSWERS.problem)
    page = " ".join(client.get(f"/offers/{offer.pk}").content.decode().split())
    assert f"The problem it solves</dt><dd>{ANSWERS.problem}" in page
    assert Offer.objects.count() == 1 and Signal.objects.get().pk == offer.signal_id
