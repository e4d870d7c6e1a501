"""From a signal to the one who closes: complete, in context, within a business day, nothing asked twice."""

from dataclasses import replace
from datetime import timedelta

import pytest
from django.apps import apps

from billing.domain.refusal import NotAllowed, Refusal
from billing.models import Team
from dealops.accounts.models import User
from expansion import rules_motion as rules
from expansion.models import Introduction, Signal
from expansion.operations import facts, qualifying
from expansion.operations.qualifying import Answers
from expansion.queries.introductions import takers
from tests.expansion.operations.customers import live, run, told_world
from tests.worlds import STORY_DAY

pytestmark = pytest.mark.django_db

ANSWERS = Answers(
    goal="Take on the northern depot",
    problem="Five dispatchers start in July and have no seat",
    evidence="19 of 20 seats in use",
    contact="Dana Price",
    department="Dispatch",
    note="hiring 5 dispatchers",
    scores={"budget": 2, "timing": 3, "need": 3, "commitment": 1},
)


@pytest.fixture
def world(db):
    made = told_world(billed=False)
    live(made, "TM2")
    run(made)
    return made


def hand_off(world, by=None, **change):
    signal = Signal.objects.get()
    return qualifying.hand_off(
        signal_id=signal.pk,
        version=signal.version_number,
        answers=replace(ANSWERS, **change),
        by=by or world.csm,
        on=STORY_DAY,
        now=world.now,
    )


@pytest.mark.req("S1-17", "S1-24", "S2-27", "S3-48", "S3-57", "S3-58", "S3-59", "S3-60", "S3-61", "S4-77")
def test_the_four_groups_go_along_as_they_are(world):
    given = hand_off(world)
    assert (given.to, given.sourced_by, given.state, given.mechanism) == (world.ae, world.csm, "given", "upsell")
    assert given.due_at == world.now + timedelta(days=1)
    context = given.context
    assert set(context) == {"offer", "need", "product", "routing"}
    assert (context["need"]["verbatim"], context["need"]["problem"], context["need"]["contact"]) == ("", ANSWERS.problem, "Dana Price")
    assert context["product"] == {
        "plan": "Team", "owned": ["Team x 20"], "proposed": "Team", "units": 5, "implementation_stage": "Onboarding done",
        "milestone": "First result on 18 Mar 2026", "utilisation": "95 %", "health": "82",
    }  # fmt: skip
    assert context["routing"]["reason"] == "Straightforward upsell: account owner"
    assert context["offer"]["response"] == "not shown yet"
    world.deal.refresh_from_db()
    assert (world.deal.pipeline.code, world.deal.stage.code) == ("upsells", "qualified")
    assert Signal.objects.get().state == "handed_off"


@pytest.mark.req("S3-59")
def test_in_their_words_is_what_they_said_and_nothing_else(world):
    said = "The next three dispatchers start in July and have no seat"
    facts.record_intake(customer=world.contract.customer, reference="IN-1", source="form", answers={"problem": said}, at=world.now)
    assert hand_off(world).context["need"]["verbatim"] == said


def test_what_was_handed_over_is_not_rewritten_by_what_comes_later(world):
    given = hand_off(world)
    facts.record_health(customer=world.contract.customer, score=30, drivers=[], day=STORY_DAY, source="api", at=world.now)
    given.refresh_from_db()
    assert given.context["product"]["health"] == "82"


@pytest.mark.req("S1-24", "S2-09", "S2-27", "S3-12")
@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"goal": " "}, "What the customer wants to achieve"),
        ({"goal": "", "contact": "", "evidence": ""}, "Whom to talk to"),
        ({"scores": {"budget": 3, "timing": 1}}, "At least three of"),
        ({"scores": {"budget": 9}}, "scored 1 to 3"),
        ({"product": "hovercraft"}, "no product"),
    ],
)
def test_without_context_nobody_is_asked(world, change, words):
    with pytest.raises(Refusal, match=words):
        hand_off(world, **change)
    assert not Introduction.objects.exists()


@pytest.mark.req("S1-29")
def test_the_gate_is_asked_again_at_the_moment_of_the_hand_off(world):
    facts.record_health(customer=world.contract.customer, score=42, drivers=[], day=STORY_DAY, source="api", at=world.now)
    with pytest.raises(Refusal, match="Health 42 is below the gate of 60"):
        hand_off(world)
    assert not Introduction.objects.exists()


def test_a_friday_hand_off_is_due_on_monday(world):
    friday = world.now + timedelta(days=3)
    assert friday.weekday() == 4
    assert qualifying._next_business_day(friday, Signal.objects.get()) == friday + timedelta(days=3)


@pytest.mark.req("S1-17", "S1-26", "S2-08", "S3-56")
def test_success_surfaces_and_sales_takes_and_closes(world):
    given = hand_off(world)
    with pytest.raises(NotAllowed, match="Ada Ellis"):
        qualifying.accept(introduction_id=given.pk, by=world.csm, now=world.now)
    taken = qualifying.accept(introduction_id=given.pk, by=world.ae, now=world.now)
    assert taken.state == "accepted"
    with pytest.raises(NotAllowed, match="Sales closes"):
        qualifying.close(introduction_id=given.pk, outcome="Five seats", won=True, by=world.csm, now=world.now)
    closed = qualifying.close(introduction_id=given.pk, outcome="Five seats", won=True, by=world.ae, now=world.now)
    assert (closed.sourced_by, closed.closed_by, closed.outcome) == (world.csm, world.ae, "Won: Five seats")


@pytest.mark.req("S1-26", "S1-27")
def test_there_is_no_quota_field_anywhere():
    ours = [model for model in apps.get_models() if model._meta.app_label in {"accounts", "expansion"}]
    names = {field.name for model in ours for field in model._meta.get_fields()}
    assert "sourced_by" in names and not {name for name in names if "quota" in name}


@pytest.mark.req("S3-54")
def test_returned_with_a_question_everything_stays_filled_in(world):
    given = hand_off(world)
    with pytest.raises(Refusal, match="Ask what"):
        qualifying.give_back(introduction_id=given.pk, question=" ", by=world.ae, now=world.now)
    qualifying.give_back(introduction_id=given.pk, question="Who signs?", by=world.ae, now=world.now)
    signal = Signal.objects.get()
    assert (signal.state, signal.goal, signal.problem, signal.contact.name) == ("open", ANSWERS.goal, ANSWERS.problem, "Dana Price")
    again = hand_off(world, note="Dana signs")
    assert again.context["need"]["problem"] == ANSWERS.problem
    assert Introduction.objects.count() == 2


def test_sent_on_to_somebody_else_with_everything(world):
    given = hand_off(world)
    send = {"introduction_id": given.pk, "by": world.ae, "now": world.now}
    with pytest.raises(Refusal, match="cannot close"):
        qualifying.send_on(to=world.csm, reason="x", **send)
    following = qualifying.send_on(to=world.outsider, reason="Knows the branch", **send)
    assert (following.to, following.context["need"], following.sourced_by) == (world.outsider, given.context["need"], world.csm)
    given.refresh_from_db()
    assert given.state == "rerouted"
    with pytest.raises(Refusal, match="settled"):
        qualifying.accept(introduction_id=given.pk, by=world.ae, now=world.now)


@pytest.mark.req("F88")
def test_sent_on_only_to_somebody_who_sees_the_customer(world):
    given = hand_off(world)
    for code, person in (("north", world.ae), ("south", world.outsider)):
        Team.objects.create(code=code, name=code.title()).members.add(person)
        person.__dict__.pop("_scope", None)
    Team.objects.get(code="north").customers.add(world.contract.customer)
    with pytest.raises(Refusal, match="does not see Brightwave") as refused:
        qualifying.send_on(introduction_id=given.pk, to=world.outsider, reason="Knows the branch", by=world.ae, now=world.now)
    assert refused.value.field == "to"
    given.refresh_from_db()
    assert given.state == "given"


def test_one_person_hands_a_signal_off_once(world):
    hand_off(world)
    with pytest.raises(Refusal, match="cannot be handed off"):
        hand_off(world)


@pytest.mark.req("F88")
def test_it_is_offered_to_be_sent_on_to_exactly_those_who_may_take_it(world, django_assert_num_queries):
    given, customer, entity = hand_off(world), world.contract.customer, world.contract.legal_entity
    ways = {
        "entity": {"legal_entities": [entity]}, "customer": {"customers": [customer]},
        "segment": {"segments": [customer.segment] if customer.segment else []}, "nothing": {},
    }  # fmt: skip
    sellers = {name: User.objects.create_user(f"{name}@demo.example", "x", name=name, role="sales") for name in (*ways, "gone", "teamless")}
    User.objects.filter(name="gone").update(is_active=False)
    everybody = set(User.objects.filter(role="sales", is_active=True).exclude(pk=given.to_id))
    assert set(takers(given)) == everybody, "without a team everybody sees everything"
    for name, covered in ways.items():
        team = Team.objects.create(code=name, name=name)
        team.members.set([sellers[name], sellers["gone"]])
        for field, rows in covered.items():
            getattr(team, field).set(rows)
    with django_assert_num_queries(2):
        offered = list(takers(given))
    assert {p.name for p in offered} == {"entity", "customer", *(["segment"] if customer.segment else [])}
    for person in everybody:
        assert (person in offered) == (rules.why_not_see(person, customer) is None), person
