"""The first question of a change is about the customer, and the answer goes along to whoever decides and to whoever follows up."""

import re

import pytest

from expansion.models import Change
from tests.expansion.desk import drafted, submitted

pytestmark = pytest.mark.django_db
GOAL = "Take on the northern depot without overtime"


def page(client, user, path):
    client.force_login(user)
    return client.get(path).content.decode()


@pytest.mark.req("S2-25", "S4-48")
def test_before_anything_is_sold_the_composer_asks_what_the_customer_wants_to_achieve(client, world):
    form = page(client, world.ae, "/deals/DL-1042/change").split('<form id="composer"', 1)[1]
    labels = [re.sub(r"<[^>]+>|\s+", " ", label).strip() for label in re.findall(r"<label[^>]*>(.*?)</label>", form, re.DOTALL)]
    assert labels[0].startswith("What does the customer want to achieve?")
    first = re.search(r'<(?:input|select|textarea)(?![^>]*type="hidden")[^>]*name="(\w+)"', form)
    assert first and first.group(1) == "goal"


@pytest.mark.req("S2-25", "S4-48")
def test_the_answer_stands_on_the_change_the_review_and_the_draft_that_is_opened_again(client, world):
    drafted(world, goal=GOAL)
    assert GOAL in page(client, world.ae, "/deals/DL-1042/change")
    Change.objects.update(state="discarded")
    change = submitted(world, goal=GOAL)
    assert GOAL in page(client, world.finance, f"/changes/{change.number}")
    assert GOAL in page(client, world.finance, f"/approvals/{change.number}")
