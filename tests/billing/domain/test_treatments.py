"""Where a credit goes: by the treatment of a downgrade, within what was billed, with the tax that was billed."""

from dataclasses import replace

import pytest

from billing.domain.impact import Policy, settled_terms
from billing.domain.refusal import Refusal
from billing.domain.terms import apply_edits
from tests.billing.domain.contracts import (
    CREDIT_NOTE,
    HALF_A_YEAR,
    NEXT,
    ONE_OFF,
    RENEWAL,
    TWENTY_FIVE,
    WAIVE,
    billed,
    change,
    d,
    line,
    n,
    quantity,
    remove,
    swap,
    terms,
    words,
)


@pytest.mark.req("S0-15")
def test_credit_on_the_next_invoice_is_one_line_of_it():
    found = change(terms(), quantity(17), effective="2026-06-24", policy=NEXT)
    assert [(e.side, e.explanation) for e in found.next_after.lines] == [
        ("charge", "17 x 50.00 = 850.00"),
        ("credit", "3 x 50.00 x 7/30 days = 35.00"),
    ]
    assert (found.next_after.net, found.next_after.tax) == (n("815.00"), n("163.00"))
    assert (found.deferred, found.waived) == (n("-35.00"), n("0.00"))
    assert [a.document for a in found.allocations] == ["INV-6"]
    assert found.deferred_lines == found.lines
    assert found.value_after == change(terms(), quantity(17), effective="2026-06-24").value_after


@pytest.mark.req("M06", "S0-15")
def test_no_adjustment_says_what_is_waived():
    found = change(terms(), quantity(17), effective="2026-06-24", policy=WAIVE)
    assert (found.waived, found.allocations, found.next_after.net) == (n("35.00"), (), n("850.00"))
    assert [e.outcome for e in found.lines] == ["waived"]
    assert found.value_after == n("11100.00")


@pytest.mark.req("M01", "M06", "S0-15")
def test_no_adjustment_waives_all_that_is_owed_less_though_none_of_it_could_be_credited():
    found = change(terms(), quantity(17), effective="2026-06-24", policy=WAIVE, bills=())
    assert (found.waived, found.why_code, found.remainder) == (n("35.00"), "waived", n("0.00"))
    assert [(e.net, e.not_credited) for e in found.lines] == [(n("35.00"), n("0.00"))]


@pytest.mark.req("S0-15", "S0-16")
def test_at_renewal_leaves_the_term_as_it_is():
    after = apply_edits(terms(), [quantity(17)], d("2026-06-24"))
    found = change(terms(), quantity(17), effective="2026-06-24", policy=RENEWAL)
    assert found.invoices_after == found.invoices_before
    assert (found.mrr_after, found.mrr_at_renewal, found.value_delta) == (n("1000.00"), n("850.00"), n("0.00"))
    assert (found.mechanism, found.movements[0].takes_effect) == ("downgrade", d("2027-01-01"))
    assert settled_terms(terms(), after, effective=d("2026-06-24"), policy=RENEWAL).lines == terms().lines
    assert settled_terms(terms(), after, effective=d("2026-06-24"), policy=WAIVE) is after


@pytest.mark.req("D5", "F83", "M28")
@pytest.mark.parametrize(
    ("policy", "document", "net", "next_net", "waived"),
    [
        (CREDIT_NOTE, "invoice", "25.00", "2050.00", "0.00"),
        (NEXT, "invoice", "75.00", "2000.00", "0.00"),
        (WAIVE, "invoice", "75.00", "2050.00", "50.00"),
        (RENEWAL, "invoice", "75.00", "2150.00", "0.00"),
    ],
)
def test_a_mixed_change_treats_only_what_falls(policy, document, net, next_net, waived):
    two = terms(line(), line("analytics", "10", "100", family="insight"))
    bills = (*HALF_A_YEAR, billed("1000.00", 6, "analytics", line_id=60))
    found = change(two, quantity(23), quantity(9, key="analytics"), policy=policy, bills=bills)
    assert (found.document, str(found.net), str(found.next_after.net), str(found.waived)) == (document, net, next_net, waived)
    assert found.mechanisms == ("upsell", "downgrade")
    assert [(m.family, m.mechanism, str(m.mrr_delta)) for m in found.movements] == [
        ("core", "upsell", "150.00"),
        ("insight", "downgrade", "-100.00"),
    ]


def test_both_sides_of_a_swap_downwards_are_treated_together():
    found = change(terms(), swap("basic", "30.00"), policy=WAIVE)
    assert [(e.side, e.outcome) for e in found.lines] == [("credit", "waived"), ("charge", "waived")]
    assert (found.document, found.waived) == ("none", n("200.00"))
    up = change(terms(), swap("enterprise", "80.00"), policy=WAIVE)
    assert (up.document, up.net, up.charge, up.credit, up.waived) == ("invoice", n("300.00"), n("800.00"), n("500.00"), n("0.00"))


def test_without_a_next_invoice_a_credit_cannot_wait_for_it():
    december = tuple(billed(month=month) for month in range(12, 0, -1))
    policy = Policy(treatment="credit_on_next_invoice", minimum_amount=n(1000))
    found = change(terms(), quantity(17), effective="2026-12-25", policy=policy, bills=december, until="2027-01-01")
    assert (found.document, found.net, found.deferred) == ("credit_note", n("33.87"), n("0.00"))


@pytest.mark.req("F81")
def test_a_small_document_is_carried_to_the_next_invoice_not_dropped():
    policy = Policy(minimum_amount=n("125.01"))
    found = change(terms(), quantity(25), policy=policy)
    assert (found.document, found.deferred, found.next_after.net, found.next_after.tax) == ("none", n("125.00"), n("1375.00"), n("275.00"))
    assert (found.lines[0].outcome, found.value_after) == ("carried", n("13625.00"))
    assert change(terms(), quantity(25), policy=replace(policy, minimum_amount=n(125))).document == "invoice"


def test_what_waits_from_an_earlier_change_is_on_both_next_invoices():
    earlier = change(terms(), quantity(21), effective="2026-06-30", policy=Policy(minimum_amount=n(5)))
    now = apply_edits(terms(), [quantity(21)], d("2026-06-30"))
    found = change(now, quantity(22), effective="2026-06-30", pending=earlier.deferred_lines)
    assert (found.next_before.net, found.next_after.net) == (n("1051.67"), n("1101.67"))


@pytest.mark.req("F61")
def test_a_credit_promised_for_the_next_invoice_is_not_promised_twice():
    bills = (billed("40.00", 6),)
    first = change(terms(), quantity(17), effective="2026-06-24", policy=NEXT, bills=bills)
    assert first.deferred == n("-35.00")
    agreed = (replace(bills[0], credited=sum(a.net for a in first.allocations)),)
    now = apply_edits(terms(), [quantity(17)], d("2026-06-24"))
    second = change(now, quantity(14), effective="2026-06-24", bills=agreed, pending=first.deferred_lines, issued=n("40.00"))
    assert (second.net, second.remainder) == (n("5.00"), n("30.00"))
    assert second.value_before == first.value_after


def test_a_credit_larger_than_all_invoices_to_come_is_a_named_remainder():
    two = terms(line(), line("setup", "1", "10", family="x", starts="2026-06-01"))
    bills = (billed("1000.00", 12), *HALF_A_YEAR)
    found = change(two, remove(), effective="2026-06-02", policy=NEXT, bills=bills)
    assert found.deferred == n("-966.67")
    assert [i.net for i in found.invoices_after] == [n("0.00")] * 6
    assert (found.remainder, found.remainder_to) == (n("906.67"), "customer_balance")


# --- caps and allocations ---------------------------------------------------------------------------------------------------


@pytest.mark.req("F61", "M12", "F80")
def test_a_credit_goes_to_the_newest_invoice_first_and_then_to_the_older():
    bills = (billed("20.00", 6, document="INV-131", line_id=131, starts=d("2026-06-16")), *HALF_A_YEAR)
    found = change(TWENTY_FIVE, quantity(22), effective="2026-06-24", bills=bills)
    assert [(a.document, a.net, a.tax) for a in found.allocations] == [("INV-131", n("20.00"), n("4.00")), ("INV-6", n("15.00"), n("3.00"))]


@pytest.mark.req("F61")
def test_only_what_is_not_credited_yet_can_be_credited():
    bills = (replace(ONE_OFF, credited=n("100.00")), replace(billed(), credited=n("995.00")))
    found = change(TWENTY_FIVE, quantity(22), effective="2026-06-24", bills=bills)
    assert (found.net, found.remainder, found.remainder_to) == (n("30.00"), n("5.00"), "customer_balance")
    assert words(found) == ["3 x 50.00 x 7/30 days = 35.00, of which 30.00 can be credited; 5.00 exceeds what was billed"]
    assert (
        change(TWENTY_FIVE, quantity(22), effective="2026-06-24", bills=bills, policy=Policy(remainder_to="refund")).remainder_to
        == "refund"
    )


@pytest.mark.req("F61")
@pytest.mark.parametrize("other", [{"key": "vault"}, {"product": "pro"}, {"starts": d("2026-05-01"), "ends": d("2026-06-01")}])
def test_another_line_product_or_period_lends_nothing(other):
    found = change(TWENTY_FIVE, quantity(22), effective="2026-06-24", bills=(replace(billed(), **other),))
    assert (found.document, found.remainder) == ("none", n("35.00"))


@pytest.mark.req("F73")
def test_a_credit_takes_the_tax_rate_that_was_billed():
    bills = (billed("20.00", tax_rate=n(15), line_id=1), billed("1000.00", tax_rate=n(20), line_id=2))
    found = change(TWENTY_FIVE, quantity(22), effective="2026-06-24", bills=bills)
    assert [(e.net, e.tax_rate, e.tax) for e in found.lines] == [(n("20.00"), n(15), n("3.00")), (n("15.00"), n(20), n("3.00"))]
    assert (found.net, found.tax) == (n("35.00"), n("6.00"))
    assert [(a.line, a.line_id) for a in found.allocations] == [(0, 1), (1, 2)]


@pytest.mark.req("M14")
def test_net_and_tax_in_opposite_directions_are_refused_with_a_way_out():
    two = terms(line(), line("exempt", "1", "10", family="x", tax_rate=n(0)))
    with pytest.raises(Refusal) as refused:
        change(two, quantity(19), quantity(9, key="exempt"))
    assert refused.value.code == "mixed_tax"
    assert "two changes" in refused.value.message
