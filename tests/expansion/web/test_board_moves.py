"""Moving a card: one operation for drag, menu and keys; the version decides; money stages move only through the workflow."""

import threading

import pytest
from django.db import connection

from billing.domain.refusal import NotAllowed, Refusal, Stale
from dealops.accounts.models import Role
from dealops.audit.models import Entry
from expansion.models import Deal
from expansion.operations import deals
from tests.expansion.web import makers


@pytest.fixture
def ada(db):
    return makers.person(Role.SALES, "Ada Ellis")


def post(client, deal, stage, version=None, **more):
    return client.post("/board/move", {"deal": deal.pk, "stage": stage.pk, "version": version or deal.version, **more})


def test_a_move_is_written_with_its_story_and_answers_with_the_new_sums(client, ada):
    deal = makers.deal(owner=ada)
    target = makers.stage("main", "renewal_due")
    client.force_login(ada)
    answer = post(client, deal, target, pipeline="main")
    assert answer.status_code == 200
    said = answer.json()
    deal.refresh_from_db()
    assert (deal.stage, deal.version) == (target, 2)
    assert said["message"] == "Brightwave Logistics moved to Renewal due."
    assert said["version"] == 2
    assert "£1,000.00" in said["heads"]["renewal_due"]
    assert "£1,000.00" not in said["heads"]["live"]
    entry = Entry.objects.get(action="deal.moved")
    assert (entry.actor, entry.via, entry.before["stage"], entry.after["stage"]) == (ada, "web", "live", "renewal_due")
    assert deal.permalink in entry.subjects


@pytest.mark.req("F14")
def test_who_comes_second_is_told_and_nothing_is_written(client, ada):
    deal = makers.deal(owner=ada)
    client.force_login(ada)
    post(client, deal, makers.stage("main", "at_risk"))
    late = post(client, deal, makers.stage("main", "renewal_due"), version=1)
    assert late.status_code == 409
    assert "someone else" in late.json()["message"]
    assert "At risk" in late.json()["message"]
    assert Deal.objects.get().stage.code == "at_risk"


def test_nobody_drags_a_deal_into_a_money_stage(client, ada):
    deal = makers.deal(owner=ada)
    client.force_login(ada)
    answer = post(client, deal, makers.stage("upsells", "awaiting_approval"))
    assert answer.status_code == 422
    assert "submitting a change" in answer.json()["message"]
    assert not Entry.objects.exists()


def test_nobody_drags_a_deal_away_while_finance_decides(client, ada):
    deal = makers.deal(owner=ada, at=makers.stage("upsells", "awaiting_approval"))
    change = makers.change(deal, maker=ada)
    client.force_login(ada)
    answer = post(client, deal, makers.stage("upsells", "agreed"))
    assert answer.status_code == 422
    assert change.number in answer.json()["message"]
    assert "recall" in answer.json()["message"]


def test_once_applied_the_card_goes_on_to_the_adoption_check(client, ada):
    deal = makers.deal(owner=ada, at=makers.stage("upsells", "applied"))
    makers.change(deal, maker=ada, state="applied")
    client.force_login(ada)
    assert post(client, deal, makers.stage("upsells", "adoption_check")).status_code == 200


def test_a_card_can_go_to_another_pipeline(client, ada):
    deal = makers.deal(owner=ada)
    client.force_login(ada)
    assert post(client, deal, makers.stage("upsells", "qualified")).status_code == 200
    deal.refresh_from_db()
    assert deal.pipeline.code == "upsells"


def test_moving_to_where_it_is_changes_nothing(ada):
    deal = makers.deal(owner=ada)
    deals.move(deal_id=deal.pk, stage_id=deal.stage_id, version=1, by=ada, now=makers.NOW)
    deal.refresh_from_db()
    assert deal.version == 1
    assert not Entry.objects.exists()


@pytest.mark.parametrize("role", [Role.FINANCE, Role.AUDITOR])
def test_roles_that_read_do_not_move(client, ada, role):
    deal = makers.deal(owner=ada)
    client.force_login(makers.person(role, "Olga Petrova"))
    answer = post(client, deal, makers.stage("main", "at_risk"))
    assert answer.status_code == 403
    assert "Sales" in answer.json()["message"]
    with pytest.raises(NotAllowed):
        deals.move(deal_id=deal.pk, stage_id=deal.stage_id, version=1, by=makers.person(role, "Olga"), now=makers.NOW)


@pytest.mark.parametrize("body", [{}, {"deal": "x", "stage": "1", "version": "1"}, {"deal": "1", "stage": "1"}])
def test_a_post_that_makes_no_sense_gets_a_sentence(client, ada, body):
    client.force_login(ada)
    answer = client.post("/board/move", body)
    assert answer.status_code == 422
    assert "Reload" in answer.json()["message"]


def test_a_deal_that_is_gone_gets_a_sentence(client, ada):
    client.force_login(ada)
    makers.stage()
    answer = client.post("/board/move", {"deal": 4711, "stage": 4711, "version": 1})
    assert answer.status_code == 404
    assert "no longer there" in answer.json()["message"]


def test_a_move_is_a_post(client, ada):
    client.force_login(ada)
    assert client.get("/board/move").status_code == 405


@pytest.mark.req("F14")
def test_two_people_drop_one_card_at_the_same_moment_and_one_of_them_wins(committed):
    ada, sam = makers.person(Role.SALES, "Ada Ellis"), makers.person(Role.SALES, "Sam Ortiz")
    deal = makers.deal(owner=ada)
    targets = [makers.stage("main", "at_risk"), makers.stage("main", "renewal_due")]
    start, outcomes = threading.Barrier(2), []

    def move(by, stage):
        try:
            start.wait(10)
            deals.move(deal_id=deal.pk, stage_id=stage.pk, version=1, by=by, now=makers.NOW)
            outcomes.append(stage.code)
        except Stale as refusal:
            outcomes.append(refusal.code)
        finally:
            connection.close()

    threads = [threading.Thread(target=move, args=pair) for pair in zip([ada, sam], targets, strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert outcomes.count("moved_meanwhile") == 1
    deal.refresh_from_db()
    assert deal.version == 2
    assert deal.stage.code in outcomes
    assert Entry.objects.filter(action="deal.moved").count() == 1


def test_the_refusal_of_a_money_stage_has_a_code(ada):
    deal = makers.deal(owner=ada)
    with pytest.raises(Refusal) as refusal:
        deals.move(deal_id=deal.pk, stage_id=makers.stage("main", "applied").pk, version=1, by=ada, now=makers.NOW)
    assert (refusal.value.code, refusal.value.field) == ("money_stage", "stage")
