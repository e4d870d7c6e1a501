"""Two versions of one invoice, line by line; and the first invoice that a change alters."""

from decimal import Decimal

import pytest

from expansion.domain.invoice_diff import first_changed, line_diff, signed


def line(key="a", net="1000.00", quantity="20", price="50.00", side="charge", name="Team", **other):
    tax = str(Decimal(net) / 5)
    return {
        "key": key, "product": name.lower(), "name": name, "unit": "seat", "side": side, "quantity": quantity, "unit_price": price,
        "discount": "0", "net": net, "tax": tax, **other,
    }  # fmt: skip


def invoice(starts, *lines, kind="recurring"):
    net = sum((signed(each) for each in lines), Decimal(0))
    return {
        "starts": starts, "ends": starts, "date": starts, "kind": kind, "lines": list(lines),
        "net": str(net), "tax": "0", "total": str(net),
    }  # fmt: skip


def test_a_line_that_stays_the_same_is_the_same():
    (found,) = line_diff([line()], [line()])
    assert (found.what, found.delta) == ("same", 0)


def test_a_quantity_that_moves_is_a_change_with_its_difference():
    (found,) = line_diff([line()], [line(net="1250.00", quantity="25")])
    assert (found.what, found.quantity_before, found.quantity_after, found.delta) == ("changed", 20, 25, 250)


def test_lines_come_and_go():
    gone, new = line_diff([line("a")], [line("b", net="300.00", name="Route Analytics")])
    assert (gone.what, gone.net_after, gone.delta) == ("removed", 0, -1000)
    assert (new.what, new.quantity_before, new.delta) == ("added", None, 300)


def test_a_plan_that_is_swapped_keeps_its_line_and_names_both():
    (found,) = line_diff([line()], [line(name="Business", price="80.00", net="1600.00")])
    assert (found.name, found.what) == ("Team, then Business", "changed")


def test_a_credit_counts_against():
    (found,) = line_diff([], [line(side="credit", net="35.00")])
    assert found.net_after == Decimal("-35.00")


def test_several_lines_of_one_key_are_matched_in_order():
    before = [line(net="500.00"), line(net="250.00")]
    first, second = line_diff(before, [line(net="500.00"), line(net="300.00")])
    assert (first.what, second.what, second.delta) == ("same", "changed", 50)


@pytest.mark.req("S0-21", "S0-22")
def test_the_first_invoice_that_moves_is_found_even_when_it_is_not_the_next():
    july, august = invoice("2026-07-01", line()), invoice("2026-08-01", line())
    impact = {"invoices_before": [july, august], "invoices_after": [july, invoice("2026-08-01", line(net="1250.00", quantity="25"))]}
    found = first_changed(impact)
    assert (found.starts, found.is_next, found.net_before, found.net_after) == ("2026-08-01", False, 1000, 1250)


def test_an_invoice_that_is_only_there_afterwards_is_found():
    impact = {"invoices_before": [], "invoices_after": [invoice("2026-07-01", line())]}
    assert (first_changed(impact).net_before, first_changed(impact).net_after) == (0, 1000)


def test_the_one_off_invoice_of_a_scheduled_change_is_not_a_future_invoice():
    july = invoice("2026-07-01", line())
    impact = {"invoices_before": [july], "invoices_after": [invoice("2026-06-20", line("x"), kind="one_off"), july]}
    assert first_changed(impact) is None
