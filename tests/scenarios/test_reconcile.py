"""Every difference between dealops and accounting is found, named to the field and the minor unit, and repaired by one click."""

from datetime import UTC, date, datetime
from decimal import Decimal
from io import StringIO

import pytest
from django.core.management import call_command

from billing.handlers.reading import read_template
from billing.handlers.reconcile import NotCompared, everything, reconcile
from billing.models import Contract, Correction, Document, Finding, Reconciliation, Template, Twin
from billing.operations import reconcile as operations
from dealops.audit.models import Entry
from tests.scenarios.portfolio import bill_months, reseat, sign_more, tell_documents, tell_templates
from tests.scenarios.workers import deliver_everything
from tests.worlds import NOON, seed_world

pytestmark = pytest.mark.django_db(transaction=True)

JULY = datetime(2026, 7, 2, 11, tzinfo=UTC)


@pytest.fixture
def told(ledgerly):
    """Two contracts billed up to June whose templates are live in accounting, and nothing else."""
    world = seed_world(owner="sales_cs", billed=False)
    deals = [world.deal, *sign_more(world, 1)]
    bill_months(*range(1, 7))
    tell_templates(deals)
    deliver_everything()
    return world, deals


def live(ledgerly, number="C-1042"):
    (template,) = ledgerly.live_templates(number)
    return template


def open_now(at=NOON):
    found, problems = everything(at=at)
    assert not problems
    return found


def said(*, code):
    """What the command prints; it must end with status `code`."""
    out = StringIO()
    try:
        call_command("reconcile", stdout=out)
        status = 0
    except SystemExit as end:
        status = end.code
    assert status == code, out.getvalue()
    return out.getvalue()


def repaired(finding, by, at=NOON):
    operations.repair(finding_id=finding.pk, by=by, at=at)
    deliver_everything()


@pytest.mark.req("F41", "F47", "F78", "S0-20")
def test_a_template_edited_by_hand_is_found_and_one_click_puts_it_right(ledgerly, told, monkeypatch):
    monkeypatch.setattr("billing.management.commands.reconcile.now", lambda: NOON)
    world, _ = told
    assert "No difference." in said(code=0)
    ledgerly.post("/ledgerly/edit", {"id": live(ledgerly)["id"], "quantity": "19"})
    words = said(code=1)
    assert "line 1 quantity: 20 here, 19 in accounting" in words
    assert "net: 1000 here, 950 in accounting" in words and "total: 1200 here, 1140 in accounting" in words
    assert "repair: Apply the expected template to accounting" in words
    (finding,) = Finding.objects.filter(closed_at=None)
    repaired(finding, world.finance)
    assert Decimal(live(ledgerly)["total"]) == 1200
    assert "No difference." in said(code=0)
    finding.refresh_from_db()
    assert finding.closed_at and finding.closed_how == "No longer there."
    assert Entry.objects.filter(action="reconcile.repaired", actor=world.finance).count() == 1


@pytest.mark.req("F41", "F47")
def test_the_live_template_is_read_and_compared_for_whoever_says_it_was_updated(ledgerly, told):
    world, _ = told
    assert read_template(world.contract).is_right
    ledgerly.post("/ledgerly/edit", {"id": live(ledgerly)["id"], "unit_amount": "49.99"})
    assert "net: 1000 here, 999.8 in accounting" in [str(d) for d in read_template(world.contract).differences]
    ledgerly.remove_by_hand(live(ledgerly)["id"])
    assert [str(d) for d in read_template(world.contract).differences] == ["live templates: 1 here, 0 in accounting"]


@pytest.mark.req("F41", "M10")
@pytest.mark.parametrize("count", [0, 2])
def test_none_or_two_live_templates_become_one_again(ledgerly, told, count):
    world, _ = told
    template = live(ledgerly)
    if count:
        ledgerly.copy_by_hand(template)
    else:
        ledgerly.remove_by_hand(template["id"])
    (finding,) = open_now()
    assert (finding.kind, finding.differences) == ("template_count", [["live templates", "1", str(count)]])
    repaired(finding, world.finance)
    assert Decimal(live(ledgerly)["total"]) == 1200
    assert not open_now()


@pytest.mark.req("F40")
def test_a_template_of_the_same_customer_and_amount_under_another_name_is_a_possible_duplicate(ledgerly, told):
    ledgerly.copy_by_hand({**live(ledgerly), "reference": "Brightwave monthly"})
    (finding,) = open_now()
    assert finding.kind == "duplicate" and not finding.repair
    assert "Possible duplicate" in finding.words and "Brightwave monthly" in finding.words


@pytest.mark.req("F47", "F45")
def test_a_posted_document_altered_or_voided_over_there_is_reported_and_never_overwritten(ledgerly, told):
    world, _ = told
    june = Document.objects.get(contract__number="C-1042", issue_date=date(2026, 6, 1))
    tell_documents([june])
    deliver_everything()
    assert not open_now()
    (there,) = [d for d in ledgerly.invoices() if d["number"] == june.number]
    ledgerly.post("/ledgerly/edit", {"id": there["id"], "unit_amount": "1000.01"})
    (finding,) = open_now()
    assert ["net", "1000", "1000.01"] in finding.differences and finding.document == june and not finding.repair
    with pytest.raises(operations.CannotRepair, match="Nothing can be done about this from here"):
        operations.repair(finding_id=finding.pk, by=world.finance, at=NOON)
    operations.dismiss(finding_id=finding.pk, reason="Agreed with the customer", by=world.finance, at=NOON)
    assert not open_now(), "what a person left is not reported again"
    ledgerly.post("/ledgerly/edit", {"id": there["id"], "unit_amount": "1000.02"})
    (finding,) = open_now()
    assert ["net", "1000", "1000.02"] in finding.differences, "another difference is news"


@pytest.mark.req("F47")
def test_a_posted_document_that_is_gone_is_posted_again_under_its_own_number(ledgerly, told):
    world, _ = told
    june = Document.objects.get(contract__number="C-1042", issue_date=date(2026, 6, 1))
    tell_documents([june])
    deliver_everything()
    with ledgerly.server.store.write() as tx:
        tx.execute("UPDATE documents SET status = 'DELETED' WHERE number = ?", (june.number,))
    (finding,) = open_now()
    assert (finding.kind, finding.repair) == ("missing", "post")
    repaired(finding, world.finance)
    assert [d["status"] for d in ledgerly.invoices() if d["number"] == june.number] == ["DELETED", "AUTHORISED"]
    assert not open_now()


@pytest.mark.req("F40")
def test_the_same_invoice_entered_by_hand_is_a_possible_duplicate(ledgerly, told):
    june = Document.objects.get(contract__number="C-1042", issue_date=date(2026, 6, 1))
    tell_documents([june])
    deliver_everything()
    (there,) = [d for d in ledgerly.invoices() if d["number"] == june.number]
    with ledgerly.server.store.write() as tx:
        tx.execute(
            "INSERT INTO documents (id, organisation, kind, number, reference, status, contact_id, date, due_date, currency, amounts, "
            "lines, net, tax, total, updated_at) SELECT ?, organisation, kind, 'by hand', '', status, contact_id, '2026-06-03', due_date, "
            "currency, amounts, lines, net, tax, total, updated_at FROM documents WHERE id = ?",
            ("1ed9e719-0002-4000-8000-000000009999", there["id"]),
        )
    (finding,) = open_now()
    assert finding.kind == "duplicate" and "LG-009999 in accounting has the same customer and total" in finding.words


@pytest.mark.req("F41", "F42")
def test_what_accountings_templates_made_is_matched_with_our_recurring_invoices_and_read_back_as_paid(ledgerly, told):
    bill_months(7)
    ledgerly.post("/ledgerly/clock", {"date": "2026-07-01"})
    assert not open_now(JULY)
    july = Document.objects.get(contract__number="C-1042", issue_date=date(2026, 7, 1))
    assert july.twin.from_template and july.twin.total == july.total and july.twin.paid == 0
    (there,) = [d for d in ledgerly.invoices("C-1042") if d["date"] == "2026-07-01"]
    with ledgerly.server.store.write() as tx:
        tx.execute("INSERT INTO payments (id, document_id, amount, date) VALUES ('p', ?, '1200.00', '2026-07-02')", (there["id"],))
    assert not open_now(JULY)
    july.twin.refresh_from_db()
    assert (july.twin.paid, july.twin.due) == (1200, 0)
    assert Twin.objects.count() == 2


@pytest.mark.req("F41", "F42")
def test_an_invoice_made_with_the_old_amount_is_noticed_and_its_difference_posted_exactly_once(ledgerly, told):
    """Accounting generated July from the old template while the new one was on its way."""
    world, deals = told
    ledgerly.hold_back(live(ledgerly, "C-3000")["id"], until="2026-06-16")
    reseat(deals[0], 25)
    bill_months(7)
    ledgerly.post("/ledgerly/clock", {"date": "2026-07-01"})  # the old template, 20 seats
    found, _ = everything(at=JULY)
    by_kind = {one.kind: one for one in found}
    old = by_kind["old_amount"]
    assert ["net", "1250", "1000"] in old.differences and ["total", "1500", "1200"] in old.differences
    assert old.repair == "correct"
    again, _ = everything(at=JULY)
    assert [one.pk for one in again if one.kind == "old_amount"] == [old.pk], "proposed once"
    deliver_everything()
    operations.repair(finding_id=old.pk, by=world.finance, at=JULY)
    deliver_everything()
    correction = Correction.objects.get()
    (posted,) = [d for d in ledgerly.invoices() if d["number"] == correction.number]
    assert (posted["net"], posted["total"], posted["date"]) == ("250.00", "300.00", "2026-07-01")
    found, _ = everything(at=JULY)
    assert not [one for one in found if one.kind in ("old_amount", "unexpected", "duplicate")]
    with pytest.raises(operations.CannotRepair, match="closed already"):
        operations.repair(finding_id=old.pk, by=world.finance, at=JULY)


@pytest.mark.req("F42")
def test_a_too_high_old_amount_is_evened_out_by_a_credit_used_on_that_invoice(ledgerly, told):
    world, deals = told
    reseat(deals[0], 15)
    bill_months(7)
    ledgerly.post("/ledgerly/clock", {"date": "2026-07-01"})
    found, _ = everything(at=JULY)
    old = next(one for one in found if one.kind == "old_amount")
    deliver_everything()
    repaired(old, world.finance, at=JULY)
    (note,) = ledgerly.state()["credit_notes"]
    assert (note["net"], note["total"], note["used"]) == ("250.00", "300.00", "300.00")
    (invoice,) = [d for d in ledgerly.invoices("C-1042") if d["date"] == "2026-07-01"]
    assert note["allocations"] and invoice["total"] == "1200.00"


@pytest.mark.req("F109")
def test_what_accounting_holds_under_our_numbers_and_a_restored_database_does_not_know_is_named(ledgerly, told):
    june = Document.objects.get(contract__number="C-1042", issue_date=date(2026, 6, 1))
    tell_documents([june])
    deliver_everything()
    with ledgerly.server.store.write() as tx:
        tx.execute(
            "UPDATE documents SET number = 'INV-2026-09999', total = '77.00', net = '77.00', tax = '0' WHERE number = ?", (june.number,)
        )
    kinds = {one.kind: one.words for one in open_now()}
    assert "document" in kinds
    with ledgerly.server.store.write() as tx:
        tx.execute("UPDATE documents SET id = '1ed9e719-0002-4000-8000-000000008888' WHERE number = 'INV-2026-09999'")
    kinds = {one.kind: one.words for one in open_now()}
    assert "Accounting holds INV-2026-09999" in kinds["unexpected"] and june.number in kinds["missing"]


def test_what_is_still_on_its_way_is_no_difference_and_keeps_what_is_open(ledgerly, told):
    _, deals = told
    ledgerly.post("/ledgerly/edit", {"id": live(ledgerly)["id"], "quantity": "19"})
    (finding,) = open_now()
    reseat(deals[0], 30)
    assert [one.pk for one in open_now()] == [finding.pk], "not looked at, not closed"
    assert Reconciliation.objects.latest("pk").on_the_way == 1
    deliver_everything()
    assert not open_now()


@pytest.mark.req("F48", "F35")
def test_accounting_that_cannot_be_read_leaves_what_is_open_and_says_so(ledgerly, told):
    world, _ = told
    ledgerly.post("/ledgerly/edit", {"id": live(ledgerly)["id"], "quantity": "19"})
    (finding,) = open_now()
    ledgerly.fault("500_before", times=5, method="GET")
    with pytest.raises(NotCompared, match="could not be compared"):
        reconcile(world.entity, at=NOON)
    finding.refresh_from_db()
    assert finding.closed_at is None
    assert Reconciliation.objects.latest("pk").words


@pytest.mark.rows_apart("M09")  # the contract is altered behind everybody's back
def test_a_stale_expectation_is_found_and_computed_anew(ledgerly, told):
    world, _ = told
    contract = Contract.objects.get(number="C-1042")
    Contract.objects.filter(pk=contract.pk).update(fixed_discount=100)
    found = {one.kind: one for one in open_now()}
    repaired(found["future"], world.finance)
    assert not open_now()
    assert Decimal(live(ledgerly)["net"]) == 900
    assert Template.objects.filter(contract=contract, state="live").count() == 1


def test_it_asks_accounting_a_fixed_number_of_times_however_many_contracts(ledgerly, told):
    world, _ = told
    before = len(ledgerly.state()["requests"])
    open_now()
    few = len(ledgerly.state()["requests"]) - before
    more = sign_more(world, 5, first=4000)
    bill_months(*range(1, 7))
    tell_templates(more)
    deliver_everything()
    before = len(ledgerly.state()["requests"])
    assert not open_now()
    assert len(ledgerly.state()["requests"]) - before == few
