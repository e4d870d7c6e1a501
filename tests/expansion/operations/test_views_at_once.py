"""Two of RevOps who say at the same moment what the list of a role opens with."""

import threading

import pytest

from billing.domain.refusal import Refusal
from dealops.accounts.models import Role
from expansion.models import SavedView
from expansion.operations import views
from tests.expansion.operations.test_races import PATIENCE, at_once
from tests.expansion.web.makers import NOW, person

pytestmark = pytest.mark.django_db(transaction=True)


def choice(name):
    by = person(Role.REVOPS, f"{name} Ops")
    return lambda: views.save(listing="deals", name=name, query="", team=True, role=Role.SALES, opens=True, by=by, now=NOW)


def opens():
    return [view.name for view in SavedView.objects.filter(listing="deals", team=Role.SALES, opens=True)]


def test_of_two_who_choose_at_once_one_is_told_to_look_again(db, monkeypatch):
    barrier, write = threading.Barrier(2), views._write

    def when_both_looked(view):
        barrier.wait(PATIENCE)
        write(view)

    monkeypatch.setattr(views, "_write", when_both_looked)
    outcomes = at_once(choice("Rob"), choice("Rita"))
    (winner,) = [outcome for outcome in outcomes if isinstance(outcome, SavedView)]
    (loser,) = [outcome for outcome in outcomes if isinstance(outcome, Exception)]
    assert isinstance(loser, Refusal) and (loser.code, loser.field) == ("busy", "opens")
    assert opens() == [winner.name]


def test_negative_control_one_after_the_other_nobody_is_refused_and_the_later_choice_holds(db):
    for choose in (choice("Rob"), choice("Rita")):
        choose()
    assert opens() == ["Rita"]
