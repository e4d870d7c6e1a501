"""The PDF of a document: every amount with its arithmetic, tagged, the same bytes every time, and marked where it is only a preview."""

import json
import re
import shutil
import subprocess
import zlib
from datetime import date
from decimal import Decimal
from fractions import Fraction

import pytest

from billing.models import Document
from billing.pdf import document_pdf, preview_pdf
from billing.pdf.pages import words
from billing.pdf.typeset import printed, typeset
from billing.pdf.values import of_document, of_impact
from tests.expansion.desk import approved, submitted
from tests.worlds import STORY_DAY, seed_world

pytestmark = pytest.mark.django_db


@pytest.fixture
def world(db):
    return seed_world()


def invoice_of(world):
    return Document.objects.get(reference=approved(world).number)


def streams(pdf):
    """The uncompressed parts of a PDF, as text."""
    parts = [pdf]
    for match in re.finditer(rb"stream\r?\n(.*?)\r?\nendstream", pdf, re.DOTALL):
        try:
            parts.append(zlib.decompress(match[1]))
        except zlib.error:
            parts.append(match[1])
    return b"\n".join(parts)


def paper(value):
    """What the template prints, read back from typst."""
    return json.loads(printed(words(value)))


def test_the_page_prints_the_parties_the_amounts_and_the_arithmetic(world):
    page = paper(of_document(invoice_of(world), note="Five more seats."))
    assert page["title"].startswith("Invoice INV-2026-")
    assert page["seller"]["name"] == "Northbeam Software Ltd"
    assert "United Kingdom" in page["seller"]["rows"]
    assert page["buyer"]["name"] == "Brightwave Logistics"
    (line,) = page["lines"]
    assert line["arithmetic"] == "5 × 50.00 × 15/30 days = 125.00"
    assert line["tax-words"] == "VAT 20 % of £125.00 = £25.00"
    assert page["totals"] == [["Net", "£125.00"], ["VAT 20 % on £125.00", "£25.00"]]
    assert page["total"] == ["Total GBP", "£150.00"]
    assert page["note"] == "Five more seats."
    assert page["preview"] is False


@pytest.mark.req("M02", "M30")
def test_two_people_given_the_page_compute_every_amount_again(world):
    page = paper(of_document(invoice_of(world)))
    total = Decimal(0)
    for line in page["lines"]:
        quantity, price, part, said = re.fullmatch(r"([\d.,]+) × ([\d.,]+) × (\d+/\d+) days = ([\d.,]+)", line["arithmetic"]).groups()
        exact = Fraction(quantity) * Fraction(price) * Fraction(part)
        cents = exact * 100
        assert cents.denominator == 1 or abs(Fraction(said) - exact) <= Fraction(1, 200)
        assert line["net"] == f"£{Decimal(said):,.2f}"
        rate, on, tax = re.fullmatch(r"VAT ([\d.]+) % of £([\d.,]+) = £([\d.,]+)", line["tax-words"]).groups()
        assert Fraction(on) * Fraction(rate) / 100 == Fraction(tax)
        total += Decimal(said) + Decimal(tax)
    assert page["total"][1] == f"£{total:,.2f}"


def test_it_is_a_tagged_pdf_with_a_title_and_a_language(world):
    document = invoice_of(world)
    pdf = document_pdf(document)
    inside = streams(pdf)
    assert pdf.startswith(b"%PDF-1.")
    assert b"pdfuaid:part" in inside or b"pdfuaid" in inside, "it claims PDF/UA, which typst checked while setting it"
    assert b"/StructTreeRoot" in inside
    assert re.search(rb"/Lang\s*\(en-GB\)", inside)
    assert re.search(rb"/MarkInfo", inside)
    assert f"Invoice {document.number}".encode() in inside


def test_the_same_document_gives_the_same_bytes(world):
    document = invoice_of(world)
    assert document_pdf(document) == document_pdf(Document.objects.get(pk=document.pk))


def test_a_preview_is_marked_as_one_and_has_no_number(world):
    change = submitted(world)
    value = of_impact(world.contract, change.impact, reference=change.number, on=STORY_DAY)
    page = paper(value)
    assert page["preview"] is True
    assert page["title"] == "Invoice for CH-2026-0042"
    assert "nothing has been issued" in page["preview-words"]
    assert page["total"] == ["Total GBP", "£150.00"]
    assert not Document.objects.filter(reference=change.number).exists()


@pytest.mark.req("M24")
def test_the_preview_and_the_document_print_the_same_lines_and_sums(world):
    change = submitted(world)
    before = paper(of_impact(world.contract, change.impact, reference=change.number, on=STORY_DAY))
    from expansion.operations import changes

    changes.approve(change_id=change.pk, version=1, shown_hash=change.content_hash, by=world.finance, now=world.now)
    after = paper(of_document(Document.objects.get(reference=change.number)))
    for name in ("lines", "totals", "total", "seller", "buyer", "facts", "check"):
        assert before[name] == after[name], name


def test_nothing_is_set_where_no_document_is_issued(world):
    change = submitted(world, "18", treatment="no_adjustment", waiver_reason="Agreed in the renewal talk")
    assert preview_pdf(world.contract, change.impact, reference=change.number, on=STORY_DAY) is None


def test_a_credit_note_says_what_it_credits(world):
    approved(world)
    now = world.contract.lines.get(removed_in__isnull=True, ends__isnull=True)
    change = approved(world, intents=[{"action": "quantity", "key": str(now.key), "quantity": "22"}], treatment="credit_note")
    note = Document.objects.get(reference=change.number)
    page = paper(of_document(note))
    assert page["title"] == f"Credit note {note.number}"
    assert page["buyer"]["label"] == "Credited to"
    assert page["total"][0] == "Total credit GBP"
    assert page["credits"] and "INV-2026-" in page["credits"][0]
    assert "Due" not in {name for name, _ in page["facts"]}
    assert document_pdf(note).startswith(b"%PDF-")


@pytest.mark.req("F92")
@pytest.mark.parametrize(
    "name",
    ["#panic(1)", "$x$ *bold* _it_ `raw`", "<label> @ref //c", "\\ #eval", "a" * 200, "Łódź Ærø Ñandú", "株式会社アスペン", "😀 Ltd"],
)
def test_whatever_a_customer_is_called_is_printed_as_text(world, name):
    world.deal.customer.name = name
    world.deal.customer.save()
    change = submitted(world)
    world.contract.refresh_from_db()
    world.contract.customer.refresh_from_db()
    value = of_impact(world.contract, change.impact, reference=change.number, on=STORY_DAY)
    assert paper(value)["buyer"]["name"] == name
    assert typeset(words(value), date(2026, 6, 16)).startswith(b"%PDF-")


@pytest.mark.skipif(shutil.which("pdftotext") is None, reason="pdftotext is not installed (Debian: poppler-utils)")
def test_the_text_can_be_read_out_of_the_pdf(world, tmp_path):
    file = tmp_path / "invoice.pdf"
    file.write_bytes(document_pdf(invoice_of(world)))
    found = subprocess.run(["pdftotext", "-layout", file, "-"], capture_output=True, text=True, check=True).stdout
    for expected in ("Brightwave Logistics", "5 × 50.00 × 15/30 days = 125.00", "VAT 20 % on £125.00", "£150.00"):
        assert expected in found
