"""Drafts in the composer: kept while one types, opened again as they were, never replaced unseen."""

import json

import pytest

from billing.models import Price
from expansion.models import Change
from expansion.operations import changes
from tests.expansion.web.test_composer import Composer, frozen, words
from tests.worlds import STORY_DAY, seed_world

pytestmark = pytest.mark.django_db


@pytest.fixture
def world(db, monkeypatch):
    return frozen(seed_world(), monkeypatch)


def test_a_draft_is_saved_and_opens_again_as_it_was(world):
    composer = Composer(world, world.ae)
    composer.press("save", quantity="25", goal="Five dispatchers", add__0__product="route-analytics", add__0__quantity="2")
    again = Composer(world, world.ae)
    assert f'name="quantity-{again.key}" value="25"' in again.page
    assert '<option value="route-analytics" selected' in again.page
    assert 'name="add-0-quantity" value="2"' in again.page
    assert "Change CH-2026-0042" in words(again.response)


def test_typing_keeps_an_existing_draft(world):
    Composer(world, world.ae).press("save", quantity="25")
    composer = Composer(world, world.ae)
    answer = json.loads(composer.press("keep", quantity="30").content)
    assert answer["version"] == 2
    assert answer["words"].startswith("Saved 12:00 as CH-2026-0042")
    assert Change.objects.get().edits[0]["quantity"] == "30"


def test_typing_nonsense_does_not_touch_the_draft(world):
    Composer(world, world.ae).press("save", quantity="25")
    assert Composer(world, world.ae).press("keep", quantity="-1").status_code == 422
    assert Change.objects.get().version == 1


@pytest.mark.req("F05")
def test_of_two_windows_the_older_one_sees_both_versions_and_can_keep_its_own(world):
    Composer(world, world.ae).press("save", quantity="25")
    mine, other = Composer(world, world.ae), Composer(world, world.ae)
    other.press("save", quantity="30", goal="A second depot")
    response = mine.press("save", quantity="22")
    said = words(response)
    assert response.status_code == 409
    assert "CH-2026-0042 was saved elsewhere since you opened it" in said
    assert "Team: 20 → 22" in said
    assert "Team: 20 → 30" in said
    assert "A second depot" in said
    assert Change.objects.get().edits[0]["quantity"] == "30"
    # The form now names the version it would replace: saving again is the decision to keep one's own.
    assert mine.press("save", quantity="22").status_code == 302
    assert Change.objects.get().edits[0]["quantity"] == "22"


@pytest.mark.req("F07")
def test_a_draft_on_terms_that_moved_says_so_when_it_is_opened(world):
    Composer(world, world.ae).press("save", add__0__product="route-analytics", add__0__quantity="1", quantity="20")
    Price.objects.filter(product__code="route-analytics", currency="GBP", months=1).update(unit_price=330)
    said = words(Composer(world, world.ae).response)
    assert "What this draft was computed on has changed" in said
    assert "This period, net £150.00 £165.00" in said


def test_a_draft_is_discarded_from_the_composer(world):
    composer = Composer(world, world.ae)
    composer.press("save", quantity="25")
    response = composer.client.post("/changes/CH-2026-0042/act", {"act": "discard", "version": "1"})
    assert response["Location"] == "/changes/CH-2026-0042"
    assert Change.objects.get().state == "discarded"


def test_a_draft_with_steps_the_form_cannot_show_is_left_alone(world):
    """The API can give a price of its own; saving it from the form would lose it without a word."""
    key = str(world.seat_line().key)
    edits = [{"action": "quantity", "key": key, "quantity": "25", "until": "2026-07-01"}]
    draft = changes.draft(deal=world.deal, intents=edits, effective=STORY_DAY, by=world.ae, now=world.now)
    composer = Composer(world, world.ae)
    assert "holds steps this form cannot show" in words(composer.response)
    assert f'href="/changes/{draft.number}"' in composer.page
    assert 'id="composer"' not in composer.page
