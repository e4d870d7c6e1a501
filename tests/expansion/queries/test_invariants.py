"""Every rule that `verify` checks: a rich history holds all of them, and each one broken on purpose is seen and named."""

import copy
import io
import json
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction

from billing.models import Contract
from billing.operations.closing import close_books
from expansion.models import Change, Deal
from expansion.operations import changes, daily, reversal
from expansion.queries.growth import growth_of
from expansion.queries.invariants import ALL, INVARIANTS, NOT_SHOWN, broken
from tests.books import Watch, assert_books_hold, statements_made, words_of, written
from tests.worlds import STORY_DAY, seed_world

pytestmark = pytest.mark.django_db

# rule, the row that has to be named, what breaks it (with triggers and foreign keys off)
BREAKS = [
    ("M01", "contract:C-1042", "UPDATE billing_documentline SET net = net - 1 WHERE service_start = '2026-03-01'"),
    (
        "M01",
        "contract:C-1042",
        "UPDATE expansion_change SET impact = jsonb_set(impact, '{lines,0,outcome}', '\"document\"') WHERE number = 'CH-2026-0046'",
    ),
    (
        "M02",
        "document:INV-2026-00003",
        "UPDATE billing_documentline SET exact_numerator = exact_numerator + 1 WHERE service_start = '2026-03-01'",
    ),
    (
        "M02",
        "document:INV-2026-00003",
        "UPDATE billing_documentline SET net = net + 0.001 WHERE service_start = '2026-03-01'",
    ),
    ("M03", "table:billing_documentline", "ALTER TABLE billing_documentline DISABLE TRIGGER ALL"),
    (
        "M03",
        "table:expansion_decision",
        "DO $$ BEGIN EXECUTE (SELECT format('DROP TRIGGER %I ON expansion_decision', tgname) FROM pg_trigger WHERE tgname LIKE "
        "'pgtrigger_append_only%' AND tgrelid = 'expansion_decision'::regclass); END $$",
    ),
    ("M04", "table:billing_posting", "ALTER TABLE billing_posting DISABLE TRIGGER ALL"),
    (
        "M05",
        "change:CH-2026-0042",
        "UPDATE billing_document SET reference = 'CH-2026-9999' WHERE reference = 'CH-2026-0042'",
    ),
    (
        "M05",
        "change:CH-2026-0042",
        "UPDATE expansion_change SET document_number = 'INV-2026-00001' WHERE number = 'CH-2026-0042'",
    ),
    (
        "M05",
        "change:CH-2026-0046",
        "UPDATE expansion_change SET impact = jsonb_set(impact, '{why_code}', '\"\"') WHERE number = 'CH-2026-0046'",
    ),
    ("M05", "change:CH-2026-0045", "DELETE FROM billing_pendingline"),
    ("M06", "change:CH-2026-0046", "UPDATE expansion_change SET waiver_reason = 'because' WHERE number = 'CH-2026-0046'"),
    ("M07", "contract:C-1042", "UPDATE billing_contractline SET quantity = quantity + 1 WHERE removed_in_id IS NULL"),
    ("M07", "contract:C-1042", "UPDATE billing_futureinvoiceversion SET invoice_date = invoice_date + 1"),
    ("M07", "contract:C-1042", "UPDATE billing_contract SET state = 'ended'"),
    ("M08", "contract:C-1042", "UPDATE billing_contractline SET quantity = 77 WHERE quantity = 25"),
    ("M09", "deal:DL-1042", "UPDATE expansion_deal SET amount = amount + 0.01"),
    ("M09", "deal:DL-1042", "UPDATE expansion_deal SET mrr = mrr + 0.01"),
    ("M09", "deal:DL-1042", "UPDATE expansion_deal SET currency = 'USD'"),
    (
        "M10",
        "contract:C-1042",
        "INSERT INTO billing_template (contract_id, version_id, remote_id, state, net, tax, total) SELECT f.contract_id, "
        "f.current_id, r, 'live', 1, 0, 1 FROM billing_futureinvoice f, unnest(ARRAY['a', 'b']) r",
    ),
    ("M11", "series:INV-2026", "UPDATE billing_documentseries SET last = last + 1 WHERE prefix = 'INV'"),
    ("M11", "series:INV-2026", "DELETE FROM billing_document WHERE number = 'INV-2026-00002'"),
    (
        "M11",
        "document:INV-2026-00002",
        "UPDATE billing_document SET issue_date = '2027-01-01' WHERE number = 'INV-2026-00002'",
    ),
    ("M12", "document:INV-2026-00007", "UPDATE billing_creditallocation SET net = net + 1000"),
    ("M12", "document:CN-2026-00001", "DELETE FROM billing_creditallocation"),
    ("M12", "document:CN-2026-00001", "UPDATE billing_creditallocation SET invoice_line_id = credit_line_id"),
    ("M13", "document:INV-2026-00002", "UPDATE billing_document SET currency = 'EUR' WHERE number = 'INV-2026-00002'"),
    (
        "M14",
        "document:INV-2026-00003",
        "ALTER TABLE billing_documentline DROP CONSTRAINT document_line_not_negative; UPDATE billing_documentline SET net = "
        "-net WHERE service_start = '2026-03-01'",
    ),
    ("M15", "posting:the-same", "UPDATE billing_posting SET remote_id = 'the-same' WHERE kind = 'document'"),
    ("M16", "document:INV-2026-00007", "DELETE FROM billing_posting WHERE kind = 'document'"),
    ("M16", "document:INV-2026-00007", "UPDATE outbox_message SET state = 'done'"),
    (
        "M17",
        "change:CH-2026-0042",
        "ALTER TABLE expansion_decision DROP CONSTRAINT maker_is_not_checker; UPDATE expansion_decision SET by_person = maker_person",
    ),
    (
        "M18",
        "change:CH-2026-0042",
        "UPDATE expansion_change SET edits = jsonb_set(edits, '{0,quantity}', '\"26\"') WHERE number = 'CH-2026-0042'",
    ),
    (
        "M18",
        "change:CH-2026-0042",
        "UPDATE expansion_change SET impact = jsonb_set(impact, '{net}', '\"1.00\"') WHERE number = 'CH-2026-0042'",
    ),
    (
        "M18",
        "change:CH-2026-0042",
        "ALTER TABLE expansion_change DROP CONSTRAINT change_executed_as_decided; UPDATE expansion_change SET executed_hash = "
        "'x' WHERE number = 'CH-2026-0042'",
    ),
    ("M18", "change:CH-2026-0042", "DELETE FROM expansion_decision"),
    ("M18", "change:CH-2026-0042", "UPDATE expansion_decision SET content_hash = 'x'"),
    ("M19", "table:expansion_change", "ALTER TABLE expansion_change DISABLE TRIGGER ALL"),
    ("M19", "change:CH-2026-0042", "UPDATE expansion_change SET applied_at = NULL WHERE number = 'CH-2026-0042'"),
    ("M19", "change:CH-2026-0042", "UPDATE expansion_change SET submitted_at = NULL WHERE number = 'CH-2026-0042'"),
    (
        "M20",
        "change:CH-2026-0042",
        "UPDATE expansion_change SET base_version = base_version + 1 WHERE number = 'CH-2026-0042'",
    ),
    ("M20", "contract:C-1042", "UPDATE billing_contract SET version = version + 1"),
    ("M20", "contract:C-1042", "UPDATE expansion_change SET state = 'superseded' WHERE number = 'CH-2026-0044'"),
    (
        "M21",
        "entity:northbeam-uk",
        "UPDATE billing_document SET net = net + 1, total = total + 1 WHERE number = 'INV-2026-00003'",
    ),
    (
        "M21",
        "entity:northbeam-uk",
        "UPDATE billing_document SET issue_date = '2026-05-31' WHERE number = 'INV-2026-00007'",
    ),
    (
        "M22",
        "document:INV-2026-00004",
        "UPDATE billing_document SET service_end = '2026-05-01' WHERE number = 'INV-2026-00003'",
    ),
    (
        "M22",
        "document:INV-2026-00003",
        "UPDATE billing_document SET service_end = '2026-03-31' WHERE number = 'INV-2026-00003'",
    ),
    ("M22", "contract:C-1042", "UPDATE billing_contractline SET removed_in_id = NULL"),
    ("M22", "contract:C-1042", "UPDATE billing_contract SET billed_until = '2026-06-01'"),
    (
        "M23",
        "change:CH-2026-0043",
        "UPDATE billing_document SET total = total + 1, tax = tax + 1 WHERE number = 'CN-2026-00001'",
    ),
    (
        "M24",
        "document:INV-2026-00007",
        "UPDATE billing_documentline SET explanation = 'a favour' WHERE document_id = (SELECT id FROM billing_document WHERE "
        "reference = 'CH-2026-0042')",
    ),
    (
        "M24",
        "document:INV-2026-00007",
        "DELETE FROM billing_documentline WHERE document_id = (SELECT id FROM billing_document WHERE reference = 'CH-2026-0042')",
    ),
    ("M26", "document:INV-2026-00001", "DELETE FROM audit_entry WHERE action = 'documents.issued'"),
    ("M26", "contract:C-1042", "DELETE FROM audit_entry WHERE action = 'contract.amended'"),
    (
        "M27",
        "chain:northbeam-uk",
        "UPDATE audit_entry SET sentence = sentence || '.' WHERE id = (SELECT min(id) FROM audit_entry)",
    ),
    ("M27", "chain:northbeam-uk", "DELETE FROM audit_entry WHERE id = (SELECT max(id) FROM audit_entry)"),
    ("M25", "change:CH-2026-0042", 'UPDATE expansion_decision SET "limit" = 1'),
    ("M25", "change:CH-2026-0042", 'UPDATE expansion_decision SET rolling = "limit" + 1'),
    (
        "M28",
        "change:CH-2026-0042",
        "UPDATE expansion_change SET mechanisms = ARRAY['cross_sell'] WHERE number = 'CH-2026-0042'",
    ),
    (
        "M28",
        "change:CH-2026-0042",
        "UPDATE expansion_change SET impact = jsonb_set(impact, '{movements,0,mrr_delta}', '\"1.00\"') WHERE number = 'CH-2026-0042'",
    ),
    (
        "M30",
        "document:INV-2026-00003",
        "UPDATE billing_document SET net = net + 1, total = total + 1 WHERE number = 'INV-2026-00003'",
    ),
    ("M30", "document:INV-2026-00003", "UPDATE billing_documentline SET tax_rate = 19 WHERE service_start = '2026-03-01'"),
    ("M30", "document:INV-2026-00003", "DELETE FROM billing_documentline WHERE service_start = '2026-03-01'"),
]


def at(day, hour=10):
    return datetime(2026, 6, day, hour, tzinfo=UTC)


def live_through_a_summer():
    """More seats, undone, more again, fewer in two ways, a product in July, and the invoices of July."""
    world = seed_world(owner="finance")
    key = str(world.seat_line().key)

    def change(intents, day, effective=None, **more):
        now = at(day)
        found = changes.draft(deal=world.deal, intents=intents, effective=effective or date(2026, 6, day), by=world.ae, now=now, **more)
        changes.submit(change_id=found.pk, version=1, shown_hash=found.content_hash, by=world.ae, now=now)
        return changes.approve(change_id=found.pk, version=1, shown_hash=found.content_hash, by=world.finance, now=now)

    def seats(count):
        return [{"action": "quantity", "key": key, "quantity": str(count)}]

    first = change(seats(25), STORY_DAY.day)
    back = reversal.reverse(change_id=first.pk, reason="Ordered by mistake", by=world.ae, now=at(17))
    changes.approve(change_id=back.pk, version=1, shown_hash=back.content_hash, by=world.finance, now=at(17))
    change(seats(23), 20)
    change(seats(21), 22, treatment="credit_on_next_invoice")
    change(seats(18), 23, treatment="no_adjustment", waiver_reason="Agreed with the customer by phone")
    change([{"action": "add", "product": "scheduler", "quantity": "1"}], 24, effective=date(2026, 7, 11))
    close_books(entity=world.entity, before=date(2026, 6, 1), by=world.finance, at=at(24))
    daily.catch_up(on=date(2026, 7, 15), at=lambda day: datetime(2026, day.month, day.day, 6, tzinfo=UTC))
    return world


@pytest.fixture(scope="module")
def summer(django_db_setup, django_db_blocker):
    """One history for all tests here, in a transaction that is never committed."""
    with django_db_blocker.unblock(), transaction.atomic():
        world = live_through_a_summer()
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED")
        yield world
        transaction.set_rollback(True)


@pytest.fixture
def break_it(summer):
    """Run SQL with every trigger and foreign key off, and take it back afterwards."""

    def run(sql):
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL session_replication_role = replica")
            cursor.execute(sql)
            cursor.execute("SET LOCAL session_replication_role = DEFAULT")

    return run


def test_a_whole_summer_of_changes_holds_every_rule(summer):
    assert {change.state for change in Change.objects.all()} == {"applied"}
    assert_books_hold()


@pytest.mark.req("M29", "M28")
def test_what_was_signed_and_what_the_changes_moved_is_the_recurring_revenue_of_every_month(summer):
    """Start + expansion - contraction = end, to the penny: 20 seats, raised, undone, cut three times, and a product in July."""
    contract = Contract.objects.get(pk=summer.contract.pk)
    months = growth_of(contract, on=date(2026, 7, 15))
    assert {month.signed for month in months} == {Decimal("1000.00")}
    assert months[-2].mrr == Decimal("900.00")  # 18 seats at the end of June
    ends = {month.first.month: month.mrr for month in months}
    moved = {month.first.month: sum(month.moved.values(), Decimal(0)) for month in months}
    for month in range(2, 8):
        assert ends[month] == ends[month - 1] + moved[month] - moved[month - 1]
    assert Deal.objects.get(pk=summer.deal.pk).mrr == ends[7]


@pytest.mark.parametrize(("code", "subject", "sql"), BREAKS, ids=[f"{code}-{place}" for place, (code, *_) in enumerate(BREAKS)])
def test_a_broken_rule_is_seen_and_the_row_is_named(break_it, code, subject, sql):
    break_it(sql)
    found = [row for row in broken({code}) if row.subject == subject]
    assert found, f"{code} did not see it: {broken({code})}"
    assert all(row.words for row in found)


def test_every_rule_is_broken_by_a_test_here():
    assert {code for code, *_ in BREAKS} == {invariant.code for invariant in ALL}
    codes = {f"M{number:02d}" for number in range(1, 31)}
    assert codes - {invariant.code for invariant in ALL} == set(NOT_SHOWN)
    assert len(INVARIANTS) < len(ALL)


# --- the short cut of the machine: rules that read the same as before are not asked again ------------------------------------------

# How often each table was looked at in this transaction, by itself or over an index.
SCANNED = """
SELECT c.relname, pg_stat_get_xact_numscans(c.oid)
                + coalesce((SELECT sum(pg_stat_get_xact_numscans(i.indexrelid)) FROM pg_index i WHERE i.indrelid = c.oid), 0)
  FROM pg_class c WHERE c.relkind IN ('r', 'p') AND c.relnamespace = 'public'::regnamespace
"""


def scanned():
    with connection.cursor() as cursor:
        cursor.execute(SCANNED)
        return dict(cursor.fetchall())


@pytest.fixture(scope="module")
def seen(summer, django_db_blocker):
    """A watch that found the summer sound."""
    watch = Watch()
    with django_db_blocker.unblock():
        watch.assert_books_hold()
    return watch


@pytest.mark.parametrize("rule", ALL, ids=[f"{rule.code}-{rule.find.__name__}" for rule in ALL])
def test_the_watch_knows_every_table_that_a_rule_reads(summer, rule):
    """PostgreSQL's own counters against the names in the statements: nothing is read unseen, through a view, a function or a COPY."""
    before = scanned()
    with statements_made() as statements:
        rule.broken()
    words = words_of(statements)
    read = {table for table, times in scanned().items() if times > before[table]}
    assert read <= words
    assert words & written().keys()


def test_a_rule_that_reads_the_same_is_not_asked_again(seen, break_it):
    watch = copy.deepcopy(seen)
    watch.broken()  # what other tests wrote and took back counts as written
    watch.asked = dict.fromkeys(ALL, 0)
    assert not watch.broken()
    break_it("UPDATE billing_posting SET remote_id = remote_id")
    assert not watch.broken()
    assert not any(watch.asked.values())
    break_it("UPDATE audit_chain SET last_sequence = last_sequence + 1")
    assert {row.code for row in watch.broken()} == {"M27"}
    assert {rule.code for rule, times in watch.asked.items() if times} == {"M27"}


@pytest.mark.parametrize(("code", "subject", "sql"), BREAKS, ids=[f"{code}-{place}" for place, (code, *_) in enumerate(BREAKS)])
def test_the_watch_sees_what_breaks_after_it_looked(seen, break_it, code, subject, sql):
    watch = copy.deepcopy(seen)
    break_it(sql)
    assert (code, subject) in {(row.code, row.subject) for row in watch.broken()}


# --- the command ----------------------------------------------------------------------------------------------------------------


def verify(*arguments):
    out = io.StringIO()
    try:
        call_command("verify", *arguments, stdout=out, stderr=io.StringIO())
    except SystemExit as status:
        return status.code, out.getvalue()
    return 0, out.getvalue()


def test_the_command_says_that_the_books_hold(summer):
    status, out = verify()
    assert status == 0
    assert "M11  holds   Numbers without gaps or duplicates\n" in out
    assert out.splitlines()[-1].startswith("The books hold.")


def test_the_command_names_what_is_broken_and_fails(break_it):
    break_it("UPDATE expansion_deal SET amount = amount + 1")
    status, out = verify()
    assert status == 1
    assert "M09  BROKEN  A deal's amount and recurring revenue are those of its contract\n        deal:DL-1042: says " in out
    assert out.splitlines()[-1] == "1 row breaks a rule."


def test_the_command_answers_one_json_object(break_it):
    break_it("UPDATE expansion_deal SET amount = amount + 1")
    status, out = verify("--json", "--only", "m09,M11")
    answer = json.loads(out)
    assert (status, answer["holds"], answer["checked"]) == (1, False, ["M09", "M11"])
    assert [(row["code"], row["subject"]) for row in answer["broken"]] == [("M09", "deal:DL-1042")]


def test_the_command_goes_on_where_a_row_says_too_little(break_it):
    break_it("UPDATE expansion_change SET applied_at = NULL")
    status, out = verify("--json")
    assert status == 1
    assert {row["code"] for row in json.loads(out)["broken"]} == {"M19"}


def test_a_rule_nobody_knows_is_refused(summer):
    with pytest.raises(CommandError, match="There is no rule M99"):
        verify("--only", "M99")
