"""Ours against accounting's: every field that differs is named, and nothing else."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from billing.adapters.accounting.comparison import Difference, compare_document, compare_template, text_of
from billing.adapters.accounting.port import DocumentPayload, PayloadLine, RemoteDocument, RemoteLine, RemoteTemplate, TemplatePayload

LINE = PayloadLine("Team", Decimal("25"), Decimal("50"), Decimal("1250.00"), Decimal("250.00"), "OUTPUT2", "200")
OURS = TemplatePayload(
    reference="C-1042",
    contact_name="Brightwave Logistics",
    contact_number="CU-1042",
    currency="GBP",
    period_months=1,
    next_date=date(2026, 7, 1),
    due_days=14,
    lines=(LINE,),
    net=Decimal("1250.00"),
    tax=Decimal("250.00"),
    total=Decimal("1500.00"),
    end_date=date(2026, 12, 31),
)
THEIRS = RemoteTemplate(
    id="t1",
    reference="C-1042",
    status="live",
    currency="GBP",
    period_months=1,
    next_date=date(2026, 7, 1),
    net=Decimal("1250.0000"),
    tax=Decimal("250"),
    total=Decimal("1500"),
    end_date=date(2026, 12, 31),
    due_days=14,
    lines=(RemoteLine("Team", Decimal("25"), Decimal("50"), Decimal("1250"), Decimal("250")),),
)


@pytest.mark.req("F41", "F47", "S0-20")
@pytest.mark.parametrize(
    ("changed", "field", "ours", "theirs"),
    [
        ({"net": Decimal("1250.01")}, "net", "1250", "1250.01"),
        ({"tax": Decimal("249.99")}, "tax", "250", "249.99"),
        ({"total": Decimal("1500.01")}, "total", "1500", "1500.01"),
        ({"currency": "USD"}, "currency", "GBP", "USD"),
        ({"status": "draft"}, "status", "live", "draft"),
        ({"next_date": date(2026, 8, 1)}, "next date", "2026-07-01", "2026-08-01"),
        ({"next_date": None}, "next date", "2026-07-01", ""),
        ({"period_months": 3}, "months per period", "1", "3"),
        ({"end_date": None}, "last day", "2026-12-31", ""),
        ({"due_days": 30}, "days to pay", "14", "30"),
        ({"lines": (replace(THEIRS.lines[0], description="Teams"),)}, "line 1 description", "Team", "Teams"),
        ({"lines": (replace(THEIRS.lines[0], line_amount=Decimal("1249.99")),)}, "line 1 amount", "1250", "1249.99"),
        ({"lines": THEIRS.lines * 2}, "line 2", "", "Team"),
    ],
)
def test_each_field_of_a_template_is_compared_to_the_minor_unit(changed, field, ours, theirs):
    assert compare_template(OURS, THEIRS) == ()
    assert Difference(field, ours, theirs) in compare_template(OURS, replace(THEIRS, **changed))


@pytest.mark.req("F41")
def test_fewer_seats_are_named_by_quantity_and_amount():
    fewer = replace(THEIRS.lines[0], quantity=Decimal("20"), line_amount=Decimal("1000"))
    found = compare_template(OURS, replace(THEIRS, lines=(fewer,)))
    assert [d.field for d in found] == ["line 1 amount", "line 1 quantity"]
    assert str(found[1]) == "line 1 quantity: 25 here, 20 in accounting"


@pytest.mark.req("F42")
def test_a_template_that_moved_on_by_itself_is_right():
    moved = replace(THEIRS, next_date=date(2026, 8, 1))
    assert compare_template(OURS, moved, dates=[date(2026, 8, 1)]) == ()


@pytest.mark.req("F45", "F47")
def test_a_document_is_compared_and_its_payment_is_no_difference():
    ours = DocumentPayload(
        kind="invoice",
        number="INV-2026-00131",
        reference="CH-2026-0042",
        contact_name="Brightwave Logistics",
        contact_number="CU-1042",
        currency="GBP",
        issue_date=date(2026, 6, 16),
        due_date=date(2026, 6, 30),
        lines=(),
        net=Decimal("125.00"),
        tax=Decimal("25.00"),
        total=Decimal("150.00"),
    )
    theirs = RemoteDocument(
        id="d1",
        kind="invoice",
        number="INV-2026-00131",
        reference="CH-2026-0042",
        status="paid",
        currency="GBP",
        net=Decimal("125"),
        tax=Decimal("25"),
        total=Decimal("150"),
        issue_date=date(2026, 6, 16),
    )
    assert compare_document(ours, theirs) == ()
    assert compare_document(ours, replace(theirs, status="voided")) == (Difference("status", "issued", "voided"),)
    assert compare_document(ours, replace(theirs, total=Decimal("150.01"))) == (Difference("total", "150", "150.01"),)


def test_amounts_read_the_same_however_many_places_they_carry():
    assert text_of(Decimal("1250.0000")) == "1250" and text_of(Decimal("0.00")) == "0" and text_of(Decimal("0.50")) == "0.5"
