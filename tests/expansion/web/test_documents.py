"""The list of documents with its check of the numbers, the page of one, and the PDF."""

from decimal import Decimal

import pgtrigger
import pytest
from django.urls import reverse

from billing.models import Document, DocumentSeries
from expansion.queries import documents as queries
from tests.expansion.desk import approved, set_clock
from tests.worlds import seed_world

pytestmark = pytest.mark.django_db


@pytest.fixture
def reader(client, world):
    client.force_login(world.auditor)
    return client


def text(response):
    return " ".join(response.content.decode().split())


def credited(world):
    """A one-off invoice of £125.00 and a credit note of £45.00 that reduces it or the recurring one."""
    approved(world)
    now = world.contract.lines.get(removed_in__isnull=True, ends__isnull=True)
    approved(world, intents=[{"action": "quantity", "key": str(now.key), "quantity": "22"}], treatment="credit_note")
    return Document.objects.get(kind="credit_note")


def test_the_list_shows_each_document_with_its_amounts_and_its_state_in_accounting(reader, world):
    approved(world)
    page = text(reader.get("/documents"))
    document = Document.objects.get(origin="one_off")
    for words in (document.number, "Brightwave Logistics", "CH-2026-0042", "£125.00", "£25.00", "£150.00", "Queued", "16–30 Jun 2026"):
        assert words in page
    assert "7 documents in GBP" in page
    assert "£6,125.00" in page and "£7,350.00" in page, "the sums of all seven"


def test_credit_notes_count_against_the_sums(reader, world):
    note = credited(world)
    page = text(reader.get("/documents?kind=credit_note"))
    assert f'\N{MINUS SIGN}<span class="do-money">£{note.total:.2f}</span>' in page
    assert "1 document in GBP" in page
    (sums,) = queries.documents(user=world.finance, tab="all", kind="", search="", before="").sums
    assert sums.net == Decimal(6125) - note.net


@pytest.mark.parametrize(
    ("words", "found"),
    [("CH-2026-0042", 1), ("150.00", 1), ("£1,200.00", 6), ("brightwave", 7), ("C-1042", 7), ("nobody", 0), ("\x00", 7), ("%", 0)],
)
def test_the_search_finds_numbers_customers_changes_and_amounts(reader, world, words, found):
    approved(world)
    assert len(queries.documents(user=world.finance, tab="all", kind="", search=words, before="").rows) == found
    # A zero byte never reaches a page: the request is refused at the door.
    assert reader.get("/documents", {"q": words}).status_code == (400 if "\x00" in words else 200)


def test_tabs_count_what_accounting_says(reader, world):
    approved(world)
    counts = queries.documents(user=world.finance, tab="all", kind="", search="", before="").counts
    posted = Document.objects.filter(posting__isnull=False).count()
    assert counts["all"] == 7
    assert counts["waiting"] == posted
    assert counts["unposted"] == 7 - posted
    assert reader.get("/documents?tab=parked").status_code == 200
    assert "No document matches" in text(reader.get("/documents?tab=parked"))


def test_before_the_first_document_the_list_says_when_there_will_be_one(client, settings):
    world = seed_world(billed=False)
    set_clock(settings)
    client.force_login(world.finance)
    assert "The first document appears when a change is approved" in text(client.get("/documents"))


@pytest.mark.req("M11", "F79")
def test_the_series_is_counted_and_a_missing_number_is_named(reader, world):
    assert "Series INV-2026: 1–6, no gaps ✓" in text(reader.get("/documents"))
    DocumentSeries.objects.update(last=8)
    page = text(reader.get("/documents"))
    assert "Series INV-2026: 2 of 8 numbers are missing." in page
    assert "no gaps" not in page


@pytest.mark.req("M11")
def test_a_document_that_vanished_from_the_database_is_a_gap(reader, world):
    last = Document.objects.order_by("-sequence").first()
    with pgtrigger.ignore():
        last.lines.all().delete()
        Document.objects.filter(pk=last.pk).delete()
    assert "1 of 6 numbers is missing." in text(reader.get("/documents"))


def test_the_list_needs_the_same_number_of_queries_however_long_it_is(reader, world, settings, django_assert_max_num_queries):
    settings.DEMO = False  # the demo's clock and its people cost queries of their own
    reader.get("/documents")
    with django_assert_max_num_queries(12):
        reader.get("/documents")


# --- one document --------------------------------------------------------------------------------------------------------


def test_the_page_of_a_document_shows_parties_arithmetic_and_what_it_comes_from(reader, world):
    change = approved(world)
    document = Document.objects.get(reference=change.number)
    page = text(reader.get(reverse("document", args=[document.number])))
    for words in (
        "Northbeam Software Ltd",
        "Brightwave Logistics",
        "5 x 50.00 x 15/30 days = 125.00",
        "£150.00",
        "CH-2026-0042",
        "Fiona Reid",
        "Saved; not tried yet.",
    ):
        assert words in page


def test_the_page_shows_the_parties_as_they_were_on_the_day_of_issue(reader, world):
    change = approved(world)
    world.entity.name = "Northbeam Renamed Ltd"
    world.entity.save()
    page = text(reader.get(reverse("document", args=[Document.objects.get(reference=change.number).number])))
    assert "Northbeam Software Ltd" in page and "Northbeam Renamed Ltd" not in page


@pytest.mark.req("M12", "F61")
def test_an_invoice_whose_credit_is_exhausted_says_so(reader, world):
    approved(world)
    invoice = Document.objects.get(origin="one_off")
    address = reverse("document", args=[invoice.number])
    assert "Everything on it has been credited." not in text(reader.get(address))
    now = world.contract.lines.get(removed_in__isnull=True, ends__isnull=True)
    approved(world, intents=[{"action": "quantity", "key": str(now.key), "quantity": "20"}], treatment="credit_note")
    page = text(reader.get(address))
    assert "Everything on it has been credited." in page
    assert "£0.00</span> of" in page and "£125.00" in page


def test_a_credit_note_and_the_invoice_it_reduces_name_each_other(reader, world):
    note = credited(world)
    (allocation,) = [part for line in note.lines.all() for part in line.reduces.all()]
    invoice = allocation.invoice_line.document
    on_note = text(reader.get(reverse("document", args=[note.number])))
    on_invoice = text(reader.get(reverse("document", args=[invoice.number])))
    assert f"Credits {invoice.number}, line {allocation.invoice_line.position}" in on_note
    assert reverse("document", args=[note.number]) in on_invoice
    left = invoice.lines.get().net - allocation.net
    assert f'£{left:,.2f}</span> of <span class="do-money">£{invoice.lines.get().net:,.2f}</span>' in on_invoice


def test_the_customer_reads_the_same_numbers_in_words(reader, world):
    change = approved(world)
    page = text(reader.get(reverse("document", args=[change.document_number])))
    assert (
        "From 16 Jun 2026 your contract C-1042 changes: Team: 20 to 25 seats. For the period already billed, £125.00 is charged "
        "(Team 5 × 50.00 × 15/30 days = 125.00), plus £25.00 VAT, £150.00 in all. "
        "The invoice of 1 Jul 2026 is £1,250.00 before VAT instead of £1,000.00."
    ) in page


def test_a_document_that_does_not_exist_is_a_page_that_says_so(reader):
    for address in ("/documents/INV-2026-99999", "/documents/INV-2026-99999.pdf"):
        response = reader.get(address)
        assert response.status_code == 404
        assert "There is no document INV-2026-99999" in text(response)


def test_the_pdf_is_the_same_every_time(reader, world):
    change = approved(world)
    first, second = (reader.get(f"/documents/{change.document_number}.pdf") for _ in range(2))
    assert first.headers["Content-Type"] == "application/pdf"
    assert first.headers["Content-Disposition"] == f'inline; filename="{change.document_number}.pdf"'
    assert first.content.startswith(b"%PDF-") and first.content == second.content


def test_a_stranger_is_asked_to_sign_in(client, world):
    change = approved(world)
    for address in ("/documents", f"/documents/{change.document_number}", f"/documents/{change.document_number}.pdf"):
        response = client.get(address)
        assert response.status_code == 302 and "/accounts/login/" in response.headers["Location"]
