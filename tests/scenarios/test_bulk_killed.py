"""A bulk job in the product's own Celery worker: killed in the middle, taken over; ten thousand rows in the memory of a few."""

import gc
import resource

import pytest

from dealops.accounts.models import Role
from dealops.audit.models import Entry
from dealops.outbox import relay
from dealops.outbox.models import Attempt, Message, State
from expansion.models import BulkJob, Deal
from expansion.operations import bulk, pipelines
from expansion.operations.bulk_actions import ACTIONS
from tests.expansion import many
from tests.expansion.web import makers
from tests.scenarios.workers import celery_beat, celery_worker, fork, reap, until

# Deals written in bulk, never billed: their money is not what these stories are about.
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.rows_apart("M01", "M07", "M09")]


def assigned(count):
    """A started job that gives `count` deals of one person to another."""
    pipelines.ensure()
    giver, taker = makers.person(Role.REVOPS, "Rhea Kaur"), makers.person(Role.SALES, "Ada Ellis")
    many.deals(count, owner=makers.person(Role.SALES, "Before"))
    many.counted()
    job = bulk.prepare(
        kind="assign",
        candidates=ACTIONS["assign"].candidates(Deal.objects.select_related("customer").order_by("pk"), giver, many.NOW),
        by=giver,
        now=many.NOW,
        listing="deals",
        settings={"owner": str(taker.pk)},
    )
    return bulk.start(job_id=job.pk, by=giver, now=many.NOW), taker


def done(job):
    return job.rows.filter(state="done").count()


def each_deal_was_given_once(job, taker, count):
    job.refresh_from_db()
    assert job.state == BulkJob.State.DONE
    assert dict(job.rows.values_list("state", "tries").distinct()) == {"done": 1}
    assert set(Deal.objects.values_list("owner", "version")) == {(taker.pk, 2)}
    assert Entry.objects.filter(action="deal.assigned").count() == count
    assert Entry.objects.filter(action="bulk.finished").count() == 1
    assert not Message.objects.exclude(state=State.DONE).exists()


@pytest.mark.req("F18", "F29", "F110")
def test_a_worker_killed_in_the_middle_of_a_bulk_job_is_followed_by_one_that_finishes_it_with_every_row_done_once(tmp_path, settings):
    settings.OUTBOX_LEASE_SECONDS = 2
    with celery_beat(tmp_path, OUTBOX_LEASE_SECONDS="2"), celery_worker(tmp_path, name="first", OUTBOX_LEASE_SECONDS="2") as first:
        job, taker = assigned(200)
        until(lambda: done(job) >= 10, seconds=60, what="the first worker does rows")
        first.kill()
        first.process.wait(30)
        before = done(job)
        assert before < 200, "it was killed in the middle"
        with celery_worker(tmp_path, name="second", OUTBOX_LEASE_SECONDS="2"):
            until(lambda: BulkJob.objects.get(pk=job.pk).state != "running", seconds=90, what="another worker takes over and ends the job")
    each_deal_was_given_once(job, taker, 200)
    assert Attempt.objects.filter(outcome=Attempt.Outcome.LOST).exists(), "the killed worker held a slice"


@pytest.mark.parametrize("count", [240, pytest.param(10_000, marks=[pytest.mark.proof("bulk rows"), pytest.mark.timeout(1800)])])
def test_a_long_job_needs_the_memory_of_a_short_one(count, tmp_path, record_property, monkeypatch):
    """What a worker holds after a fifth of the rows and at the end: what a slice does not give back would show."""
    monkeypatch.setattr(bulk, "SLICE_SECONDS", 0.25)
    job, taker = assigned(count)
    notes = tmp_path / "kilobytes"

    def work():
        relay.drain(queue="bulk", limit=1)
        while BulkJob.objects.get(pk=job.pk).state == "running":
            relay.drain(queue="bulk", limit=1)
            if not notes.exists() and done(job) * 5 >= count:
                notes.write_text(f"{held()} ")
        with notes.open("a") as file:
            file.write(str(held()))

    assert reap(fork(work), seconds=1500) == 0
    each_deal_was_given_once(job, taker, count)
    early, late = map(int, notes.read_text().split())
    record_property("cases", count)
    record_property("grown_kilobytes", late - early)
    assert late - early < 20_000


def held():
    """Kilobytes this process held at its most."""
    gc.collect()
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
