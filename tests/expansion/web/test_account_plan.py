"""Where an account stands and when to talk next about what: set on its page, seen at home, refused with a sentence."""

from datetime import timedelta

import pytest
from django.contrib.messages import get_messages

from billing.models import Customer
from dealops.audit.models import Entry
from expansion.models import AccountProfile, Deal
from expansion.operations import facts
from tests.expansion.desk import set_clock
from tests.worlds import STORY_DAY, seed_world

pytestmark = pytest.mark.django_db
PLAN = "/accounts/CU-1042/plan"


@pytest.fixture
def world(db, settings):
    set_clock(settings)
    return seed_world(billed=False)


def text(answer):
    return " ".join(answer.content.decode().split())


def post(client, user, **given):
    client.force_login(user)
    answer = client.post(PLAN, {"lifecycle": "", "talk_on": "", "talk_about": "", **given})
    assert answer.status_code == 302
    return " ".join(str(message) for message in get_messages(answer.wsgi_request))


def profile():
    return AccountProfile.objects.filter(customer__number="CU-1042").first()


@pytest.mark.req("S3-66")
def test_the_next_conversation_stands_on_the_account_at_home_and_on_the_timeline(client, world):
    day = STORY_DAY + timedelta(days=3)
    assert "Saved" in post(client, world.csm, talk_on=str(day), talk_about="The second depot opens in July")
    for path in ("/accounts/CU-1042", "/home"):
        page = text(client.get(path))
        assert "The second depot opens in July" in page and "19 Jun 2026" in page, path
    assert "next conversation on 19 Jun 2026 about The second depot" in Entry.objects.get(action="account.planned").sentence
    client.force_login(world.outsider)
    assert "The second depot opens in July" not in text(client.get("/home"))
    post(client, world.csm, talk_on=str(day), talk_about="The second depot opens in July")
    assert Entry.objects.filter(action="account.planned").count() == 1, "the same again is no news"


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"talk_on": "2026-06-15", "talk_about": "Depot"}, "Choose today or a later day"),
        ({"talk_on": "2026-06-20"}, "Say what the conversation is about"),
        ({"talk_about": "Depot"}, "Say on which day"),
        ({"talk_on": "soon", "talk_about": "Depot"}, "Choose a day, for example"),
        ({"lifecycle": "asleep"}, "Choose one of sale, onboarding"),
    ],
)
def test_what_cannot_be_planned_is_refused_with_a_sentence_and_changes_nothing(client, world, given, sentence):
    assert sentence in post(client, world.csm, **given)
    assert profile() is None or (profile().next_talk_on, profile().lifecycle) == (None, "")


@pytest.mark.req("S2-11")
def test_an_account_goes_through_its_life_with_somebody_responsible_and_a_goal(client, world):
    Deal.objects.update(success_manager=None)
    assert "Saved" in post(client, world.ae, lifecycle="sale")
    assert "nobody of Customer Success yet" in post(client, world.ae, lifecycle="onboarding")
    Deal.objects.update(success_manager=world.csm)
    for stage in ("onboarding", "adoption"):
        assert "Saved" in post(client, world.csm, lifecycle=stage)
    assert "No goal is written down yet" in post(client, world.csm, lifecycle="value")
    assert profile().lifecycle == "adoption"
    facts.set_goal(customer=Customer.objects.get(number="CU-1042"), title="Plan every route the day before", at=world.now)
    for stage in ("value", "expansion", "renewal"):
        assert "Saved" in post(client, world.csm, lifecycle=stage)
    page = text(client.get("/accounts/CU-1042"))
    assert ">Renewal<" in page and "Plan every route the day before" in page


def test_finance_and_auditors_read_and_do_not_plan(client, world):
    for user in (world.finance, world.auditor):
        assert "plan conversations with customers" in post(client, user, talk_on="2026-06-20", talk_about="Depot")
        assert "Plan the next one" not in text(client.get("/accounts/CU-1042"))
    assert profile() is None
