"""After an expansion: what is checked, when, and that it is done only when it is adopted."""

from datetime import timedelta
from decimal import Decimal

import pytest

from billing.domain.refusal import Refusal
from billing.models import Team
from expansion.models import Adoption, AdoptionTask
from expansion.operations import adoption, deals, facts, usage
from expansion.queries import adoption as queries
from tests.expansion.desk import approved, set_clock
from tests.worlds import STORY_DAY, seed_world

pytestmark = [pytest.mark.django_db, pytest.mark.req("S2-31", "S4-26", "S4-64")]
DAY = timedelta(days=1)


@pytest.fixture
def world(db):
    made = seed_world()
    approved(made)
    adoption.begin_missing(now=made.now)
    return made


def used(world, quantity, day):
    rows = [usage.Row("CU-1042", "team", day, Decimal(quantity))]
    usage.record_usage(rows=rows, source="api", on=day, at=world.now + (day - STORY_DAY))


def check(world, day):
    return adoption.check_due(on=day, now=world.now + (day - STORY_DAY))


@pytest.mark.req("S2-30", "S2-32", "S2-33")
def test_it_begins_by_itself_with_its_tasks(world):
    found = Adoption.objects.get()
    assert (found.product.code, found.units_before, found.units_after, found.applied_on) == ("team", 20, 25, STORY_DAY)
    due = {task.kind: (task.due_on - STORY_DAY).days for task in found.tasks.all()}
    assert due == {"thank_you": 2, "activation": 7, "usage": 30, "value": 60}
    adoption.begin_missing(now=world.now)
    assert Adoption.objects.count() == 1


def test_a_downgrade_has_none(db):
    made = seed_world()
    approved(made, "15")
    adoption.begin_missing(now=made.now)
    assert not Adoption.objects.exists()


def test_the_checks_read_the_use_and_look_again(world):
    week = STORY_DAY + 7 * DAY
    assert check(world, week - DAY) == 0
    assert check(world, week) == 0, "nothing is counted yet: not decided"
    used(world, 21, week)
    assert check(world, week) == 1
    task = AdoptionTask.objects.get(kind="activation")
    assert (task.state, task.words) == ("failed", "1 of 5 added units are assigned.")
    assert Adoption.objects.get().state == "failed"
    assert check(world, week) == 0, "said once"
    used(world, 24, week + DAY)
    check(world, week + DAY)
    task.refresh_from_db()
    assert task.state == "passed" and Adoption.objects.get().state == "running"


def test_done_only_when_adopted(world):
    world.deal.refresh_from_db()
    done = deals.stage_of("upsells", "done")
    with pytest.raises(Refusal, match="has not passed yet"):
        deals.move(deal_id=world.deal.pk, stage_id=done.pk, version=world.deal.version, by=world.ae, now=world.now)
    month = STORY_DAY + 30 * DAY
    used(world, 24, month)
    assert check(world, month) == 2
    review = AdoptionTask.objects.get(kind="value")
    adoption.answer(task_id=review.pk, passes=True, words="Overtime is gone", by=world.csm, on=month, now=world.now)
    assert Adoption.objects.get().state == "passed"
    deals.move(deal_id=world.deal.pk, stage_id=done.pk, version=world.deal.version, by=world.ae, now=world.now)


@pytest.mark.req("S3-82")
def test_support_load_is_watched_and_alarms_once(world):
    for n in range(10):
        day = STORY_DAY + n * DAY
        facts.record_support(customer=world.contract.customer, reference=f"T{n}", kind="ticket", day=day, on=day, source="api")
    assert adoption.watch_support(on=STORY_DAY + 29 * DAY, now=world.now) == 0
    assert adoption.watch_support(on=STORY_DAY + 30 * DAY, now=world.now) == 1
    found = Adoption.objects.get()
    assert (found.load_before, found.load_after) == (0, 10)
    assert adoption.watch_support(on=STORY_DAY + 31 * DAY, now=world.now) == 0


@pytest.mark.req("S2-30")
def test_a_commitment_begins_with_the_goal_its_metric_and_its_day(db):
    made = seed_world()
    customer, day = made.contract.customer, STORY_DAY + 75 * DAY
    facts.set_goal(customer=customer, title="No overtime in the north", at=made.now, metric="Overtime hours a month", due_on=day)
    approved(made, goal="No overtime in the north")
    adoption.begin_missing(now=made.now)
    found = Adoption.objects.get()
    assert (found.promise, found.promise_metric) == ("No overtime in the north", "Overtime hours a month")
    assert (found.promised_for, found.promise_owner) == (day, made.csm)
    assert found.tasks.get(kind="value").due_on == day, "reviewed on the day it is promised for"


@pytest.mark.req("S2-30")
def test_what_is_promised_is_written_down_whole_and_reviewed_on_its_day(world):
    task, day = AdoptionTask.objects.get(kind="value"), STORY_DAY + 40 * DAY
    whole = {"outcome": "No overtime in the north", "metric": "Overtime hours a month", "day": day, "owner": world.ae}
    given = {"task_id": task.pk, "by": world.csm, "on": STORY_DAY, "now": world.now}
    wrong = {"outcome": " ", "metric": "", "day": STORY_DAY, "owner": world.finance}
    for field, value in wrong.items():
        with pytest.raises(Refusal) as refused:
            adoption.commit(**given, **{**whole, field: value})
        assert refused.value.field == field
    kept = adoption.commit(**given, **whole)
    task.refresh_from_db()
    assert (kept.promise, kept.promise_metric, kept.promised_for, kept.promise_owner) == tuple(whole.values())
    assert task.due_on == day
    assert not any(row.kind == "value" for row in queries.due_for(world.ae, today=day - 8 * DAY)[0])
    assert any(row.kind == "value" for row in queries.due_for(world.ae, today=day - 7 * DAY)[0]), "on the Home of who answers for it"
    adoption.answer(task_id=task.pk, passes=True, words="Down to two hours", by=world.ae, on=day, now=world.now)
    with pytest.raises(Refusal, match="reviewed"):
        adoption.commit(**given, **whole)


@pytest.mark.req("S2-30", "F88")
def test_only_somebody_who_sees_the_customer_answers_for_a_commitment(world):
    for code, person in (("north", world.csm), ("south", world.ae)):
        Team.objects.create(code=code, name=code.title()).members.add(person)
        person.__dict__.pop("_scope", None)
    Team.objects.get(code="north").customers.add(world.contract.customer)
    task = AdoptionTask.objects.get(kind="value")
    whole = {"outcome": "No overtime", "metric": "Overtime hours", "day": STORY_DAY + 40 * DAY, "owner": world.ae}
    with pytest.raises(Refusal, match="does not see") as refused:
        adoption.commit(task_id=task.pk, **whole, by=world.csm, on=STORY_DAY, now=world.now)
    assert refused.value.field == "owner"


@pytest.mark.req("S2-30")
def test_the_deal_asks_for_it_and_shows_it(world, client, settings):
    set_clock(settings)
    task = AdoptionTask.objects.get(kind="value")
    client.force_login(world.csm)
    assert "Not agreed yet" in client.get(f"/deals/{world.deal.number}").content.decode()
    given = {"outcome": "No overtime", "metric": "Overtime hours", "day": "2026-08-01", "owner": world.csm.pk}
    page = client.post(f"/adoption/{task.pk}/commitment", given, follow=True).content.decode()
    assert "Kept. It is reviewed on 1 Aug 2026." in page and "<dd>Overtime hours</dd>" in page and "<dd>Carl Moss</dd>" in page
    for name, value, words in (
        ("owner", "", "Choose who answers"),
        ("day", "soon", "Choose the day"),
        ("metric", "", "by what both sides"),
    ):
        assert words in client.post(f"/adoption/{task.pk}/commitment", {**given, name: value}, follow=True).content.decode()
    client.force_login(world.finance)
    client.post(f"/adoption/{task.pk}/commitment", {**given, "outcome": "Something else"})
    assert Adoption.objects.get().promise == "No overtime"


@pytest.mark.req("S2-31")
def test_what_a_person_settled_stays_and_the_sentence_names_the_way_out(world):
    task = AdoptionTask.objects.get(kind="value")
    given = {"task_id": task.pk, "by": world.csm, "on": STORY_DAY, "now": world.now}
    adoption.answer(passes=False, words="Not yet", **given)
    adoption.answer(passes=True, words="Overtime is gone.", **given)
    for passes in (False, True):
        with pytest.raises(Refusal, match=f"was settled by {world.csm}: Overtime is gone. It stays. .* log a signal about them"):
            adoption.answer(passes=passes, words="They left", **given | {"by": world.ae})
    task.refresh_from_db()
    assert (task.state, task.words, task.by) == ("passed", "Overtime is gone.", world.csm)


def test_a_check_that_passed_by_the_counts_is_not_failed_by_hand(world):
    used(world, 24, STORY_DAY + 7 * DAY)
    check(world, STORY_DAY + 7 * DAY)
    task = AdoptionTask.objects.get(kind="activation")
    with pytest.raises(Refusal, match="was settled: "):
        adoption.answer(task_id=task.pk, passes=False, words="x", by=world.csm, on=STORY_DAY, now=world.now)
    task.refresh_from_db()
    assert task.state == "passed"
