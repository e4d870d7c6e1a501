"""An add-on cannot be sold without its base, whoever asks for it and by which way (S1-11)."""

from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from billing.domain.refusal import Refusal
from expansion.models import ProductRelation
from expansion.queries.preview import preview
from tests.worlds import STORY_DAY, seed_world

pytestmark = pytest.mark.django_db
ADD_ON = {"action": "add", "product": "route-analytics", "quantity": "1"}
BASE = {"action": "add", "product": "scheduler", "quantity": "1"}


@pytest.fixture
def world(db):
    made = seed_world()
    ProductRelation.objects.create(
        product=made.products["route-analytics"], other=made.products["scheduler"], kind="requires", state="approved"
    )
    return made


def seen(world, *intents):
    return preview(deal=world.deal, contract=world.contract, intents=intents, effective=STORY_DAY, today=STORY_DAY)


@pytest.mark.req("S1-11")
def test_an_add_on_without_its_base_is_refused_beside_its_field(world):
    with pytest.raises(Refusal, match="Route Analytics needs Scheduler") as refused:
        seen(world, *world.more_seats("25"), ADD_ON)
    assert refused.value.field == "edits[1].product"


@pytest.mark.req("S1-11")
def test_with_its_base_in_the_same_change_it_is_sold(world):
    assert seen(world, BASE, ADD_ON).impact.mechanisms == ("cross_sell",)


@pytest.mark.req("S1-11")
def test_a_base_that_ended_is_no_base(world):
    row = world.contract.lines.get()
    row.pk, row.key, row.product, row.ends = None, uuid4(), world.products["scheduler"], STORY_DAY
    row.save()
    with pytest.raises(Refusal, match="Route Analytics needs Scheduler"):
        seen(world, ADD_ON)


def test_more_seats_ask_nothing_of_the_catalogue(world):
    with CaptureQueriesContext(connection) as asked:
        seen(world, *world.more_seats("25"))
    assert not [query for query in asked if "productrelation" in query["sql"]]
