"""What the composer sends arrives once, whatever people do with the form (ux section 3, F05)."""

import pytest

from billing.domain.refusal import Refusal, Stale
from billing.models import Document
from expansion.models import Change
from expansion.operations import changes
from expansion.operations.composing import Sheet, Wanted, hand_in, save
from expansion.queries.preview import preview
from tests.worlds import STORY_DAY, seed_world

pytestmark = pytest.mark.django_db


NEW = Sheet()


@pytest.fixture(params=["finance", "sales_cs"])
def world(request, db):
    return seed_world(owner=request.param)


def seats(world, quantity="25"):
    """The story's intent on the line as it was signed, whatever became of it since."""
    return [{"action": "quantity", "key": str(world.contract.lines.earliest("pk").key), "quantity": quantity}]


def shown(world, intents):
    return preview(deal=world.deal, contract=world.contract, intents=intents, effective=STORY_DAY, today=STORY_DAY).content_hash


def send(world, *, quantity="25", sheet=NEW, shown_hash=None, by=None):
    intents = seats(world, quantity)
    return hand_in(
        deal=world.deal,
        wanted=Wanted(intents, STORY_DAY, goal="Five dispatchers"),
        sheet=sheet,
        shown_hash=shown_hash or shown(world, intents),
        by=by or world.ae,
        now=world.now,
    )


def test_the_same_new_sheet_sent_twice_is_one_change(world):
    seen = shown(world, seats(world))
    first = send(world, shown_hash=seen)
    again = send(world, shown_hash=seen)
    assert first.pk == again.pk
    assert Change.objects.count() == 1
    assert Document.objects.filter(origin="one_off").count() == (1 if first.state == "applied" else 0)


def test_the_same_draft_sent_twice_is_one_change(world):
    kept = save(deal=world.deal, wanted=Wanted(seats(world), STORY_DAY), sheet=Sheet(), by=world.ae, now=world.now)
    sheet, seen = Sheet(kept.pk, kept.version), shown(world, seats(world))
    first = send(world, sheet=sheet, shown_hash=seen)
    again = send(world, sheet=sheet, shown_hash=seen)
    assert first.pk == again.pk == kept.pk
    assert first.state in {"submitted", "applied"}


def test_saving_the_same_new_sheet_twice_is_one_draft(world):
    wanted = Wanted(seats(world), STORY_DAY)
    first = save(deal=world.deal, wanted=wanted, sheet=Sheet(), by=world.ae, now=world.now)
    again = save(deal=world.deal, wanted=wanted, sheet=Sheet(), by=world.ae, now=world.now)
    assert first.pk == again.pk
    assert again.state == "draft"


@pytest.mark.req("F07")
def test_amounts_nobody_saw_are_not_sent_and_leave_no_draft_behind(world):
    with pytest.raises(Stale):
        send(world, shown_hash="0" * 64)
    assert not Change.objects.exists()


@pytest.mark.req("F07")
def test_a_refused_submission_leaves_the_draft_as_it_was(world):
    kept = save(deal=world.deal, wanted=Wanted(seats(world, "22"), STORY_DAY), sheet=Sheet(), by=world.ae, now=world.now)
    with pytest.raises(Stale):
        send(world, sheet=Sheet(kept.pk, kept.version), shown_hash="0" * 64)
    kept.refresh_from_db()
    assert (kept.version, kept.edits[0]["quantity"]) == (1, "22")


@pytest.mark.req("F05")
def test_a_sheet_older_than_the_draft_is_stale(world):
    kept = save(deal=world.deal, wanted=Wanted(seats(world), STORY_DAY), sheet=Sheet(), by=world.ae, now=world.now)
    old = Sheet(kept.pk, kept.version)
    save(deal=world.deal, wanted=Wanted(seats(world, "30"), STORY_DAY), sheet=old, by=world.ae, now=world.now)
    with pytest.raises(Stale) as caught:
        send(world, sheet=old)
    assert caught.value.code == "edited_meanwhile"


def test_another_persons_sheet_never_answers_with_my_change(world):
    seen = shown(world, seats(world))
    first = send(world, shown_hash=seen)
    if first.state == "submitted":
        with pytest.raises(Refusal) as caught:
            send(world, shown_hash=seen, by=world.csm)
        assert caught.value.code == "second_open_change"
    else:
        # Applied at once: the contract moved on, so these amounts are no longer the right ones.
        with pytest.raises((Stale, Refusal)):
            send(world, shown_hash=seen, by=world.csm)
    assert Change.objects.count() == 1


def test_after_a_rejection_the_same_words_are_a_new_change(db):
    world = seed_world()
    seen = shown(world, seats(world))
    first = send(world, shown_hash=seen)
    changes.reject(change_id=first.pk, version=first.version, reason="The order is missing", by=world.finance, now=world.now)
    again = send(world, shown_hash=seen, sheet=Sheet(newest_id=first.pk))
    assert again.pk != first.pk
    assert again.state == "submitted"
