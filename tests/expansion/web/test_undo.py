"""Taking back an applied change and calling off a scheduled one, from the page of the change."""

import re
from datetime import date
from html import unescape

import pytest
from django.contrib.messages import get_messages
from django.test import Client

from billing.models import Document
from expansion.models import Change
from expansion.operations import changes
from tests.worlds import STORY_DAY, seed_world

pytestmark = [pytest.mark.django_db, pytest.mark.req("F82")]

WHY = "The customer ordered by mistake"


@pytest.fixture
def world(db, monkeypatch):
    made = seed_world()
    for module in ("changes", "undo"):
        monkeypatch.setattr(f"expansion.web.{module}.now", lambda: made.now)
    return made


def approved(world, effective=STORY_DAY):
    change = changes.draft(deal=world.deal, intents=world.more_seats(), effective=effective, by=world.ae, now=world.now)
    changes.submit(change_id=change.pk, version=1, shown_hash=change.content_hash, by=world.ae, now=world.now)
    return changes.approve(change_id=change.pk, version=1, shown_hash=change.content_hash, by=world.finance, now=world.now)


def signed_in(user):
    client = Client()
    client.force_login(user)
    return client


def words(response):
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", response.content.decode())).split())


def shown_hash(response):
    return re.search(r'name="shown_hash" value="(\w+)"', response.content.decode()).group(1)


def test_taking_back_shows_its_numbers_before_its_button(world):
    change = approved(world)
    client = signed_in(world.ae)
    assert f'href="/changes/{change.number}/reverse"' in client.get(f"/changes/{change.number}").content.decode()
    said = words(client.get(f"/changes/{change.number}/reverse"))
    for expected in (
        f"Take back {change.number}",
        "Team 25 → 20",
        "£1,250.00 → to £1,000.00",
        "£13,625.00 → to £12,000.00",
        "Finance has to agree",
        "Submit credit of £125.00 + VAT for approval",
    ):
        assert expected in said, expected
    assert Change.objects.count() == 1


def test_taking_back_makes_a_linked_change_that_finance_decides(world):
    change = approved(world)
    client = signed_in(world.ae)
    seen = shown_hash(client.get(f"/changes/{change.number}/reverse"))
    response = client.post(f"/changes/{change.number}/reverse", {"reason": WHY, "shown_hash": seen})
    back = Change.objects.get(reverses=change)
    assert response["Location"] == f"/changes/{back.number}"
    assert (back.state, back.goal, back.amount_now) == ("submitted", WHY, -change.amount_now)
    assert Document.objects.filter(reference=back.number).count() == 0
    assert f"This takes back {change.number}" in words(client.get(f"/changes/{back.number}"))
    original = client.get(f"/changes/{change.number}")
    assert f"Being taken back by {back.number}" in words(original)
    assert "/reverse" not in original.content.decode()
    # A second click, or the way back in the browser, leads to the same change.
    assert client.post(f"/changes/{change.number}/reverse", {"reason": WHY, "shown_hash": seen})["Location"] == f"/changes/{back.number}"


def test_taking_back_needs_its_reason(world):
    change = approved(world)
    client = signed_in(world.ae)
    seen = shown_hash(client.get(f"/changes/{change.number}/reverse"))
    response = client.post(f"/changes/{change.number}/reverse", {"reason": "", "shown_hash": seen})
    assert response.status_code == 422
    assert "Say in a sentence why it is taken back." in words(response)
    assert Change.objects.count() == 1


@pytest.mark.req("F07")
def test_amounts_that_were_not_shown_are_not_taken_back(world):
    change = approved(world)
    response = signed_in(world.ae).post(f"/changes/{change.number}/reverse", {"reason": WHY, "shown_hash": "0" * 64})
    assert response.status_code == 409
    assert "Submit credit of £125.00 + VAT for approval" in words(response)
    assert Change.objects.count() == 1


def test_who_changes_no_deals_takes_none_back(world):
    change = approved(world)
    client = signed_in(world.auditor)
    assert "/reverse" not in client.get(f"/changes/{change.number}").content.decode()
    assert "Only Sales, Customer Success and RevOps change deals" in words(client.get(f"/changes/{change.number}/reverse"))


def test_a_draft_is_not_taken_back(world):
    change = changes.draft(deal=world.deal, intents=world.more_seats(), effective=STORY_DAY, by=world.ae, now=world.now)
    assert "Only a change that is in effect can be reversed." in words(signed_in(world.ae).get(f"/changes/{change.number}/reverse"))


def test_a_scheduled_change_is_called_off_with_a_reason(world):
    change = approved(world, effective=date(2026, 6, 24))
    client = signed_in(world.ae)
    assert f'href="/changes/{change.number}/cancel"' in client.get(f"/changes/{change.number}").content.decode()
    assert client.post(f"/changes/{change.number}/cancel", {"reason": ""}).status_code == 422
    response = client.post(f"/changes/{change.number}/cancel", {"reason": WHY})
    assert [str(message) for message in get_messages(response.wsgi_request)] == [f"{change.number} was called off. Nothing was billed."]
    said = words(client.get(f"/changes/{change.number}"))
    assert "Discarded by Ada Ellis" in said
    assert WHY in said


def test_an_applied_change_is_not_called_off(world):
    change = approved(world)
    assert "A change that is in effect is reversed." in words(signed_in(world.ae).get(f"/changes/{change.number}/cancel"))
