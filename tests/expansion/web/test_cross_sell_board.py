"""A cross-sell has stages of its own, each with what should be true before a card goes on."""

import re

import pytest

from dealops.accounts.models import Role
from expansion.models import Stage
from expansion.operations import pipelines
from tests.expansion.web import makers

pytestmark = pytest.mark.django_db


def columns(client, pipeline):
    client.force_login(makers.person(Role.SALES, "Ada Ellis"))
    page = client.get("/board", {"pipeline": pipeline}).content.decode()
    return page, re.findall(r'data-column="(\w+)"', page)


@pytest.mark.req("S1-14")
def test_a_use_is_proven_and_a_purchase_goes_its_way_before_a_cross_sell_is_agreed(client):
    pipelines.ensure()
    page, codes = columns(client, "cross_sells")
    assert codes[:6] == ["signal", "qualified", "use_case_proven", "offered", "procurement", "agreed"]
    for words in ("Checklist", "The new team has tried it on its own work", "Who signs, and from whose budget, is known"):
        assert words in page, words


def test_an_upsell_needs_neither(client):
    pipelines.ensure()
    page, codes = columns(client, "upsells")
    assert not {"use_case_proven", "procurement"} & set(codes)
    assert "Checklist" not in page


def test_where_all_boards_are_one_a_stage_of_one_board_stands_between_its_neighbours(client):
    pipelines.ensure()
    _, codes = columns(client, "all")
    place = codes.index("qualified")
    assert codes[place : place + 5] == ["qualified", "use_case_proven", "offered", "procurement", "agreed"]
    assert len(codes) == len(set(codes)) == Stage.objects.values("code").distinct().count()
