"""From a draft over a try on the past to live; versions; the kill switch."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, ProgrammingError, transaction

from billing.domain.refusal import NotAllowed, Refusal, Stale
from expansion.domain.motion.presets import EVERY
from expansion.models import Play, PlayVersion
from expansion.operations import plays
from tests.expansion.operations.customers import live, tell_many, told_world
from tests.portfolio import portfolio
from tests.worlds import STORY_DAY

pytestmark = pytest.mark.django_db


@pytest.fixture
def world(db):
    return told_world(billed=False)


@pytest.mark.req("S3-13", "S3-43")
def test_a_draft_is_tried_on_the_past_and_put_live(world):
    version = plays.start_from_preset(code="TM2", by=world.admin, now=world.now)
    with pytest.raises(Refusal, match="last 90 days"):
        plays.go_live(version_id=version.pk, by=world.admin, now=world.now)
    tried = plays.back_test(version_id=version.pk, on=STORY_DAY, by=world.admin, now=world.now)
    assert (tried["fired"], tried["held"], tried["accounts"], tried["matching_today"]) == (1, {}, 1, 1)
    assert tried["from"] == (STORY_DAY - timedelta(days=84)).isoformat()
    assert plays.go_live(version_id=version.pk, by=world.admin, now=world.now).state == "live"


def test_the_try_names_what_would_have_been_held_and_what_speaks_as_well(world):
    live(world, "TM2")
    definition = {**EVERY["TM2"].definition, "health": 90}
    version = plays.create(name="Only the very healthy", definition=definition, by=world.admin, now=world.now)
    tried = plays.back_test(version_id=version.pk, on=STORY_DAY, by=world.admin, now=world.now)
    assert (tried["fired"], tried["held"], tried["overlaps"]) == (0, {"health": 1}, {"Seats nearly used up": 1})


def test_only_revops_writes_plays(world):
    for person in (world.csm, world.ae, world.finance, world.auditor):
        with pytest.raises(NotAllowed):
            plays.start_from_preset(code="TM2", by=person, now=world.now)


def test_a_live_definition_never_changes_and_an_edit_is_a_new_version(world):
    version = live(world, "TM2")
    with pytest.raises(ProgrammingError), transaction.atomic():
        PlayVersion.objects.filter(pk=version.pk).update(definition={})
    change = {**version.definition, "health": 70}
    with pytest.raises(Stale):
        plays.edit(play_id=version.play_id, definition=change, seen=7, by=world.admin, now=world.now)
    draft = plays.edit(play_id=version.play_id, definition=change, seen=1, by=world.admin, now=world.now)
    assert (draft.number, draft.state) == (2, "draft")
    plays.back_test(version_id=draft.pk, on=STORY_DAY, by=world.admin, now=world.now)
    plays.go_live(version_id=draft.pk, by=world.admin, now=world.now)
    assert list(Play.objects.get().versions.order_by("number").values_list("state", flat=True)) == ["retired", "live"]


def test_an_edited_draft_has_to_be_tried_again(world):
    version = plays.start_from_preset(code="TM2", by=world.admin, now=world.now)
    plays.back_test(version_id=version.pk, on=STORY_DAY, by=world.admin, now=world.now)
    plays.edit(play_id=version.play_id, definition={**version.definition, "health": 70}, seen=1, by=world.admin, now=world.now)
    with pytest.raises(Refusal, match="last 90 days"):
        plays.go_live(version_id=version.pk, by=world.admin, now=world.now)


@pytest.mark.req("S2-22")
def test_a_play_that_would_fire_for_everyone_does_not_go_live(world):
    tell_many(portfolio(20, lines=1), "1")
    version = plays.start_from_preset(code="TM2", by=world.admin, now=world.now)
    plays.back_test(version_id=version.pk, on=STORY_DAY, by=world.admin, now=world.now)
    with pytest.raises(Refusal, match="21 of 21 accounts"):
        plays.go_live(version_id=version.pk, by=world.admin, now=world.now)


def test_one_version_is_live_and_the_database_knows(world):
    version = live(world, "TM2")
    with pytest.raises(IntegrityError), transaction.atomic():
        PlayVersion.objects.create(play=version.play, number=9, state="live", definition={}, created_at=world.now, backtested_at=world.now)


def test_a_name_that_is_taken_or_missing_is_refused(world):
    plays.start_from_preset(code="W1", by=world.admin, now=world.now)
    with pytest.raises(Refusal, match="already"):
        plays.start_from_preset(code="W1", by=world.admin, now=world.now)
    with pytest.raises(Refusal, match="no preset"):
        plays.start_from_preset(code="W99", by=world.admin, now=world.now)
    with pytest.raises(Refusal, match="a name"):
        plays.create(name=" ", definition=EVERY["W1"].definition, by=world.admin, now=world.now)
