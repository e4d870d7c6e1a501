"""One action over many rows: what is pinned, what is left out and why, one transaction a row, stopped and taken up again."""

import threading
from decimal import Decimal

import pytest
from django.db import connection

from billing.domain.refusal import NotAllowed, Refusal
from billing.models import Document
from dealops.audit.models import Entry
from dealops.outbox import relay
from dealops.outbox.models import Message
from expansion.models import BulkJob, BulkRow, Change, Deal, Decision
from expansion.operations import bulk, owners
from expansion.operations.bulk_actions import ACTIONS
from tests.expansion.desk import submitted
from tests.expansion.more_deals import another_deal
from tests.expansion.web import makers
from tests.worlds import seed_world

pytestmark = pytest.mark.django_db


@pytest.fixture
def world(db):
    return seed_world()


def waiting():
    return Change.objects.filter(state="submitted").select_related("deal__customer", "deal__contract__legal_entity", "maker").order_by("pk")


def several(world, count=3):
    worlds = [world, *(another_deal(world, 2000 + place, f"Customer {place}") for place in range(1, count))]
    return [submitted(each, goal="More people") for each in worlds]


def prepared(kind, by, now, found=None, **settings):
    found = waiting() if found is None else found
    return bulk.prepare(
        kind=kind, candidates=ACTIONS[kind].candidates(found, by, now), by=by, now=now, listing="approvals", settings=settings
    )


def run(job, monkeypatch=None):
    """What the worker does with everything on its queue."""
    due()
    while relay.drain(queue="bulk"):
        due()
    job.refresh_from_db()
    return job


def due():
    """A message is due by the database's clock, which stands still inside the transaction of a test."""
    Message.objects.filter(topic=bulk.TOPIC, state="queued").update(available_at="2020-01-01T00:00:00Z")


def states(job):
    return dict(job.rows.order_by("position").values_list("label", "state"))


@pytest.fixture(autouse=True)
def clock(monkeypatch, world):
    monkeypatch.setattr("expansion.handlers.work.now", lambda: world.now)


def flagless(monkeypatch):
    """Changes of the seed's world carry a flag (the first of the month); here every row is clean."""
    from expansion.queries import approvals

    monkeypatch.setattr(approvals, "flags_of", lambda *given: ())


@pytest.mark.req("F84", "S0-20")
def test_many_are_approved_each_as_one_transaction_and_ones_own_are_left_out_with_the_reason(world, monkeypatch):
    flagless(monkeypatch)
    first, second, own = several(world)
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
    Change.objects.filter(pk=own.pk).update(maker_person=world.finance.person)
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = origin")
    job = prepared("approve", world.finance, world.now)
    assert list(job.rows.filter(state="left_out").values_list("words", flat=True)) == [
        "You made this change. Someone else in Finance decides."
    ]
    assert not Decision.objects.exists(), "nothing happens before the confirmation"
    bulk.start(job_id=job.pk, by=world.finance, now=world.now)
    job = run(job)
    assert job.state == "done"
    assert set(Decision.objects.values_list("change", flat=True)) == {first.pk, second.pk}
    assert Document.objects.filter(reference__in=[first.number, second.number]).count() == 2
    told = Message.objects.filter(topic__in=["accounting.document", "accounting.template", "change.confirm"])
    assert told and set(told.values_list("queue", flat=True)) == {"bulk"}, "no single approval waits behind what many cause"
    own.refresh_from_db()
    assert own.state == "submitted"
    assert Entry.objects.filter(action="bulk.finished").get().after == {"kind": "approve", "done": 2, "missed": 0}


@pytest.mark.req("F08", "F111")
def test_what_changed_after_the_confirmation_page_is_refused_and_offered_again(world, monkeypatch):
    flagless(monkeypatch)
    from expansion.operations import changes

    first, moved = several(world, 2)
    job = prepared("approve", world.finance, world.now)
    changes.recall(change_id=moved.pk, version=moved.version, by=world.ae, now=world.now)
    moved.refresh_from_db()
    changes.submit(change_id=moved.pk, version=moved.version, shown_hash=moved.content_hash, by=world.ae, now=world.now)
    bulk.start(job_id=job.pk, by=world.finance, now=world.now)
    job = run(job)
    row = job.rows.get(target=moved.pk)
    assert row.state == "refused" and "was changed since you opened it" in row.words
    assert job.rows.get(target=first.pk).state == "done"
    again = bulk.repeat(job_id=job.pk, by=world.finance, now=world.now)
    assert again.state == "shown" and again.repeats == job
    assert [row.target for row in again.rows.all()] == [moved.pk], "only what failed, with the version of now"
    bulk.start(job_id=again.pk, by=world.finance, now=world.now)
    assert run(again).rows.get().state == "done"


def test_flagged_rows_need_their_own_review(world, monkeypatch):
    change = submitted(world)
    from expansion.domain.flags import Flag
    from expansion.queries import approvals

    monkeypatch.setattr(approvals, "flags_of", lambda change, user, others, names: (Flag("backdated", "Backdated", "wait", "It is."),))
    job = prepared("approve", world.finance, world.now)
    assert job.rows.get().words == "Needs its own review: backdated."
    with pytest.raises(Refusal, match="None of the rows"):
        bulk.start(job_id=job.pk, by=world.finance, now=world.now)
    assert Change.objects.get(pk=change.pk).state == "submitted"


def test_rejecting_many_needs_one_reason(world):
    changes = several(world, 2)
    with pytest.raises(Refusal, match="Say in a sentence why"):
        prepared("reject", world.finance, world.now, reason=" ")
    job = prepared("reject", world.finance, world.now, reason="The price list changed")
    bulk.start(job_id=job.pk, by=world.finance, now=world.now)
    run(job)
    for change in changes:
        change.refresh_from_db()
        assert (change.state, change.closed_reason) == ("rejected", "The price list changed")


@pytest.mark.parametrize("kind", ["approve", "reject"])
def test_only_finance_decides_about_many(world, kind):
    submitted(world)
    for person in (world.ae, world.admin, world.auditor):
        with pytest.raises(NotAllowed):
            prepared(kind, person, world.now, reason="Because of it")
    assert not BulkJob.objects.exists()


def test_somebody_else_neither_starts_nor_stops_nor_repeats_it(world, monkeypatch):
    flagless(monkeypatch)
    submitted(world)
    job = prepared("approve", world.finance, world.now)
    for act in (bulk.start, bulk.cancel, bulk.repeat):
        with pytest.raises(NotAllowed):
            act(job_id=job.pk, by=world.head_of_finance, now=world.now)


def test_a_large_sum_is_typed_again(world, monkeypatch):
    flagless(monkeypatch)
    change = submitted(world)
    job = prepared("approve", replace_limit(world.finance), world.now)
    job.rows.update(amount=Decimal("12345.60"))
    assert bulk.sum_to_type(job) == Decimal("12345.60")
    for typed in ("", "12345", "yes"):
        with pytest.raises(Refusal, match="Type the sum"):
            bulk.start(job_id=job.pk, by=world.finance, now=world.now, typed=typed)
    bulk.start(job_id=job.pk, by=world.finance, now=world.now, typed="£12,345.60")
    run(job)
    change.refresh_from_db()
    assert change.state == "applied"


def replace_limit(person):
    person.approval_limit = Decimal(100_000)
    person.save()
    return person


def test_starting_twice_starts_once(world, monkeypatch):
    flagless(monkeypatch)
    submitted(world)
    job = prepared("approve", world.finance, world.now)
    for _ in range(2):
        bulk.start(job_id=job.pk, by=world.finance, now=world.now)
    assert Message.objects.filter(topic=bulk.TOPIC).count() == 1
    assert Entry.objects.filter(action="bulk.started").count() == 1


# --- stopped, killed, slices ---------------------------------------------------------------------------------------------


def owned(world, count):
    deals = [makers.deal(f"Customer {place}", owner=world.ae) for place in range(count)]
    found = Deal.objects.filter(pk__in=[deal.pk for deal in deals]).select_related("customer").order_by("pk")
    return bulk.prepare(
        kind="assign",
        candidates=ACTIONS["assign"].candidates(found, world.admin, world.now),
        by=world.admin,
        now=world.now,
        settings={"owner": str(world.csm.pk)},
    )


def test_cancelling_begins_no_further_row(world):
    job = owned(world, 4)
    bulk.start(job_id=job.pk, by=world.admin, now=world.now)
    assert bulk._one(job, world.now)
    bulk.cancel(job_id=job.pk, by=world.admin, now=world.now)
    assert not bulk._one(job, world.now)
    job = run(job)
    assert job.state == "cancelled"
    assert sorted(states(job).values()) == ["done", "waiting", "waiting", "waiting"]
    assert Deal.objects.filter(owner=world.csm, name__startswith="Customer").count() == 1
    again = bulk.repeat(job_id=job.pk, by=world.admin, now=world.now)
    assert again.rows.filter(state="waiting").count() == 3, "what was not begun can be taken up again"


@pytest.mark.req("F17", "F18")
def test_a_worker_that_dies_in_a_slice_leaves_the_rest_to_the_next_and_no_row_is_done_twice(world, monkeypatch):
    job = owned(world, 6)
    bulk.start(job_id=job.pk, by=world.admin, now=world.now)
    due()
    (delivery,) = relay.claim(queue="bulk", size=1)
    for _ in range(3):
        assert bulk._one(job, world.now)
    # The worker is gone: its lease runs out.
    Message.objects.filter(pk=delivery.message.pk).update(lease_until="2020-01-01T00:00:00Z")
    job = run(job)
    assert job.state == "done"
    assert set(states(job).values()) == {"done"}
    assert Entry.objects.filter(action="deal.assigned").count() == 6


def test_slices_follow_each_other_until_all_is_done(world, monkeypatch):
    monkeypatch.setattr(bulk, "SLICE_SECONDS", 0.0001)
    job = owned(world, 3)
    bulk.start(job_id=job.pk, by=world.admin, now=world.now)
    job = run(job)
    assert job.state == "done"
    assert Message.objects.filter(topic=bulk.TOPIC).count() > 1


@pytest.mark.req("F111")
def test_an_error_of_ours_fails_one_row_and_writes_nothing_for_it(world, monkeypatch):
    job = owned(world, 3)
    broken = job.rows.order_by("position")[1]
    real = owners.assign

    def assign(*, deal_id, **more):
        done = real(deal_id=deal_id, **more)
        if deal_id == broken.target:
            raise RuntimeError("a bug")
        return done

    monkeypatch.setattr(owners, "assign", assign)
    bulk.start(job_id=job.pk, by=world.admin, now=world.now)
    job = run(job)
    assert [row.state for row in job.rows.order_by("position")] == ["done", "failed", "done"]
    assert "nothing was written for this row" in job.rows.get(state="failed").words
    assert Deal.objects.get(pk=broken.target).owner == world.ae
    monkeypatch.setattr(owners, "assign", real)
    again = bulk.repeat(job_id=job.pk, by=world.admin, now=world.now)
    assert [row.target for row in again.rows.all()] == [broken.target], "only what failed"
    bulk.start(job_id=again.pk, by=world.admin, now=world.now)
    assert run(again).rows.get().state == "done"


def test_a_deal_somebody_changed_meanwhile_is_refused(world):
    job = owned(world, 2)
    Deal.objects.filter(pk=job.rows.first().target).update(version=7)
    bulk.start(job_id=job.pk, by=world.admin, now=world.now)
    job = run(job)
    assert [row.state for row in job.rows.order_by("position")] == ["refused", "done"]


def test_reminding_tells_finance_once_a_day(world):
    change = submitted(world)
    for _ in range(2):
        job = prepared("remind", world.admin, world.now)
        bulk.start(job_id=job.pk, by=world.admin, now=world.now)
        job = run(job)
    assert job.rows.get().words == "0 people reminded."
    told = change.notices.filter(event__startswith="reminder", channel="in_app").values_list("recipient__role", flat=True)
    assert set(told) == {"finance"}


def test_parked_messages_go_again_and_others_are_left_out(world):
    from expansion.queries.listing import Asked
    from expansion.queries.lists import SYNC

    parked, queued = makers.message("parked", "contract:C-1"), makers.message("queued", "contract:C-2")
    found = SYNC.rows(Asked(world.finance, {"tab": "open"}, world.now, world.now.date())).filter(pk__in=[parked.pk, queued.pk])
    job = prepared("retry", world.finance, world.now, found=found)
    assert job.rows.get(target=queued.pk).state == "left_out"
    bulk.start(job_id=job.pk, by=world.finance, now=world.now)
    run(job)
    parked.refresh_from_db()
    assert parked.state in {"queued", "unknown"}


# --- size ----------------------------------------------------------------------------------------------------------------


def test_ten_thousand_rows_are_pinned_without_memory_growing(world):
    import tracemalloc

    from expansion.operations.bulk_actions import Candidate

    def peak(count):
        tracemalloc.start()
        made = bulk.prepare(
            kind="assign",
            candidates=(
                Candidate(place, f"DL-{place} A customer", "/deals/x", "GBP", Decimal(1), {"version": 1}) for place in range(count)
            ),
            by=world.admin,
            now=world.now,
            settings={"owner": str(world.csm.pk)},
        )
        highest = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return made.rows.count(), highest

    few, small = peak(1_000)
    many, large = peak(10_000)
    assert (few, many) == (1_000, 10_000)
    assert large < small * 1.5 + 1_000_000, f"{small} bytes for 1,000 rows, {large} for 10,000"


@pytest.mark.django_db(transaction=True)
@pytest.mark.req("F17")
def test_two_workers_on_one_job_share_its_rows(world):
    job = owned(world, 8)
    bulk.start(job_id=job.pk, by=world.admin, now=world.now)
    problems = []

    def worker():
        try:
            while bulk._one(job, world.now):
                pass
        except Exception as error:
            problems.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=worker) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not problems
    assert set(BulkRow.objects.filter(job=job).values_list("state", "tries")) == {("done", 1)}
    assert Entry.objects.filter(action="deal.assigned").count() == 8
