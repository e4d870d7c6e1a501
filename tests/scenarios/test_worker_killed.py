"""Workers are killed with SIGKILL wherever it hurts; every document is in accounting once all the same."""

import os
import signal
import threading
import time

import pytest

from billing.models import Document, Posting
from dealops.audit.models import Entry
from dealops.outbox import operations, relay
from dealops.outbox.models import Attempt, Message, State
from expansion.queries.lights import lights_of
from tests.scenarios.portfolio import add_seats, bill_months, documents_here, documents_there, out_of_order, sign_more, tell_documents
from tests.scenarios.workers import celery_beat, celery_worker, deliver_due, deliver_everything, reap, until
from tests.worlds import seed_world

pytestmark = pytest.mark.django_db(transaction=True)

# Every line between "claimed" and "committed" of a document's posting.
POINTS = (
    "relay.claimed",
    "post.before_remote",
    "post.after_remote",
    "post.after_checked",
    "relay.after_remote_before_commit",
    "relay.after_commit",
)


def issue_documents(contracts: int, months: int):
    """Recurring invoices, `months` of each of `contracts`, which accounting has not heard of."""
    world = seed_world(owner="sales_cs", billed=False)
    sign_more(world, contracts - 1)
    bill_months(*range(1, months + 1))
    documents = list(Document.objects.order_by("issue_date", "id"))
    assert len(documents) == contracts * months
    return documents


def queue_documents(contracts: int, months: int):
    """The same, queued for posting."""
    documents = issue_documents(contracts, months)
    tell_documents(documents)
    return documents


def both_ledgers_agree(ledgerly):
    assert documents_there(ledgerly.state()) == documents_here()
    assert not out_of_order()
    assert not Message.objects.exclude(state=State.DONE).exists()


@pytest.mark.req("F18", "F33", "G04")
def test_killed_twenty_times_between_accountings_commit_and_ours_there_is_one_invoice_each(ledgerly, mortals):
    documents = queue_documents(contracts=5, months=4)
    mortals.die_at("post.after_remote", times=20)
    assert len(ledgerly.invoices()) >= 5, "accounting had committed when the workers died"
    deliver_everything()
    both_ledgers_agree(ledgerly)
    assert len(ledgerly.invoices()) == len(documents) == 20
    assert Attempt.objects.filter(outcome=Attempt.Outcome.LOST).count() == 20


@pytest.mark.req("F18", "F19", "F20", "F38")
def test_killed_at_every_point_of_a_posting_with_the_keys_forgotten_there_is_one_invoice_each(ledgerly, mortals):
    documents = issue_documents(contracts=1, months=len(POINTS))
    for point, document in zip(POINTS, documents, strict=True):
        tell_documents([document])
        mortals.die_at(point)
        ledgerly.post("/ledgerly/forget-keys", {})
        deliver_everything()
        assert documents_there(ledgerly.state()) == documents_here(), point
    both_ledgers_agree(ledgerly)


@pytest.mark.req("F28")
def test_a_message_that_kills_its_workers_is_parked_after_three_and_the_others_flow(ledgerly, mortals):
    poison, *others = queue_documents(contracts=3, months=1)
    head = Message.objects.get(posting__document=poison)
    Message.objects.exclude(pk=head.pk).update(available_at="2100-01-01T00:00Z")
    mortals.die_at("post.before_remote", times=relay.MAX_LOST)
    Message.objects.exclude(pk=head.pk).update(available_at=head.available_at)
    deliver_everything()
    head.refresh_from_db()
    assert (head.state, head.attempts) == (State.PARKED, relay.MAX_LOST + 1)
    assert "3 workers in a row" in head.last_words
    assert Posting.objects.filter(message__state=State.DONE).count() == len(others)
    operations.retry(message_id=head.pk)
    deliver_everything()
    both_ledgers_agree(ledgerly)


@pytest.mark.req("F17", "F38")
@pytest.mark.parametrize(("point", "sent"), [("relay.claimed", 1), ("post.before_remote", 2)])
def test_a_worker_that_wakes_up_after_another_took_over_changes_nothing_here_or_there(ledgerly, mortals, point, sent):
    """Asleep before it asked for its lease it does not even send; after that, accounting's own rule about numbers stands behind."""
    queue_documents(contracts=1, months=1)
    late = mortals.stop_at(point)
    deliver_everything()  # its lease has run out
    ledgerly.post("/ledgerly/forget-keys", {})
    os.kill(late, signal.SIGCONT)
    assert reap(late) == 0
    both_ledgers_agree(ledgerly)
    assert list(Attempt.objects.order_by("number").values_list("outcome", flat=True)) == ["lost", "delivered"]
    assert Entry.objects.filter(action="document.posted").count() == 1
    assert len([r for r in ledgerly.state()["requests"] if (r["method"], r["path"]) == ("PUT", "/Invoices")]) == sent


def test_without_the_fence_the_late_workers_write_goes_through(ledgerly, mortals, monkeypatch):
    """Negative control of the test above: a worker that does not ask for its lease writes over the other's result."""
    queue_documents(contracts=1, months=1)

    def finish(delivery, state, outcome, *, words, note=None, **more):
        Attempt.objects.filter(message=delivery.message, number=delivery.message.attempts).update(outcome=outcome)
        with relay.transaction.atomic():
            note()

    def without_a_fence():
        monkeypatch.setattr(relay.Delivery, "checkpoint", lambda delivery, note: note())
        monkeypatch.setattr(relay, "_finish", finish)
        deliver_due()

    late = mortals.stop_at("post.before_remote", without_a_fence)
    deliver_everything()  # its lease has run out
    os.kill(late, signal.SIGCONT)
    assert reap(late) == 0
    assert Attempt.objects.filter(outcome=Attempt.Outcome.DELIVERED).count() == 2
    assert Entry.objects.filter(action="document.posted").count() == 2


class ForgetfulAboutNumbers:
    """A Ledgerly that lets two invoices carry one number, as accounting systems without that rule do."""

    def __init__(self, ledgerly, monkeypatch):
        monkeypatch.setattr("billing.adapters.accounting.ledgerly.books.by_number", lambda books, kind, number: None)
        with ledgerly.server.store.write() as tx:
            tx.execute("DROP INDEX document_number")


@pytest.mark.req("F18", "F38")
@pytest.mark.parametrize("looks", [True, False], ids=["looking", "not_looking"])
def test_the_look_up_alone_prevents_the_duplicate_where_numbers_and_keys_do_not(ledgerly, mortals, monkeypatch, looks):
    """With its negative control: without the look-up the duplicate appears, so the harness can see one."""
    ForgetfulAboutNumbers(ledgerly, monkeypatch)
    queue_documents(contracts=1, months=1)
    mortals.die_at("post.after_remote")
    ledgerly.post("/ledgerly/forget-keys", {})
    if not looks:
        monkeypatch.setattr("billing.handlers.documents.look_up", lambda accounting, payload, delivery: None)
    deliver_everything()
    assert len(ledgerly.invoices()) == (1 if looks else 2)


@pytest.mark.req("F17", "F21", "F23", "G04")
def test_the_whole_worker_group_is_killed_while_accounting_answers_and_another_takes_over_in_time(ledgerly, tmp_path, settings):
    settings.OUTBOX_LEASE_SECONDS = 2
    world = seed_world(owner="sales_cs")
    killed = threading.Event()
    with (
        celery_beat(tmp_path, OUTBOX_LEASE_SECONDS="2"),
        celery_worker(tmp_path, name="second", wait=False, OUTBOX_LEASE_SECONDS="2") as second,
        celery_worker(tmp_path, name="first", OUTBOX_LEASE_SECONDS="2") as first,
    ):
        second.wait_ready(" ready.")
        second.signal(signal.SIGSTOP)
        ledgerly.before_answer("PUT", "/Invoices", lambda: (first.kill(), killed.set()))
        change = add_seats(world, world.deal, 25)
        assert killed.wait(60), "the first worker never got as far as accounting"
        died = time.monotonic()
        assert len(ledgerly.invoices(change.number)) == 1, "accounting has committed"
        second.signal(signal.SIGCONT)
        until(
            lambda: not Message.objects.filter(queue="post").exclude(state=State.DONE).exists(), seconds=32, what="taken over and delivered"
        )
        took = time.monotonic() - died
    assert took <= 2 + 30
    assert documents_there(ledgerly.state()) == documents_here()
    assert len(ledgerly.live_templates("C-1042")) == 1
    assert [light.status for light in lights_of([change])[change.pk]] == ["done"] * 4
    document = Posting.objects.get(document__reference=change.number)
    assert list(document.message.tries.order_by("number").values_list("outcome", flat=True)) == ["lost", "delivered"]
