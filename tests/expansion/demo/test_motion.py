"""The demo's motion: each preset fires or is held back somewhere, and the story begins with Brightwave's signal."""

from datetime import timedelta

import pytest

from expansion.demo import build
from expansion.demo.offers import RECENT_DAYS
from expansion.demo.story import STORY_DAY
from expansion.domain.motion.presets import EVERY
from expansion.models import Adoption, AdoptionTask, Evaluation, Offer, PlayVersion, ProductRelation, Signal
from expansion.queries.signals import open_for

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def demo(django_db_setup, django_db_blocker):
    from django.db import transaction

    with django_db_blocker.unblock(), transaction.atomic():
        build.load()
        yield
        transaction.set_rollback(True)


@pytest.mark.req("S1-18", "S3-28", "S3-29", "S3-30", "S3-31", "S4-45", "S4-52", "S4-54", "S4-55", "S4-56", "S4-57")
def test_every_preset_fires_or_is_held_for_a_visible_reason(demo):
    assert PlayVersion.objects.filter(state="live").count() == len(EVERY)
    spoken = set(Evaluation.objects.values_list("version__play__preset", flat=True))
    assert spoken == set(EVERY)
    assert not Signal.objects.filter(state="held", held_reason="").exists()
    gates = set(Signal.objects.filter(state="held").values_list("gate", flat=True))
    assert "health" in gates


def test_the_story_begins_with_the_signal_of_brightwave(demo):
    signal = Signal.objects.get(customer__number="CU-1042")
    assert signal.because == (
        "Because Brightwave Logistics is on Team (20 seats) and has used 19 of 20 Team seats (95 %) since 9 Jun; threshold 90 %."
    )
    assert (signal.state, signal.value, signal.gates[0]["sentence"]) == ("open", 250, "Health 82 passes the gate (60).")
    rows, total = open_for(signal.deal.success_manager)
    assert total >= len(rows) > 0 and rows[0] == signal, "the first row of Home"


@pytest.mark.req("S3-45", "S4-26")
def test_offers_have_every_answer_and_what_followed_older_expansions_is_done(demo):
    assert set(Offer.objects.values_list("response", flat=True)) == set(Offer.Response.values)
    assert not Offer.objects.filter(customer__number="CU-1042").exists(), "the story's offer is the visitor's to make"
    assert ProductRelation.objects.filter(state="suggested").exists()
    late = AdoptionTask.objects.filter(due_on__lt=STORY_DAY - timedelta(days=RECENT_DAYS)).exclude(state="passed")
    assert Adoption.objects.filter(state="passed").exists() and not late.exists()
