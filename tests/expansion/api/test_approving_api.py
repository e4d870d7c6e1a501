"""Questions, several approvers and the two ends of a hand-off over REST (S0-18 to S0-21)."""

import pytest

from dealops.outbox.models import Message
from expansion.models import ApprovalRule, Handoff, Question
from expansion.operations import changes
from tests.expansion.api.conftest import Api
from tests.expansion.api.test_changes_api import problem
from tests.expansion.desk import submitted

pytestmark = pytest.mark.django_db


def shown(change, **more):
    return {"version": change.version, "content_hash": change.content_hash, **more}


@pytest.mark.req("D2", "M25")
def test_a_change_shows_which_rules_ask_whose_agreement_is_missing_and_who_agreed(world, finance):
    ApprovalRule.objects.create(name="Twice", approvers=2)
    change = submitted(world)
    seen = finance.get(f"changes/{change.number}/").json()
    assert [rule["name"] for rule in seen["approval"]["rules"]] == ["Finance owns the future invoice", "Twice"]
    assert (seen["waits_for"], seen["agreed"], seen["questions"]) == (["finance", "finance"], [], [])
    seen = finance.post(f"changes/{change.number}/approve/", shown(change)).json()
    assert (seen["state"], seen["waits_for"]) == ("submitted", ["finance"])
    assert [person["name"] for person in seen["agreed"]] == ["Fiona Reid"]
    assert [one["is_final"] for one in seen["decisions"]] == [False]
    second = Api(world.head_of_finance, session=True)
    seen = second.post(f"changes/{change.number}/approve/", shown(change)).json()
    assert (seen["state"], seen["waits_for"]) == ("applied", [])
    assert [person["name"] for person in seen["agreed"]] == ["Fiona Reid", world.head_of_finance.name]


def test_an_agreement_to_an_earlier_version_is_not_shown_as_one(world, finance, sales):
    ApprovalRule.objects.create(name="Twice", approvers=2)
    change = submitted(world)
    finance.post(f"changes/{change.number}/approve/", shown(change))
    assert sales.post(f"changes/{change.number}/recall/", {"version": 1}).json()["agreed"] == []


@pytest.mark.req("S0-18")
def test_a_question_is_asked_holds_the_approval_up_and_is_answered(world, sales, finance):
    change = submitted(world)
    seen = finance.post(f"changes/{change.number}/ask/", {"text": "Is there a purchase order?"}, If_Match='"1"')
    assert seen.status_code == 200
    (question,) = seen.json()["questions"]
    assert (question["text"], question["by"]["name"], question["answered_at"]) == ("Is there a purchase order?", "Fiona Reid", None)
    problem(finance.post(f"changes/{change.number}/approve/", shown(change)), 400, "question_open")
    problem(finance.post(f"changes/{change.number}/ask/", {"version": 1, "text": "And another?"}), 400, "question_open")
    answered = sales.post(f"changes/{change.number}/answer/", {"text": "PO 4711, sent by mail"}).json()["questions"]
    assert (answered[0]["answer"], answered[0]["answered_by"]["name"]) == ("PO 4711, sent by mail", "Ada Ellis")
    problem(sales.post(f"changes/{change.number}/answer/", {"text": "Once more"}), 400, "no_question", "text")
    assert finance.post(f"changes/{change.number}/approve/", shown(change)).json()["state"] == "applied"


def test_who_may_not_ask_or_answer_is_told_why_and_bad_input_names_its_field(world, sales, finance):
    change = submitted(world)
    problem(sales.post(f"changes/{change.number}/ask/", {"version": 1, "text": "May I?"}), 403, "not_allowed")
    problem(finance.post(f"changes/{change.number}/ask/", {"text": "Which version?"}), 400, "invalid", "version")
    problem(finance.post(f"changes/{change.number}/ask/", {"version": 2, "text": "Of another?"}), 409, "edited_meanwhile")
    problem(finance.post(f"changes/{change.number}/ask/", {"version": 1, "text": "?"}), 400, "question_missing", "text")
    problem(finance.post(f"changes/{change.number}/ask/", {"version": 1, "text": "Why?", "by": "x"}), 400, "invalid", "by")
    assert not Question.objects.exists()
    finance.post(f"changes/{change.number}/ask/", {"version": 1, "text": "Why so late?"})
    problem(finance.post(f"changes/{change.number}/answer/", {"text": "I answer myself"}), 403, "not_allowed")


def handed_over(world, finance):
    """Approved with the next invoice left to Finance."""
    change = submitted(world)
    seen = finance.post(f"changes/{change.number}/approve/", shown(change, finance_updates=True)).json()
    assert seen["state"] == "applied"
    return Handoff.objects.get()


@pytest.mark.req("S0-19")
def test_finance_says_that_accounting_was_updated_and_it_is_read_back(world, finance):
    handoff = handed_over(world, finance)
    seen = finance.post(f"handoffs/{handoff.pk}/updated/").json()
    assert (seen["state"], seen["updated_by"]["name"], seen["checked_at"], seen["differences"]) == ("checking", "Fiona Reid", None, [])
    assert Message.objects.filter(topic="handoff.check").count() == 1


@pytest.mark.req("S0-19")
def test_finance_has_dealops_apply_it_after_all_once(world, finance):
    handoff = handed_over(world, finance)
    before = Message.objects.filter(topic="accounting.template").count()
    for _ in range(2):
        assert finance.post(f"handoffs/{handoff.pk}/apply/").json()["state"] == "acknowledged"
    assert Message.objects.filter(topic="accounting.template").count() == before + 1
    problem(finance.post(f"handoffs/{handoff.pk}/updated/"), 400, "being_applied")


@pytest.mark.parametrize("end", ["updated", "apply"])
def test_only_the_team_that_has_it_ends_it(world, finance, sales, end):
    handoff = handed_over(world, finance)
    problem(sales.post(f"handoffs/{handoff.pk}/{end}/"), 403, "not_allowed")
    problem(finance.post(f"handoffs/{handoff.pk}/{end}/", {"state": "done"}), 400, "invalid", "state")
    handoff.refresh_from_db()
    assert handoff.state == "open"


def test_the_list_of_changes_costs_the_same_however_many_were_decided(world, finance, django_assert_max_num_queries):
    change = submitted(world)
    finance.post(f"changes/{change.number}/ask/", {"version": 1, "text": "Why so late?"})
    changes.reject(change_id=change.pk, version=1, reason="Not agreed with us", by=world.finance, now=world.now)
    for _ in range(2):
        one = submitted(world)
        changes.reject(change_id=one.pk, version=1, reason="Not agreed with us", by=world.head_of_finance, now=world.now)
    with django_assert_max_num_queries(12):
        assert len(finance.get("changes/").json()["results"]) == 3
