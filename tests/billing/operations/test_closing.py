"""Closed books: no document into closed days by any way, Finance for what reaches back, sums that can be proved (M21, F67)."""

import io
from datetime import UTC, date, datetime

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, transaction

from billing.domain.refusal import NotAllowed, Refusal
from billing.models import Closing, Document
from billing.operations.billing_run import bill
from billing.operations.closing import close_books
from dealops.audit.models import Entry
from expansion.operations import changes
from tests.books import assert_books_hold
from tests.portfolio import portfolio
from tests.worlds import seed_world

pytestmark = [pytest.mark.django_db, pytest.mark.req("M21", "F67")]

JUNE = date(2026, 6, 1)


@pytest.fixture
def world(db):
    return seed_world(owner="sales_cs")


def close(world, before=JUNE, by=None):
    return close_books(entity=world.entity, before=before, by=by or world.finance, at=world.now)


def test_closing_counts_and_sums_up_what_is_dated_before(world):
    closing = close(world)
    assert (closing.documents, len(closing.checksum)) == (5, 64)
    assert Entry.objects.get(action="books.closed").actor == world.finance
    assert_books_hold()


def test_no_document_is_dated_into_closed_days_whoever_writes_it(world):
    close(world)
    late = portfolio(1, start=date(2026, 5, 20), end=date(2027, 5, 20))[0]
    run = bill(on=date(2026, 5, 20), at=world.now)
    assert (run.issued, list(run.failed)) == (0, [late.number])
    assert "books are closed before 2026-06-01" in run.failed[late.number]
    late.refresh_from_db()
    assert late.parked_reason == run.failed[late.number]
    row = Document.objects.order_by("pk").first()
    row.pk, row.number, row.sequence, row.reference, row.origin = None, "INV-2026-09999", 9999, "by hand", "one_off"
    with pytest.raises(DatabaseError, match="INV-2026-09999 is dated 2026-01-01"), transaction.atomic():
        row.save(force_insert=True)


def test_open_days_are_billed_as_ever(world):
    close(world)
    assert bill(on=date(2026, 7, 1), at=datetime(2026, 7, 1, 6, tzinfo=UTC)).issued == 1
    assert_books_hold()


def test_a_change_that_reaches_into_closed_days_of_the_open_period_needs_finance(world):
    """The month is not over, but its first half is closed: closer than any period."""
    close(world, before=date(2026, 6, 15))
    change = changes.draft(deal=world.deal, intents=world.more_seats(), effective=date(2026, 6, 10), by=world.ae, now=world.now)
    change = changes.submit(change_id=change.pk, version=1, shown_hash=change.content_hash, by=world.ae, now=world.now)
    assert (change.state, change.impact["prior_period"]) == ("submitted", True)
    change = changes.approve(change_id=change.pk, version=1, shown_hash=change.content_hash, by=world.finance, now=world.now)
    assert Document.objects.get(reference=change.number).issue_date == date(2026, 6, 16)
    assert_books_hold()


@pytest.mark.parametrize(
    ("before", "code"),
    [(date(2026, 6, 17), "in_the_future"), (JUNE, "closed_already"), (date(2026, 5, 1), "closed_already")],
)
def test_the_books_are_closed_forward_and_not_ahead(world, before, code):
    close(world)
    with pytest.raises(Refusal) as refused:
        close(world, before=before)
    assert (refused.value.code, refused.value.field) == (code, "before")


def test_what_is_due_is_billed_first(db):
    world = seed_world(billed=False)
    with pytest.raises(Refusal, match="Invoices of 1 Jan 2026 are still to be issued"):
        close(world)


def test_only_finance_closes(world):
    for person in (world.ae, world.admin, world.auditor):
        with pytest.raises(NotAllowed):
            close(world, by=person)


def test_a_closing_is_never_altered(world):
    close(world)
    for spoil in (lambda: Closing.objects.update(before=date(2025, 1, 1)), lambda: Closing.objects.all().delete()):
        with pytest.raises(DatabaseError), transaction.atomic():
            spoil()


def test_the_command_closes_in_somebodys_name(world):
    def command(**more):
        out = io.StringIO()
        given = {"entity": "northbeam-uk", "before": "2026-06-01", "by": "fiona.reid@demo.example", **more}
        call_command("close_books", **given, stdout=out)
        return out.getvalue()

    assert command().startswith("The books of Northbeam Software Ltd are closed before 2026-06-01: 5 documents")
    for wrong, words in (
        ({"entity": "nobody"}, "Name one of"),
        ({"by": "no@body.example"}, "Nobody here"),
        ({"by": "ada.ellis@demo.example"}, "Finance closes the books"),
        ({"before": "June"}, "Write it as 2026-06-01"),
    ):
        with pytest.raises(CommandError, match=words):
            command(**wrong)
