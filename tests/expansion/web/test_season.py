"""Whoever decides about a season sees its return as well: the day, the lines, the amounts, the next invoice then."""

import pytest
from django.urls import reverse

from expansion.models import Change
from expansion.operations import changes
from tests.expansion.desk import submitted
from tests.expansion.web.test_composer import words

pytestmark = pytest.mark.django_db


def review(client, change):
    return words(client.get(reverse("approval", args=[change.number])))


@pytest.mark.req("S0-18")
def test_the_review_of_a_season_shows_its_return_as_a_block_of_its_own(finance, world):
    change = submitted(world, intents=[*world.more_seats("12"), {"action": "return", "on": "2026-09-16"}])
    said = review(finance, change)
    assert "It comes back, 16 Sep 2026" in said
    assert "8 × 50.00 × 15/30 days = 200.00" in said or "8 x 50.00 x 15/30 days = 200.00" in said
    assert "Next invoice then, 1 Oct 2026" in said
    assert "Agreeing to this change agrees to its return as well" in said
    changes.approve(change_id=change.pk, version=1, shown_hash=change.content_hash, by=world.finance, now=world.now)
    following = Change.objects.get(carries_on=change)
    assert f"It comes back, 16 Sep 2026 {following.number} Scheduled" in review(finance, change)


def test_a_change_without_a_season_says_nothing_of_one(finance, world):
    assert "It comes back" not in review(finance, submitted(world))
