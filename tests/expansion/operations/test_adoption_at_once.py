"""Two people answer the last two checks of one adoption at the same moment."""

import threading

import pytest
from django.db import transaction

from expansion.models import Adoption, AdoptionTask
from expansion.operations import adoption
from tests.expansion.desk import approved
from tests.expansion.operations.test_races import PATIENCE, at_once, somebody_waits
from tests.worlds import STORY_DAY, seed_world

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.req("S4-64")]


def test_whoever_answers_last_settles_it(db):
    world = seed_world()
    approved(world)
    first_has_answered = threading.Event()

    def answer(kind):
        task = AdoptionTask.objects.get(kind=kind)
        adoption.answer(task_id=task.pk, passes=True, words="Seen with the customer", by=world.csm, on=STORY_DAY, now=world.now)

    def first():
        with transaction.atomic():
            answer("usage")
            first_has_answered.set()
            somebody_waits()

    def second():
        assert first_has_answered.wait(PATIENCE)
        answer("value")

    answer("activation")
    assert at_once(first, second) == [None, None]
    assert Adoption.objects.get().state == "passed"
