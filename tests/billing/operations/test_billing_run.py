"""The bill run: what is due, once, whatever happens in between; one broken contract costs only itself."""

import threading
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from django.db import connection, connections, transaction
from django.test.utils import CaptureQueriesContext

from billing.models import (
    Contract,
    CreditAllocation,
    Document,
    DocumentLine,
    DocumentSeries,
    FutureInvoice,
    FutureInvoiceVersion,
    PendingLine,
    Posting,
)
from billing.operations import billing_run, lines, recurring
from billing.operations.billing_run import bill
from billing.queries.billed import pending_facts
from billing.queries.due import waiting_of
from billing.queries.future import expected_next
from dealops.audit.models import Entry
from tests.portfolio import entity, portfolio

pytestmark = pytest.mark.django_db

FIRST = date(2026, 1, 1)
SECOND = date(2026, 2, 1)


def at(day):
    return datetime(day.year, day.month, day.day, 6, tzinfo=UTC)


def run(day, **more):
    return bill(on=day, at=at(day), **more)


def numbers():
    return list(Document.objects.order_by("series_id", "sequence").values_list("number", flat=True))


def refreshed(contract):
    return Contract.objects.select_related("legal_entity", "customer__segment", "future_invoice__current").get(pk=contract.pk)


# --- what it issues -------------------------------------------------------------------------------------------------------------


@pytest.mark.req("F31", "M11")
def test_what_is_due_is_issued_once_and_a_second_run_finds_nothing():
    portfolio(5)
    assert run(FIRST).issued == 5
    assert run(FIRST).issued == 0
    assert numbers() == [f"INV-2026-{n:05d}" for n in range(1, 6)]
    assert set(Contract.objects.values_list("billed_until", flat=True)) == {SECOND}


def test_an_invoice_is_the_one_that_was_expected():
    (contract,) = portfolio(1)
    run(FIRST)
    expected = refreshed(contract).future_invoice.current
    run(SECOND)
    invoice = Document.objects.get(service_start=SECOND)
    assert (invoice.issue_date, invoice.service_end) == (expected.invoice_date, expected.period_end)
    assert (invoice.net, invoice.tax, invoice.total) == (expected.net, expected.tax, expected.total)
    assert [line.explanation for line in invoice.lines.order_by("position")] == [line["explanation"] for line in expected.lines]
    assert (invoice.reference, invoice.seller["name"], invoice.buyer["number"]) == ("B-1 2026-02-01", "Northbeam Software Ltd", "KB-1")
    assert (invoice.due_date - invoice.issue_date).days == 14


@pytest.mark.req("M07")
def test_after_a_run_the_next_invoice_is_a_recompute_from_the_lines():
    for contract in portfolio(3):
        run(FIRST)
        current = refreshed(contract).future_invoice.current
        for name, value in expected_next(refreshed(contract)).items():
            assert getattr(current, name) == value, name


@pytest.mark.req("F31")
def test_months_that_were_missed_are_caught_up_in_order_of_their_dates():
    portfolio(2)
    assert run(date(2026, 4, 15)).issued == 8
    issued = list(Document.objects.order_by("sequence").values_list("issue_date", "contract__number"))
    assert issued == [(date(2026, month, 1), f"B-{n}") for month in range(1, 5) for n in (1, 2)]


@pytest.mark.req("F79")
def test_numbers_follow_the_year_of_the_date_and_the_seller():
    portfolio(1, start=date(2026, 11, 1))
    portfolio(1, entity="northbeam-eu", first=50, start=date(2026, 12, 15))
    run(date(2027, 1, 20))
    assert numbers() == ["EU-INV-2026-00001", "EU-INV-2027-00001", "INV-2026-00001", "INV-2026-00002", "INV-2027-00001"]
    assert set(DocumentSeries.objects.values_list("year", "last")) == {(2026, 2), (2026, 1), (2027, 1)}


def test_in_arrears_a_period_is_billed_on_the_day_after_it():
    portfolio(1, in_advance=False)
    assert [run(date(2026, 1, day)).issued for day in (1, 31)] == [0, 0]
    assert run(SECOND).issued == 1
    invoice = Document.objects.get()
    assert (invoice.service_start, invoice.service_end, invoice.issue_date) == (FIRST, SECOND, SECOND)


def test_a_stub_in_arrears_is_due_when_it_ends():
    portfolio(1, in_advance=False, months=3, start=date(2026, 1, 20), anchor=FIRST)
    assert run(date(2026, 3, 31)).issued == 0
    assert run(date(2026, 4, 1)).issued == 1


def test_a_period_without_a_line_passes_without_a_document():
    (contract,) = portfolio(1, lines=1)
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute("UPDATE billing_contractline SET starts = '2026-03-01'")
        cursor.execute("SET LOCAL session_replication_role = DEFAULT")
    assert run(SECOND).issued == 0
    assert refreshed(contract).billed_until == date(2026, 3, 1)
    assert run(date(2026, 3, 1)).issued == 1


def test_one_legal_entity_can_be_billed_alone():
    portfolio(1)
    portfolio(1, entity="northbeam-eu", first=50)
    assert run(FIRST, entity=entity("northbeam-eu")).issued == 1
    assert numbers() == ["EU-INV-2026-00001"]


@pytest.mark.req("F72")
def test_a_contract_ends_when_its_term_is_over_and_billed():
    (contract,) = portfolio(1, end=date(2026, 3, 1))
    assert run(date(2026, 2, 28)).ended == []
    assert run(date(2026, 3, 1)).ended == ["B-1"]
    assert refreshed(contract).state == "ended"
    assert refreshed(contract).future_invoice.current.invoice_date is None
    assert Entry.objects.filter(action="contract.ended", subjects__contains=["contract:B-1"]).count() == 1
    assert run(date(2026, 6, 1)).issued == 0


# --- lines that wait ------------------------------------------------------------------------------------------------------------


def waiting_credit(contract, net, reference, reduces):
    line = {
        "key": str(contract.lines.first().key), "product": "starter", "name": "Starter", "family": "core", "unit": "seat",
        "side": "credit",
        "quantity": "1", "unit_price": "49.99", "discount": "0", "starts": "2026-01-16", "ends": "2026-02-01", "days": 16,
        "period_days": 31,
        "numerator": int(Decimal(net) * 100), "denominator": 100, "net": net, "tax_rate": "20", "tax_code": "OUTPUT2",
        "tax": str(Decimal(net) / 5), "explanation": f"credit of {net}", "prior_period": False, "outcome": "next_invoice",
        "not_credited": "0.00", "discount_share": "0.00",
    }  # fmt: skip
    return PendingLine.objects.create(contract=contract, reference=reference, line=line, reduces=reduces, created_at=at(FIRST))


@pytest.mark.req("F61", "M12")
def test_waiting_credits_join_the_next_invoice_as_far_as_they_fit_and_reduce_what_they_were_agreed_for():
    (contract,) = portfolio(1, lines=1)
    run(FIRST)
    billed = DocumentLine.objects.get()  # 3 x 49.99 = 149.97
    for reference, net in (("CH-1", "100.00"), ("CH-2", "30.00"), ("CH-3", "30.00")):
        waiting_credit(contract, net, reference, [{"line_id": billed.pk, "net": net, "tax": str(Decimal(net) / 5)}])
    run(SECOND)
    invoice = Document.objects.get(service_start=SECOND)
    credits = list(invoice.lines.filter(side="credit").order_by("position").values_list("net", "tax"))
    assert credits == [(Decimal(100), Decimal(20)), (Decimal(30), Decimal(6)), (Decimal("19.97"), Decimal("3.99"))]
    assert (invoice.net, invoice.tax) == (Decimal(0), Decimal("0.00"))
    rest = PendingLine.objects.get(billed_in__isnull=True)
    assert (rest.reference, rest.line["net"], rest.line["tax"]) == ("CH-3", "10.03", "2.01")
    assert rest.reduces == [{"line_id": billed.pk, "net": "10.03", "tax": "2.01"}]
    reduced = CreditAllocation.objects.filter(invoice_line=billed)
    assert [part.net for part in reduced.order_by("id")] == [Decimal(100), Decimal(30), Decimal("19.97")]
    run(date(2026, 3, 1))
    assert not PendingLine.objects.filter(billed_in__isnull=True).exists()
    assert sum(part.net for part in reduced.all()) == Decimal(160)
    assert PendingLine.objects.count() == 4


@pytest.mark.req("F61", "M07")
def test_the_rest_of_a_credit_keeps_its_place_before_younger_ones():
    (contract,) = portfolio(1, lines=1)
    run(FIRST)
    billed = DocumentLine.objects.get()  # 149.97 a month
    for reference, net in (("CH-1", "400.00"), ("CH-2", "30.00")):
        waiting_credit(contract, net, reference, [{"line_id": billed.pk, "net": "70.00", "tax": "14.00"}])
    run(SECOND)
    assert [one.reference for one in waiting_of(contract.pk)] == ["CH-1", "CH-2"]
    assert [line.net for line in pending_facts(contract)] == [Decimal("250.03"), Decimal(30)]
    run(date(2026, 3, 1))
    assert [(one.reference, one.line.net) for one in waiting_of(contract.pk)] == [("CH-1", Decimal("100.06")), ("CH-2", Decimal(30))]
    root = PendingLine.objects.get(reference="CH-1", continues=None)
    assert set(PendingLine.objects.filter(reference="CH-1").exclude(pk=root.pk).values_list("continues", flat=True)) == {root.pk}
    assert not PendingLine.objects.filter(reference="CH-2").exclude(continues=None).exists()


def test_a_credit_carried_over_within_one_run_is_taken_up_by_the_invoice_after():
    (contract,) = portfolio(1, lines=1)
    run(FIRST)
    billed = DocumentLine.objects.get()
    waiting_credit(contract, "200.00", "CH-1", [{"line_id": billed.pk, "net": "149.97", "tax": "29.99"}])
    assert run(date(2026, 3, 1)).issued == 2
    assert [document.net for document in Document.objects.order_by("sequence")[1:]] == [Decimal(0), Decimal("99.94")]
    assert not PendingLine.objects.filter(billed_in__isnull=True).exists()
    assert sorted(PendingLine.objects.values_list("billed_in__issue_date", flat=True)) == [SECOND, date(2026, 3, 1)]
    assert sum(CreditAllocation.objects.values_list("net", flat=True)) == Decimal("149.97")


# --- the twin in accounting -----------------------------------------------------------------------------------------------------


def test_accounting_is_told_only_when_the_next_invoice_differs_from_the_one_before():
    (contract,) = portfolio(1, start=date(2026, 1, 10), anchor=FIRST)
    run(date(2026, 1, 10))
    before = Posting.objects.count()
    run(SECOND)  # the stub of January is followed by a whole month
    assert Posting.objects.count() == before
    run(date(2026, 3, 1))
    assert Posting.objects.count() == before
    assert FutureInvoiceVersion.objects.filter(future_invoice__contract=contract).count() == 3


# --- what can go wrong ----------------------------------------------------------------------------------------------------------


def test_a_contract_that_cannot_be_priced_is_parked_with_the_reason_and_costs_only_itself():
    contracts = portfolio(4)
    Contract.objects.filter(pk=contracts[1].pk).update(currency="XXX")
    found = run(FIRST)
    assert (found.issued, list(found.failed)) == (3, ["B-2"])
    assert refreshed(contracts[1]).parked_reason.startswith("It could not be billed: 'XXX' is not a currency")
    assert Entry.objects.filter(action="contract.not_billed").count() == 1
    assert run(FIRST).failed.keys() == {"B-2"}
    assert Entry.objects.filter(action="contract.not_billed").count() == 1, "said once, not every night"

    Contract.objects.filter(pk=contracts[1].pk).update(currency="GBP")
    assert run(FIRST).issued == 1
    assert refreshed(contracts[1]).parked_reason == ""
    assert numbers() == [f"INV-2026-{n:05d}" for n in range(1, 5)]


@pytest.mark.req("M11")
def test_a_row_the_database_refuses_is_found_by_halving_and_leaves_no_gap_in_the_numbers():
    contracts = portfolio(9)
    run(FIRST)
    Contract.objects.filter(pk__in=[contracts[2].pk, contracts[7].pk]).update(billed_until=FIRST)
    found = run(SECOND)
    assert found.issued == 7
    assert found.failed == dict.fromkeys(
        ["B-3", "B-8"],
        "It could not be billed: an invoice of the same period is issued already. "
        "Set the day it is billed until to the end of its last invoice.",
    )
    assert numbers() == [f"INV-2026-{n:05d}" for n in range(1, 17)]
    assert refreshed(contracts[2]).billed_until == FIRST


def test_another_persons_parking_is_left_alone():
    (contract,) = portfolio(1)
    Contract.objects.update(parked_reason="Legal looks into it")
    assert run(FIRST).issued == 1
    assert refreshed(contract).parked_reason == "Legal looks into it"


def test_a_run_that_was_stopped_goes_on_where_it_stopped(monkeypatch):
    monkeypatch.setattr(billing_run, "CHUNK", 3)
    portfolio(8)

    def stop(done):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(FIRST, progress=stop)
    assert Document.objects.count() == 3
    assert run(FIRST).issued == 5
    assert numbers() == [f"INV-2026-{n:05d}" for n in range(1, 9)]


def test_progress_tells_of_every_contract_once(monkeypatch):
    monkeypatch.setattr(billing_run, "CHUNK", 3)
    portfolio(8)
    told = []
    run(FIRST, progress=told.append)
    assert (sum(told), told) == (8, [3, 3, 2])


@pytest.mark.req("M26")
def test_every_invoice_is_in_the_log_of_the_same_transaction():
    portfolio(3)
    run(FIRST)
    entry = Entry.objects.get(action="documents.issued")
    assert entry.sentence == "3 recurring invoices issued: INV-2026-00001 to INV-2026-00003."
    assert {f"document:INV-2026-{n:05d}" for n in (1, 2, 3)} | {"contract:B-1", "entity:northbeam-uk"} <= set(entry.subjects)


# --- in bulk --------------------------------------------------------------------------------------------------------------------


@pytest.mark.req("G31")
@pytest.mark.parametrize("start", [FIRST, date(2026, 1, 10)], ids=["whole", "stub"])
def test_a_chunk_takes_the_same_number_of_statements_whatever_its_size(start):
    """A stub is followed by another amount, of which accounting is told: that too in bulk."""
    counts = []
    for size, first in ((1, 1), (20, 10), (200, 1000)):
        portfolio(size, first=first, start=start, anchor=FIRST)
        with CaptureQueriesContext(connection) as queries:
            assert run(start).issued == size
        counts.append(len(queries))
    # The first of all also makes the head of the log's chain.
    assert counts[1] == counts[2] < 70, counts


@pytest.mark.parametrize(
    ("model", "columns"),
    [(Document, recurring.DOCUMENT_COLUMNS), (FutureInvoiceVersion, recurring.VERSION_COLUMNS), (DocumentLine, ("id", *lines.COLUMNS))],
)
def test_the_columns_written_in_bulk_are_those_of_the_table(model, columns):
    assert set(columns) == {field.column for field in model._meta.concrete_fields}


@pytest.mark.django_db(transaction=True)
def test_text_arrives_as_it_was_whatever_is_in_it():
    (contract,) = portfolio(1)
    odd = 'Tab\there, "quotes", back\\slash, \\N, new\nline, naïve 株式会社'
    contract.customer.name = odd
    contract.customer.save()
    run(FIRST)
    assert Document.objects.get().buyer["name"] == odd


# --- at the same time -----------------------------------------------------------------------------------------------------------


def together(*jobs):
    gate, wrong = threading.Barrier(len(jobs)), []

    def do(job):
        try:
            gate.wait(timeout=10)
            job()
        except BaseException as error:
            wrong.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=do, args=(job,)) for job in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert not wrong, wrong


@pytest.mark.req("F11")
@pytest.mark.django_db(transaction=True)
def test_two_runs_at_once_bill_everything_once(monkeypatch):
    monkeypatch.setattr(billing_run, "CHUNK", 4)
    portfolio(40)
    found = []
    together(*[lambda: found.append(run(FIRST))] * 3)
    assert sum(one.issued for one in found) == 40
    assert numbers() == [f"INV-2026-{n:05d}" for n in range(1, 41)]
    assert not any(one.failed for one in found)


@pytest.mark.django_db(transaction=True)
def test_a_contract_that_someone_holds_is_billed_when_they_let_go():
    contracts = portfolio(3)
    held, let_go = threading.Event(), threading.Event()

    def hold():
        with transaction.atomic():
            Contract.objects.select_for_update().get(pk=contracts[1].pk)
            held.set()
            let_go.wait(timeout=10)

    def bill_meanwhile():
        held.wait(timeout=10)
        # The first walk passes the held contract over; then it is let go.
        assert run(FIRST, progress=lambda done: let_go.set()).issued == 3

    together(hold, bill_meanwhile)
    assert FutureInvoice.objects.filter(current__isnull=False).count() == 3
