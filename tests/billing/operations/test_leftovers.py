"""What still waits when a contract ends is issued as a last document, or as two where one could not be held."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from billing.models import Document, DocumentLine, PendingLine
from billing.operations.billing_run import bill
from tests.books import assert_books_hold
from tests.portfolio import portfolio

pytestmark = pytest.mark.django_db

END = date(2026, 2, 1)


def at(day):
    return datetime(day.year, day.month, day.day, 6, tzinfo=UTC)


def ending():
    """A contract of one month, billed: 3 seats, 149.97; and its one line."""
    (contract,) = portfolio(1, lines=1, end=END)
    first = date(2026, 1, 1)
    bill(on=first, at=at(first))
    return contract, DocumentLine.objects.get()


def wait(contract, billed, side, net, rate, tax):
    line = {
        "key": str(billed.line_key), "product": billed.product_code, "name": "Starter", "family": "core", "unit": "seat",
        "side": side, "quantity": "1", "unit_price": net, "discount": "0", "starts": "2026-01-01", "ends": "2026-02-01", "days": 31,
        "period_days": 31, "numerator": int(Decimal(net) * 100), "denominator": 100, "net": net, "tax_rate": rate, "tax_code": "S20",
        "tax": tax, "explanation": f"{side} of {net}", "prior_period": False, "outcome": "next_invoice", "not_credited": "0.00",
        "discount_share": "0.00",
    }  # fmt: skip
    reduces = [{"line_id": billed.pk, "net": net, "tax": tax}] if side == "credit" else []
    PendingLine.objects.create(contract=contract, reference=f"CH-{side}", line=line, reduces=reduces, created_at=at(END))


def settled(contract):
    bill(on=END, at=at(END))
    contract.refresh_from_db()
    assert contract.state == "ended"
    assert not PendingLine.objects.filter(billed_in__isnull=True).exists()
    return list(
        Document.objects.filter(reference__startswith=f"{contract.number} final").order_by("pk").values_list("kind", "net", "tax", "total")
    )


@pytest.mark.req("F72", "M12")
def test_a_charge_and_a_smaller_credit_become_one_last_invoice():
    contract, billed = ending()
    wait(contract, billed, "charge", "100.00", "20", "20.00")
    wait(contract, billed, "credit", "40.00", "20", "8.00")
    assert settled(contract) == [("invoice", Decimal(60), Decimal(12), Decimal(72))]


@pytest.mark.req("F73", "M14", "M12")
def test_net_and_tax_in_opposite_directions_become_an_invoice_and_a_credit_note():
    contract, billed = ending()
    wait(contract, billed, "charge", "110.00", "0", "0.00")
    wait(contract, billed, "credit", "100.00", "20", "20.00")
    assert settled(contract) == [
        ("invoice", Decimal(110), Decimal(0), Decimal(110)),
        ("credit_note", Decimal(100), Decimal(20), Decimal(120)),
    ]
    assert_books_hold("M11", "M12", "M14", "M30")
