"""Two of RevOps who say at the same moment what the list of a role opens with."""

import threading

import psycopg
import pytest
from django.db import connection, transaction

from billing.domain.refusal import Refusal
from dealops.accounts.models import Role
from expansion.models import SavedView
from expansion.operations import views
from tests.expansion.operations.test_races import PATIENCE, at_once
from tests.expansion.web.makers import NOW, person
from tests.scenarios.workers import database_url

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


@pytest.fixture
def own_connection(db):
    """Whatever becomes of the connection, the next test gets a new one."""
    yield
    connection.close()


def test_who_waits_too_long_for_the_other_ones_row_is_told_to_look_again(own_connection):
    kept = choice("Rob")()
    with psycopg.connect(database_url()) as other, connection.cursor() as cursor:
        other.execute("SELECT 1 FROM expansion_savedview WHERE id = %s FOR UPDATE", [kept.pk])
        cursor.execute("SET lock_timeout = '100ms'")
        with pytest.raises(Refusal) as refused, transaction.atomic():
            views._write(kept)
    assert (refused.value.code, refused.value.field) == ("busy", "opens")


@pytest.mark.req("F105")
def test_a_database_that_goes_away_while_a_view_is_kept_is_not_taken_for_somebody_else(client, own_connection):
    client.force_login(person(Role.REVOPS, "Rob Ops"))
    client.raise_request_exception = False

    def cut(execute, sql, params, many, context):
        if sql.startswith('INSERT INTO "expansion_savedview"'):
            with psycopg.connect(database_url()) as other:
                other.execute("SELECT pg_terminate_backend(%s, 10000)", [connection.connection.info.backend_pid])
        return execute(sql, params, many, context)

    with connection.execute_wrapper(cut):
        answer = client.post("/lists/deals/views", {"name": "Mine", "query": ""})
    assert answer.status_code == 503
    assert "Nothing was half done" in answer.content.decode()
    connection.close()
    assert not SavedView.objects.exists()
