"""A bulk approval and single approvals of the same changes at the same time: each change is decided once and the counts add up (F12)."""

import threading

import pytest
from django.db import OperationalError, connection

from billing.domain.refusal import Refusal
from billing.models import Document
from dealops.outbox.models import Message
from expansion.models import BulkRow, Change, Decision
from expansion.operations import bulk, changes
from expansion.operations.bulk_actions import ACTIONS
from tests.books import assert_books_hold
from tests.expansion.desk import submitted
from tests.expansion.more_deals import another_deal
from tests.worlds import seed_world

pytestmark = [pytest.mark.django_db(transaction=True)]


@pytest.mark.req("F12")
@pytest.mark.parametrize(
    "size", [(8, 4), pytest.param((500, 50), marks=[pytest.mark.proof, pytest.mark.timeout(3600)])], ids=lambda size: f"{size[0]}-{size[1]}"
)
def test_a_bulk_approval_beside_single_ones_decides_each_change_once(monkeypatch, size, record_property):
    rows, singles = size
    monkeypatch.setattr("expansion.queries.approvals.flags_of", lambda *given: ())
    world = seed_world()
    worlds = [world, *(another_deal(world, 3000 + place, f"Customer {place}") for place in range(1, rows))]
    waiting = [submitted(each, goal="More people") for each in worlds]
    found = Change.objects.filter(pk__in=[change.pk for change in waiting]).select_related(
        "deal__customer", "deal__contract__legal_entity", "maker"
    )
    candidates = ACTIONS["approve"].candidates(found.order_by("pk"), world.finance, world.now)
    job = bulk.prepare(kind="approve", candidates=candidates, by=world.finance, now=world.now, listing="approvals")
    wanted = bulk.sum_to_type(job)
    bulk.start(job_id=job.pk, by=world.finance, now=world.now, typed=str(wanted or ""))
    together, problems, alone = threading.Barrier(3), [], {"won": 0, "lost": 0}
    # From the far end and from the middle: some meet the worker, some come before it and some after.
    chosen = [*waiting[-singles // 2 :], *waiting[: singles - singles // 2]]

    def worker():
        together.wait(60)
        while bulk._one(job, world.now):
            pass

    def hand(mine):
        together.wait(60)
        for change in mine:
            try:
                changes.approve(change_id=change.pk, version=1, shown_hash=change.content_hash, by=world.head_of_finance, now=world.now)
                alone["won"] += 1
            except Refusal as refusal:
                assert refusal.code == "already_decided", refusal
                alone["lost"] += 1
            except OperationalError:
                alone["lost"] += 1

    def run(work, *given):
        try:
            work(*given)
        except Exception as error:
            problems.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=args) for args in ((worker,), (hand, chosen[::2]), (hand, chosen[1::2]))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(3000)
    assert not problems
    done = BulkRow.objects.filter(job=job)
    refused = done.filter(state=BulkRow.State.REFUSED)
    assert alone["won"] + alone["lost"] == singles
    assert done.filter(state=BulkRow.State.DONE).count() + alone["won"] == rows
    assert refused.count() == alone["won"]
    assert all("Already approved by" in row.words for row in refused), [row.words for row in refused]
    for change in waiting:
        assert Decision.objects.filter(change=change).count() == 1
        document = Document.objects.get(reference=change.number)
        assert Message.objects.filter(topic="accounting.document", posting__document=document).count() == 1
    record_property("cases", rows)
    assert_books_hold("M11", "M17", "M18", "M19")
