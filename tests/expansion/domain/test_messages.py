"""What a message outside the app repeats: the numbers of the page, written as on the page (ux 5)."""

import pytest

from expansion.domain.messages import Facts, fact_lines

CHARGE = {"document": "invoice", "net": "1250.0000", "tax": "250.0000", "total": "1500.0000"}
NEXT = {"next_before": {"date": "2026-07-01", "net": "10000.00"}, "next_after": {"date": "2026-07-01", "net": "12500.00"}}


def lines(impact, currency="GBP", **more):
    told = Facts("CH-2026-0042", "Brightwave", "Team: 20 to 25 seats", impact, currency, "Ada Ellis", link="", **more)
    return fact_lines(told).split("\n")


@pytest.mark.req("S0-21")
def test_amounts_carry_the_sign_of_their_currency_and_the_next_invoice_its_day():
    assert lines(CHARGE | NEXT, why="Finance owns the future invoice", due="17 Jun 09:00") == [
        "Change: CH-2026-0042: Team: 20 to 25 seats",
        "Customer: Brightwave",
        "This period: one-off invoice £1,250.00 + £250.00 tax = £1,500.00",
        "Next invoice: 1 Jul 2026: £10,000.00 -> £12,500.00 net",
        "Made by: Ada Ellis",
        "Why it needs approval: Finance owns the future invoice",
        "Decide by: 17 Jun 09:00",
    ]


def test_a_first_invoice_comes_from_nothing_and_yen_have_no_places():
    told = lines(CHARGE | {"next_before": None, "next_after": {"date": "2026-12-31", "net": "348000"}}, "JPY", why="")
    assert told[3] == "Next invoice: 31 Dec 2026: JP¥0 -> JP¥348,000 net"


def test_without_a_document_the_reason_stands_in_its_place():
    told = lines({"document": "none", "why": "Not needed: nothing changes in price."}, why="")
    assert told[2:] == ["This period: Not needed: nothing changes in price.", "Made by: Ada Ellis"]
