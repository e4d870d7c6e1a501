"""What bulk work issues reaches accounting in few calls, and each invoice is there once all the same, whatever happens to a call."""

import contextlib
import random
from datetime import date

import pytest
from django.db.models.functions import Now

from billing.models import Document, Posting
from billing.operations.billing_run import bill
from dealops.outbox import operations, relay
from dealops.outbox.gates import working_on
from dealops.outbox.models import Attempt, Message, State
from expansion.queries.lights import lights_of
from tests.scenarios.portfolio import (
    add_seats,
    bill_months,
    documents_here,
    documents_there,
    posted_out_of_order,
    sign_more,
    tell_documents,
)
from tests.scenarios.test_many_at_once import Moods
from tests.scenarios.test_worker_killed import POINTS, ForgetfulAboutNumbers
from tests.scenarios.workers import deliver_everything, leases_run_out
from tests.worlds import seed_world

pytestmark = pytest.mark.django_db(transaction=True)


def in_bulk(contracts, months=1):
    """`months` invoices of each of so many contracts, issued here and queued as bulk work."""
    world = seed_world(owner="sales_cs", billed=False)
    sign_more(world, contracts - 1)
    bill_months(*range(1, months + 1))
    documents = list(Document.objects.order_by("issue_date", "id"))
    assert len(documents) == contracts * months
    with working_on("bulk"):
        tell_documents(documents)
    return world, documents


def calls(ledgerly, path="/Invoices"):
    """The writes that reached accounting, oldest first."""
    return [one for one in ledgerly.state()["requests"] if one["method"] != "GET" and one["path"] == path]


def carried(call):
    return call["about"].count(",") + 1


def both_ledgers_agree(ledgerly):
    state = ledgerly.state()
    assert documents_there(state) == documents_here()
    assert not posted_out_of_order(state)
    assert not Message.objects.exclude(queue="notify").exclude(state=State.DONE).exists()
    assert not Posting.objects.filter(verified_at=None).exists()


@pytest.mark.req("F29", "F37")
def test_a_hundred_invoices_of_bulk_work_are_two_calls_and_a_month_of_a_contract_never_overtakes_another(ledgerly):
    in_bulk(contracts=35, months=3)
    deliver_everything()
    both_ledgers_agree(ledgerly)
    # One contract has one invoice in a call: its next one goes when that is done.
    assert [carried(one) for one in calls(ledgerly)] == [35, 35, 35]
    assert Attempt.objects.count() == 105


@pytest.mark.req("F29")
def test_without_the_bulk_queue_each_goes_alone(ledgerly):
    """What people approve one by one keeps a queue, a call and a key of its own."""
    world = seed_world(owner="sales_cs", billed=False)
    sign_more(world, 2)
    bill_months(6)
    tell_documents(Document.objects.all())
    assert set(Message.objects.values_list("queue", flat=True)) == {"post"}
    deliver_everything()
    both_ledgers_agree(ledgerly)
    assert [one["key"] for one in calls(ledgerly)] == [str(key) for key in Message.objects.order_by("id").values_list("key", flat=True)]


# How often in a row each strikes; what was done before the answer went wrong is not sent again.
FAULTS = {
    "drop_after_commit": {},
    "drop_before": {"times": 3},
    "500_before": {"times": 3},
    "500_after_commit": {},
    "429": {"times": 2, "seconds": 1},
    "maintenance": {"times": 2, "seconds": 1},
    "malformed_json": {},
    "truncate_body": {},
    "huge_body": {},
    "partial_batch": {"times": 2},
    "short_answer": {},
    "forget_keys": {},
}


def year_in_bulk(contracts):
    """The invoices of 2025 of so many contracts, by month; each month is queued by the test."""
    world = seed_world(owner="sales_cs", billed=False)
    sign_more(world, contracts, start=date(2025, 1, 1))
    bill_months(*range(1, 13), year=2025)
    return [list(Document.objects.filter(issue_date=date(2025, month, 1)).order_by("id")) for month in range(1, 13)]


@pytest.mark.req("F33", "F34", "F35", "F37", "F38", "F48", "G01")
def test_every_fault_of_a_call_leaves_each_of_its_invoices_there_once(ledgerly):
    for (kind, options), documents in zip(FAULTS.items(), year_in_bulk(contracts=5), strict=True):
        with working_on("bulk"):
            tell_documents(documents)
        ledgerly.fault(kind, path="/Invoices", **options)
        before = sum(one["effects"] for one in calls(ledgerly))
        deliver_everything()
        assert not ledgerly.state()["faults"], f"{kind} did not strike as often as it should"
        assert sum(one["effects"] for one in calls(ledgerly)) - before == len(documents), kind
        assert documents_there(ledgerly.state()) == documents_here(), kind
    both_ledgers_agree(ledgerly)


@pytest.mark.req("F33", "F37", "F38")
@pytest.mark.parametrize("looks", [True, False], ids=["looking", "not_looking"])
@pytest.mark.parametrize("kind", ["drop_after_commit", "short_answer"])
def test_the_look_up_of_each_alone_prevents_duplicates_where_numbers_and_keys_do_not(ledgerly, monkeypatch, looks, kind):
    """With its negative control: without the look-up they are there twice, so the harness can see it."""
    ForgetfulAboutNumbers(ledgerly, monkeypatch)
    in_bulk(contracts=6)
    ledgerly.fault(kind, path="/Invoices")
    relay.drain(queue="bulk", limit=6)
    ledgerly.post("/ledgerly/forget-keys", {})
    if not looks:
        monkeypatch.setattr("billing.handlers.documents_in_bulk.look_up", lambda accounting, elements: {})
    deliver_everything()
    assert len(ledgerly.invoices()) == (6 if looks else {"drop_after_commit": 12, "short_answer": 9}[kind])


@pytest.mark.req("F18", "F19", "F20", "F38", "G04")
def test_killed_at_any_point_of_a_call_each_of_its_invoices_is_there_once(ledgerly, mortals):
    for point, documents in zip(POINTS, year_in_bulk(contracts=3), strict=False):
        with working_on("bulk"):
            tell_documents(documents)
        mortals.die_at(point)
        ledgerly.post("/ledgerly/forget-keys", {})
        deliver_everything()
        assert documents_there(ledgerly.state()) == documents_here(), point
    both_ledgers_agree(ledgerly)
    assert sum(one["effects"] for one in calls(ledgerly)) == 3 * len(POINTS)


@pytest.mark.req("F36", "F37", "F40", "F46")
def test_a_refusal_parks_the_one_it_is_about_in_accountings_words_and_the_others_are_posted(ledgerly):
    _, documents = in_bulk(contracts=5)
    there = documents[1]
    lines = [{"Description": "By hand", "Quantity": 1, "UnitAmount": "1.00", "TaxType": "OUTPUT2", "AccountCode": "200"}]
    head = {"Status": "AUTHORISED", "InvoiceNumber": there.number, "Reference": "PO 7", "LineItems": lines}
    dates = {"Date": "2026-01-01", "DueDate": "2026-01-15"}
    ledgerly.post("/ledgerly/seed", {"Invoices": [{**head, **dates, "Contact": {"Name": "Somebody"}}]})
    deliver_everything()
    parked = Message.objects.get(state=State.PARKED)
    assert parked.payload["document"] == there.number and parked.attempts == 1
    assert f"another {there.number}" in parked.last_words and "the reference PO 7" in parked.last_words
    assert Message.objects.filter(state=State.DONE).count() == 4
    with ledgerly.server.store.write() as tx:
        tx.execute("DELETE FROM documents WHERE number = ?", (there.number,))
    operations.retry(message_id=parked.pk)
    deliver_everything()
    both_ledgers_agree(ledgerly)


@pytest.mark.req("F36")
def test_a_customer_whose_contact_is_archived_parks_its_own_invoice_only(ledgerly):
    _, documents = in_bulk(contracts=4)
    who = documents[2].customer
    ledgerly.post("/ledgerly/seed", {"Contacts": [{"Name": who.name, "ContactNumber": who.number, "ContactStatus": "ARCHIVED"}]})
    with ledgerly.server.store.write() as tx:
        tx.execute("UPDATE contacts SET status = 'ARCHIVED' WHERE number = ?", (who.number,))
    deliver_everything()
    parked = Message.objects.get(state=State.PARKED)
    assert parked.payload["document"] == documents[2].number and "contact" in parked.last_words.lower()
    assert Message.objects.filter(state=State.DONE).count() == 3
    with ledgerly.server.store.write() as tx:
        tx.execute("UPDATE contacts SET status = 'ACTIVE'")
    operations.retry(message_id=parked.pk)
    deliver_everything()
    both_ledgers_agree(ledgerly)


@pytest.mark.req("F36", "F37")
def test_a_call_that_is_refused_as_a_whole_is_halved_down_to_what_accounting_takes(ledgerly, monkeypatch):
    monkeypatch.setattr("billing.adapters.accounting.ledgerly.api.MOST_AT_ONCE", 3)
    in_bulk(contracts=10)
    deliver_everything()
    both_ledgers_agree(ledgerly)
    assert max(one["effects"] for one in calls(ledgerly)) == 3
    assert Attempt.objects.count() == 10, "one try each: what was refused was not done"


@pytest.mark.req("F43")
def test_a_token_that_is_refused_parks_the_call_after_one_attempt(ledgerly):
    in_bulk(contracts=3)
    ledgerly.fault("unauthorised", path="/Invoices")
    deliver_everything()
    assert len(calls(ledgerly)) == 1
    parked = list(Message.objects.filter(state=State.PARKED))
    assert len(parked) == 3
    for message in parked:
        assert "TokenExpired" in message.last_words
        operations.retry(message_id=message.pk)
    deliver_everything()
    both_ledgers_agree(ledgerly)


@pytest.mark.req("F29")
def test_single_approvals_between_bulk_work_keep_the_order_of_their_contract_and_wait_for_no_other(ledgerly):
    world, documents = in_bulk(contracts=6)
    change = add_seats(world, world.deal, 25)
    of_the_contract = Message.objects.filter(subject=world.contract.permalink)
    assert set(of_the_contract.values_list("queue", flat=True)) == {"post"}, "what its contract had in bulk goes first"
    while relay.drain(queue="post"):
        pass
    assert [light.status for light in lights_of([change])[change.pk]] == ["done"] * 4
    assert Message.objects.filter(queue="bulk", state=State.QUEUED).count() == len(documents) - 1
    deliver_everything()
    both_ledgers_agree(ledgerly)


@pytest.mark.req("F34")
def test_new_customers_that_take_too_long_to_be_made_over_there_come_with_a_later_call(ledgerly, monkeypatch):
    monkeypatch.setattr("billing.handlers.contacts.PATIENCE_SECONDS", -1)
    in_bulk(contracts=3)
    relay.drain(queue="bulk", limit=3)
    assert not calls(ledgerly)
    assert set(Message.objects.values_list("state", "doubts")) == {(State.QUEUED, 0)}, "nothing was sent, so nothing is in doubt"
    monkeypatch.setattr("billing.handlers.contacts.PATIENCE_SECONDS", 15.0)
    deliver_everything()
    both_ledgers_agree(ledgerly)
    assert [carried(one) for one in calls(ledgerly)] == [3]


def test_where_a_call_takes_one_invoice_bulk_work_posts_one_by_one(quickbooks):
    in_bulk(contracts=3)
    deliver_everything()
    assert not Message.objects.exclude(state=State.DONE).exists()
    assert Posting.objects.exclude(verified_at=None).count() == 3


class Died(BaseException):
    """What SIGKILL is to a worker: nothing more of this call is noted."""


@pytest.mark.req("G01", "F17", "F18", "F33", "F37", "F38", "F48")
def test_under_random_faults_and_deaths_of_calls_nothing_is_lost_doubled_or_out_of_order(ledgerly, monkeypatch):
    ledgerly.checks = False  # the exchanges are those of the other stories
    in_bulk(contracts=40, months=5)
    moods, dice, died = Moods(47), random.Random(53), []

    def point(name):
        if name in ("post.after_remote", "post.after_checked") and dice.randrange(100) < (15 if name == "post.after_remote" else 1):
            died.append(name)
            raise Died

    monkeypatch.setattr("billing.handlers.documents_in_bulk.crash_point", point)
    monkeypatch.setattr("billing.adapters.accounting.ledgerly.app.take", moods.take)
    waiting = Message.objects.exclude(state__in=[State.DONE, State.PARKED])
    while waiting.exists():
        leases_run_out()
        waiting.filter(state__in=[State.QUEUED, State.UNKNOWN]).update(available_at=Now())
        with contextlib.suppress(Died):
            relay.drain(queue="bulk", limit=dice.randint(1, 60))
        for message in Message.objects.filter(state=State.PARKED):  # only what stayed uncertain or killed its workers
            assert message.doubts >= relay.MAX_LOST, message.last_words
            operations.retry(message_id=message.pk)
    both_ledgers_agree(ledgerly)
    assert died and moods.struck > 20
    assert max(one["effects"] for one in calls(ledgerly)) > 10, "calls carried many all the while"


@pytest.mark.req("F29")
def test_what_a_bill_run_of_a_bookkeeping_entity_issues_besides_goes_in_bulk(ledgerly):
    """Scheduled changes that take effect on a bill day are nobody's click: they wait behind what people wait for."""
    from expansion.operations import daily
    from tests.worlds import NOON

    world = seed_world(owner="sales_cs", billed=False)
    bill(on=date(2026, 6, 1), at=NOON)
    change = add_seats(world, world.deal, 25, effective=date(2026, 6, 20))
    assert change.state == "scheduled"
    daily.catch_up(on=date(2026, 6, 20), at=lambda day: NOON)
    caused = Message.objects.filter(subject=world.contract.permalink)
    assert caused.count() >= 3 and set(caused.values_list("queue", flat=True)) == {"bulk"}
    deliver_everything()
    change.refresh_from_db()
    assert [light.status for light in lights_of([change])[change.pk]] == ["done"] * 4
