"""What is checked after a write or a look-up, before anything goes on."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from billing.adapters.accounting.comparison import check_template, check_totals, missing_allocations
from billing.adapters.accounting.port import (
    Mismatch,
    PayloadAllocation,
    Permanent,
    RemoteAllocation,
    RemoteDocument,
    RemoteTemplate,
)
from tests.billing.adapters.accounting.ledgerly_fixture import credit_note, invoice, template

D = Decimal


def remote_invoice(**changes):
    values = {"net": D("125.00"), "tax": D("25.00"), "total": D("150.00"), "currency": "GBP"}
    return RemoteDocument(id="1", kind="invoice", number="INV-2026-00131", reference="CH-2026-0042", status="issued", **values | changes)


def remote_template(**changes):
    values = {"status": "live", "next_date": date(2026, 7, 1), "period_months": 1, "net": D(1250), "tax": D(250), "total": D(1500)}
    return RemoteTemplate(id="2", reference="C-1042", currency="GBP", **values | changes)


def test_equal_totals_agree_however_many_zeros_they_are_written_with():
    check_totals(invoice(), remote_invoice(net=D(125), total=D("150.0000")))


@pytest.mark.req("F45")
@pytest.mark.parametrize(
    "changes",
    [{"tax": D("25.01"), "total": D("150.01")}, {"net": D("124.99"), "tax": D("25.01")}, {"total": D("149.99")}, {"currency": "USD"}],
)
def test_a_minor_unit_or_another_currency_is_a_mismatch_that_carries_both_sides(changes):
    remote = remote_invoice(**changes)
    with pytest.raises(Mismatch) as caught:
        check_totals(invoice(), remote)
    assert isinstance(caught.value, Permanent)
    assert caught.value.ours == (D("125.00"), D("25.00"), D("150.00"))
    assert caught.value.theirs == (remote.net, remote.tax, remote.total)
    assert caught.value.remote is remote
    assert "INV-2026-00131 is 125.00 + 25.00 tax = 150.00 GBP here" in str(caught.value)


@pytest.mark.req("F41")
@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"next_date": date(2026, 8, 1)}, "next date 2026-08-01 instead of 2026-07-01"),
        ({"period_months": 3}, "months per period 3 instead of 1"),
        ({"status": "deleted"}, "status deleted instead of live"),
        ({"net": D(1000), "tax": D(200), "total": D(1200)}, "1000 + 200 tax = 1200 GBP in accounting"),
    ],
)
def test_a_template_that_would_bill_something_else_does_not_pass(changes, words):
    check_template(template(), remote_template())
    with pytest.raises(Mismatch, match=words.replace("+", r"\+")):
        check_template(template(), remote_template(**changes))


def test_missing_allocations_are_those_accounting_does_not_hold_counted_one_by_one():
    twice = (PayloadAllocation("INV-1", D("10.00")), PayloadAllocation("INV-1", D("10.00")), PayloadAllocation("INV-2", D("5.00")))
    note = replace(credit_note(), allocations=twice)
    held = remote_invoice(allocations=(RemoteAllocation("x", "INV-1", D("10.00")), RemoteAllocation("y", "INV-2", D("4.00"))))
    assert missing_allocations(note.allocations, held) == (twice[1], twice[2])
    assert missing_allocations((), held) == ()
