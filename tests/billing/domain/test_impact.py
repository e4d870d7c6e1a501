"""The impact of a change: the seed's story to the penny, whether a document is needed, the shapes of billing, the canonical form."""

import json
from dataclasses import replace
from decimal import Decimal, localcontext
from fractions import Fraction

import pytest

from billing.domain.impact import Impact, Policy, content_hash, impact, invoice_for_period
from billing.domain.refusal import Refusal
from billing.domain.terms import apply_edits
from tests.billing.domain.contracts import (
    ARREARS,
    CREDIT_NOTE,
    HALF_A_YEAR,
    NEXT,
    ONE_OFF,
    RENEWAL,
    TWENTY_FIVE,
    WAIVE,
    add,
    billed,
    change,
    d,
    line,
    n,
    price,
    quantity,
    remove,
    swap,
    terms,
    words,
)

# --- the seed's story (ux section 6) ----------------------------------------------------------------------------------


@pytest.mark.req("S0-10", "S0-22", "S0-24", "S0-25", "K01", "K02", "M09")
def test_five_more_seats_halfway_through_june():
    found = change(terms(), quantity(25))
    assert words(found) == ["5 x 50.00 x 15/30 days = 125.00"]
    assert (found.document, found.net, found.tax, found.total) == ("invoice", n("125.00"), n("25.00"), n("150.00"))
    assert (found.lines[0].days, found.lines[0].period_days) == (15, 30)
    assert (found.lines[0].starts, found.lines[0].service_end) == (d("2026-06-16"), d("2026-06-30"))
    assert (found.next_before.net, found.next_before.total) == (n("1000.00"), n("1200.00"))
    assert (found.next_after.net, found.next_after.total, found.next_after.date) == (n("1250.00"), n("1500.00"), d("2026-07-01"))
    assert (found.mrr_before, found.mrr_after, found.mrr_delta) == (n("1000.00"), n("1250.00"), n("250.00"))
    assert found.arr_delta == n("3000.00")
    assert (found.value_before, found.value_after, found.value_delta) == (n("12000.00"), n("13625.00"), n("1625.00"))
    assert (found.mechanism, found.mechanisms) == ("upsell", ("upsell",))
    assert found.summary == "Team: 20 to 25 seats"
    assert (found.scheduled, found.prior_period, found.signed_net) == (False, False, n("125.00"))
    assert len(found.invoices_after) == 6


@pytest.mark.req("S0-12", "K01")
def test_a_cross_sell_ten_days_before_the_end_of_june():
    found = change(TWENTY_FIVE, add("analytics"), effective="2026-06-21", bills=(ONE_OFF, *HALF_A_YEAR))
    assert words(found) == ["1 x 300.00 x 10/30 days = 100.00"]
    assert (found.net, found.tax, found.next_after.net) == (n("100.00"), n("20.00"), n("1550.00"))
    assert (found.mechanism, found.mrr_delta, found.value_before) == ("cross_sell", n("300.00"), n("13625.00"))
    assert found.summary == "Analytics: 1 added at 300.00"


WITH_ANALYTICS = apply_edits(TWENTY_FIVE, [add("analytics", key="analytics")], d("2026-06-21"))
BILLS = (billed("100.00", 6, "analytics", "INV-132", line_id=132, starts=d("2026-06-21")), ONE_OFF, *HALF_A_YEAR)


@pytest.mark.req("S0-14", "S0-15", "S0-16", "K01", "F61", "M12")
def test_three_seats_fewer_with_a_credit_note():
    found = change(WITH_ANALYTICS, quantity(22), effective="2026-06-24", bills=BILLS)
    assert words(found) == ["3 x 50.00 x 7/30 days = 35.00"]
    assert (found.document, found.net, found.tax, found.total) == ("credit_note", n("35.00"), n("7.00"), n("42.00"))
    assert [(a.line, a.document, a.line_id, a.net, a.tax) for a in found.allocations] == [(0, "INV-131", 131, n("35.00"), n("7.00"))]
    assert (found.next_before.net, found.next_after.net) == (n("1550.00"), n("1400.00"))
    assert (found.mechanism, found.signed_net, found.remainder) == ("downgrade", n("-35.00"), n("0.00"))


# --- needed or not needed (S0-06) ---------------------------------------------------------------------------------------

NEEDED = [
    ("first day of a billed period", terms(), quantity(25), "2026-06-01", None, Policy(), "invoice", "charge", "250.00"),
    ("in the middle", terms(), quantity(25), "2026-06-16", None, Policy(), "invoice", "charge", "125.00"),
    ("last day", terms(), quantity(25), "2026-06-30", None, Policy(), "invoice", "charge", "8.33"),
    (
        "no difference in price",
        terms(line(quantity="20", price="0")),
        quantity(25),
        "2026-06-16",
        None,
        Policy(),
        "none",
        "no_difference",
        "0.00",
    ),
    (
        "first day of the next period",
        terms(),
        quantity(25),
        "2026-07-01",
        "2026-06-16",
        Policy(),
        "none",
        "starts_with_next_invoice",
        "0.00",
    ),
    ("later in this period", terms(), quantity(25), "2026-06-21", "2026-06-16", Policy(), "invoice", "charge", "83.33"),
    ("in a period not billed yet", terms(), quantity(25), "2026-07-10", "2026-06-16", Policy(), "none", "future", "0.00"),
    ("downgrade with credit note", terms(), quantity(17), "2026-06-24", None, CREDIT_NOTE, "credit_note", "credit", "35.00"),
    ("downgrade on the next invoice", terms(), quantity(17), "2026-06-24", None, NEXT, "none", "next_invoice", "0.00"),
    ("downgrade without adjustment", terms(), quantity(17), "2026-06-24", None, WAIVE, "none", "waived", "0.00"),
    ("downgrade at renewal", terms(), quantity(17), "2026-06-24", None, RENEWAL, "none", "at_renewal", "0.00"),
    ("no proration", terms(), quantity(25), "2026-06-16", None, Policy(basis="none"), "none", "policy_none", "0.00"),
    ("in arrears", ARREARS, quantity(25), "2026-06-16", None, Policy(), "none", "arrears", "0.00"),
    ("below the minimum", terms(), quantity(21), "2026-06-30", None, Policy(minimum_amount=n(5)), "none", "below_minimum", "0.00"),
    ("rounds to nothing", terms(line(price="0.01")), quantity(21), "2026-06-30", None, Policy(), "none", "rounds_to_nothing", "0.00"),
]


@pytest.mark.req("S0-06", "S0-12", "S0-15", "F68")
@pytest.mark.parametrize("row", NEEDED, ids=[row[0] for row in NEEDED])
def test_whether_a_document_is_needed_and_why(row):
    _, before, edit, effective, today, policy, document, code, net = row
    until = "2026-06-01" if not before.in_advance else "2026-07-01"
    found = change(before, edit, effective=effective, today=today, policy=policy, until=until)
    assert (found.document, found.why_code, str(found.net)) == (document, code, net)
    assert found.why.startswith("Needed" if document != "none" else "Not needed")
    assert found.why.endswith(".")
    assert found.scheduled == (today is not None)


def test_nothing_is_left_to_credit_is_said_with_where_the_rest_goes():
    found = change(terms(), quantity(17), effective="2026-06-24", bills=())
    assert (found.document, found.why_code, found.remainder, found.remainder_to) == (
        "none",
        "nothing_to_credit",
        n("35.00"),
        "customer_balance",
    )
    assert found.lines[0].not_credited == n("35.00")


# --- shapes of billing ----------------------------------------------------------------------------------------------------------


@pytest.mark.req("K01")
def test_an_annual_contract_is_prorated_over_its_year():
    annual = terms(line(quantity="10", price="600"), months=12)
    found = change(annual, quantity(15), effective="2026-07-02", bills=(billed("6000.00", 1, ends=d("2027-01-01")),), until="2027-01-01")
    assert words(found) == ["5 x 600.00 x 183/365 days = 1504.11"]
    assert (found.mrr_delta, found.arr_delta, found.next_after) == (n("250.00"), n("3000.00"), None)


@pytest.mark.req("F70")
def test_leap_february():
    leap = terms(line(quantity="10", starts="2028-01-01"), start="2028-01-01", end="2029-01-01")
    found = change(leap, quantity(15), effective="2028-02-15", until="2028-03-01")
    assert words(found) == ["5 x 50.00 x 15/29 days = 129.31"]


@pytest.mark.req("F74")
@pytest.mark.parametrize(("currency", "amount", "expected"), [("JPY", "5000", "12097"), ("KWD", "15.500", "37.500")])
def test_currencies_of_no_and_of_three_places(currency, amount, expected):
    found = change(terms(line(price=amount, tax_rate=None), currency=currency), quantity(25), effective="2026-07-17", until="2026-08-01")
    assert str(found.net) == expected
    assert len({value.as_tuple().exponent for value in (found.net, found.tax, found.mrr_delta, found.arr_after, found.value_after)}) == 1


def test_rows_of_a_database_with_more_places_change_nothing():
    exact = change(WITH_ANALYTICS, quantity(22), effective="2026-06-24", bills=BILLS)
    rows = tuple(replace(b, net=n(f"{b.net}00"), credited=n("0.0000"), tax_rate=n("20.0000")) for b in BILLS)
    stored = change(WITH_ANALYTICS, quantity(22), effective="2026-06-24", bills=rows)
    assert content_hash(stored) == content_hash(exact)
    waiting = replace(exact.lines[0], net=n("35.0000"), tax=n("7.0000"))
    assert str(invoice_for_period(terms(), terms().period_on(d("2026-07-01")), pending=[waiting]).net) == "965.00"


def test_an_annual_line_added_to_a_monthly_contract_is_billed_to_the_end_of_its_year():
    found = change(terms(), add("vault", "5", "600", "storage", months=12))
    assert words(found) == ["5 x 600.00 x 199/365 days = 1635.62"]
    assert (found.lines[0].ends, found.next_after.net, found.mrr_delta) == (d("2027-01-01"), n("1000.00"), n("250.00"))


def test_a_line_that_moves_to_annual_billing_is_credited_by_month_and_charged_by_year():
    found = change(terms(), swap("team-annual", "500", months=12))
    assert words(found) == ["20 x 50.00 x 15/30 days = 500.00", "20 x 500.00 x 199/365 days = 5452.05"]
    assert [i.net for i in found.invoices_after] == [n("0.00")] * 6


@pytest.mark.req("S0-13")
def test_a_service_is_charged_once_now_and_never_reaches_the_next_invoice():
    found = change(terms(), add("training", "2", "450", "services", recurring=False))
    assert (words(found), found.document, found.net) == (["2 x 450.00 = 900.00"], "invoice", n("900.00"))
    assert (found.next_after.net, found.mrr_delta, found.mechanism) == (n("1000.00"), n("0.00"), "cross_sell")
    assert found.value_delta == n("900.00")


def test_a_service_later_in_the_year_is_on_the_invoice_of_its_period():
    found = change(terms(), add("training", "2", "450", "services", recurring=False), effective="2026-08-10", today="2026-08-10")
    assert (found.document, found.invoices_after[1].net) == ("none", n("1900.00"))
    none = change(terms(), add("training", "2", "450", "services", recurring=False), policy=Policy(basis="none"))
    assert none.net == n("900.00")


def test_a_service_taken_back_before_its_day_is_credited_whole():
    once = line("training", "2", "450", starts="2026-06-20", ends="2026-06-21", family="services", recurring=False)
    bills = (billed("900.00", 6, "training", starts=d("2026-06-20"), ends=d("2026-06-21"), line_id=9),)
    found = change(terms(line(), once), remove("training"), bills=bills)
    assert (found.document, found.net, found.allocations[0].line_id) == ("credit_note", n("900.00"), 9)
    fewer = change(terms(line(), once), quantity(1, key="training"), bills=bills)
    assert words(fewer) == ["1 x 450.00 = 450.00"]


@pytest.mark.req("F66")
def test_the_gross_shape_credits_the_old_and_charges_the_new():
    found = change(terms(line(price="49.99")), quantity(25), effective="2026-02-28", until="2026-03-01", policy=Policy(shape="gross"))
    assert [(e.side, e.explanation) for e in found.lines] == [
        ("credit", "20 x 49.99 x 1/28 days = 35.71"),
        ("charge", "25 x 49.99 x 1/28 days = 44.63"),
    ]
    assert found.net == n("8.92")


def test_a_price_change_is_a_credit_and_a_charge_and_a_price_uplift():
    found = change(terms(), price("52.50"))
    assert words(found) == ["20 x 50.00 x 15/30 days = 500.00", "20 x 52.50 x 15/30 days = 525.00"]
    assert (found.mechanism, found.net, found.summary) == ("price_uplift", n("25.00"), "Team: price 50.00 to 52.50")


@pytest.mark.req("F81")
def test_a_fixed_discount_stays_on_both_sides():
    agreed = terms(fixed_discount=n("100.00"))
    found = change(agreed, quantity(25))
    assert (found.net, found.next_before.net, found.next_after.net) == (n("125.00"), n("900.00"), n("1150.00"))
    assert (found.mrr_before, found.mrr_delta) == (n("900.00"), n("250.00"))


@pytest.mark.parametrize(
    ("basis", "expected"),
    [
        ("thirty_360", "5 x 50.00 x 1/30 days (30/360) = 8.33"),
        ("whole_months", "5 x 50.00 x 1/1 months (a month begun counts whole) = 250.00"),
    ],
)
def test_the_other_bases(basis, expected):
    found = change(terms(), quantity(25), effective="2026-05-31", until="2026-06-01", policy=Policy(basis=basis))
    assert words(found) == [expected]


# --- refusals, horizon, form ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("policy", "field"),
    [
        (Policy(basis="seconds"), "policy.basis"),
        (Policy(shape="round"), "policy.shape"),
        (Policy(treatment="shrug"), "policy.treatment"),
        (Policy(remainder_to="us"), "policy.remainder_to"),
    ],
)
def test_an_unknown_policy_is_named(policy, field):
    with pytest.raises(Refusal) as refused:
        change(terms(), quantity(25), policy=policy)
    assert refused.value.field == field


@pytest.mark.parametrize("effective", ["2025-12-31", "2027-01-01"])
def test_a_day_outside_the_contract_is_refused(effective):
    with pytest.raises(Refusal) as refused:
        impact(
            terms(), TWENTY_FIVE, effective=d(effective), today=d("2026-06-16"), policy=Policy(), billed=(), billed_until=d("2026-07-01")
        )
    assert (refused.value.code, refused.value.field) == ("outside_contract", "effective")


@pytest.mark.req("F62")
@pytest.mark.parametrize("other", ["USD", "EUR", "JPY", "KWD"])
def test_a_change_brings_no_other_currency_into_a_contract(other):
    with pytest.raises(Refusal) as refused:
        impact(
            terms(),
            replace(TWENTY_FIVE, currency=other),
            effective=d("2026-06-16"),
            today=d("2026-06-16"),
            policy=Policy(),
            billed=(),
            billed_until=d("2026-07-01"),
        )
    assert (refused.value.code, refused.value.field) == ("currency_mismatch", "currency")


@pytest.mark.parametrize("other", [{"end": d("2028-01-01")}, {"months": 3}, {"anchor": d("2026-01-31")}, {"in_advance": False}])
def test_a_change_does_not_move_the_term(other):
    with pytest.raises(Refusal) as refused:
        impact(
            terms(),
            replace(TWENTY_FIVE, **other),
            effective=d("2026-06-16"),
            today=d("2026-06-16"),
            policy=Policy(),
            billed=(),
            billed_until=d("2026-07-01"),
        )
    assert refused.value.code == "other_term"


def test_the_horizon_bounds_the_list_and_not_the_value():
    long = terms(end="2031-01-01")
    found = change(long, quantity(25), horizon=24)
    assert (len(found.invoices_before), len(found.invoices_after)) == (24, 24)
    assert found.value_after == n(6000 + 125 + 54 * 1250)


@pytest.mark.req("M18", "M24")
def test_the_canonical_form_is_plain_json_and_comes_back_whole():
    for found in (
        change(terms(), quantity(25), add("analytics"), policy=Policy(rule={"basis": "set on contract C-1042"})),
        change(WITH_ANALYTICS, quantity(22), effective="2026-06-24", bills=BILLS, policy=NEXT),
        change(terms(), swap("enterprise", "80"), effective="2026-07-10", today="2026-06-16"),
    ):
        plain = found.canonical()
        text = json.dumps(plain)
        assert "." not in [type(value) for value in plain.values()]
        assert not any(isinstance(value, float) for value in _leaves(plain))
        assert Impact.from_canonical(json.loads(text)) == found
        assert content_hash(Impact.from_canonical(json.loads(text))) == content_hash(found)
        assert plain["next_after"]["net"] == str(found.next_after.net)


def _leaves(plain):
    if isinstance(plain, dict):
        for value in plain.values():
            yield from _leaves(value)
    elif isinstance(plain, list):
        for value in plain:
            yield from _leaves(value)
    else:
        yield plain


@pytest.mark.req("M18")
def test_the_hash_does_not_see_how_a_number_is_written_and_sees_every_penny():
    written = change(terms(line(quantity="20.0000", price="50.000000")), quantity("25.0000"))
    assert content_hash(written) == content_hash(change(terms(), quantity(25)))
    assert content_hash(change(terms(), quantity(26))) != content_hash(written)
    assert len(content_hash(written)) == 64


@pytest.mark.req("F76")
def test_the_hour_and_the_precision_of_the_thread_change_nothing():
    usual = change(terms(), quantity(25))
    with localcontext() as context:
        context.prec = 4
        assert change(terms(), quantity(25)) == usual
    later_today = change(terms(), quantity(25), today="2026-06-17")
    assert content_hash(later_today) == content_hash(usual)


@pytest.mark.req("M02")
def test_each_line_is_within_half_a_unit_of_its_exact_amount():
    found = change(terms(line(price="49.99")), quantity(25), effective="2026-07-15", today="2026-07-15", until="2026-08-01")
    (entry,) = found.lines
    assert abs(Fraction(entry.net) - Fraction(entry.numerator, entry.denominator)) <= Fraction(1, 200)
    assert entry.net == n("137.07")


@pytest.mark.req("M07", "S0-07")
def test_the_next_invoice_is_a_recompute_from_the_terms():
    found = change(terms(), quantity(25), add("analytics", key="analytics"))
    after = apply_edits(terms(), [quantity(25), add("analytics", key="analytics")], d("2026-06-16"))
    assert found.next_after == invoice_for_period(after, after.period_on(d("2026-07-01")))
    assert isinstance(found.next_after.net, Decimal)
