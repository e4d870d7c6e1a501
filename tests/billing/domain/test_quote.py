"""The stateless quote: the design's own example, every worked example of the formula book, and what else it promises."""

import json
from copy import deepcopy

import pytest

from billing.domain.quote import quote

EXAMPLE = {
    "currency": "GBP",
    "effective": "2026-06-16",
    "period": {"start": "2026-06-01", "end": "2026-07-01"},
    "policy": {"basis": "actual_days", "shape": "net"},
    "old": [{"product": "team", "family": "core", "quantity": "20", "unit_price": "50.00"}],
    "new": [{"product": "team", "family": "core", "quantity": "25", "unit_price": "50.00"}],
}
EXAMPLE_ANSWER = (
    '{"lines": [{"product": "team", "side": "charge", "quantity": "5", "unit_price": "50.00", "from": "2026-06-16", "to": "2026-07-01", '
    '"days": 15, "period_days": 30, "amount": "125.00", "explanation": "5 x 50.00 x 15/30 days = 125.00"}], '
    '"charge": "125.00", "credit": "0.00", "net": "125.00", "document": "invoice", '
    '"recurring": {"before": "1000.00", "after": "1250.00", "delta": "250.00"}, "mechanisms": ["upsell"], "currency": "GBP"}'
)


def line(product="team", quantity="1", price="50.00", family="core", **more):
    return {"product": product, "family": family, "quantity": quantity, "unit_price": price, **more}


def case(old, new, *, effective="2026-06-16", period=("2026-06-01", "2026-07-01"), basis="actual_days", shape="net", currency="GBP"):
    return {
        "currency": currency,
        "effective": effective,
        "period": {"start": period[0], "end": period[1]},
        "policy": {"basis": basis, "shape": shape},
        "old": old,
        "new": new,
    }


@pytest.mark.req("S0-10", "S0-22", "K01")
def test_the_example_of_the_design_is_answered_to_the_byte():
    assert json.dumps(quote(EXAMPLE)) == EXAMPLE_ANSWER


def test_a_quote_leaves_its_case_as_it_was():
    before = deepcopy(EXAMPLE)
    quote(EXAMPLE)
    assert before == EXAMPLE


# name, currency, old quantity, new quantity, price, effective, period, net, document
WORKED = [
    ("K01 five seats", "GBP", "20", "25", "50.00", "2026-06-16", ("2026-06-01", "2026-07-01"), "125.00", "invoice"),
    ("K01 cross-sell", "GBP", "0", "1", "300.00", "2026-06-21", ("2026-06-01", "2026-07-01"), "100.00", "invoice"),
    ("K01 downgrade", "GBP", "25", "22", "50.00", "2026-06-24", ("2026-06-01", "2026-07-01"), "-35.00", "credit_note"),
    ("K01 seventeen days", "GBP", "0", "5", "49.99", "2026-07-15", ("2026-07-01", "2026-08-01"), "137.07", "invoice"),
    ("K01 annual", "GBP", "0", "5", "600", "2026-07-02", ("2026-01-01", "2027-01-01"), "1504.11", "invoice"),
    ("K01 F70 leap February", "GBP", "10", "15", "50", "2028-02-15", ("2028-02-01", "2028-03-01"), "129.31", "invoice"),
    ("K01 F74 yen", "JPY", "1", "6", "5000", "2026-07-17", ("2026-07-01", "2026-08-01"), "12097", "invoice"),
    ("F74 dinar", "KWD", "1", "6", "15.500", "2026-07-17", ("2026-07-01", "2026-08-01"), "37.500", "invoice"),
    ("F65 a third of a pound", "GBP", "1", "2", "0.33", "2026-06-16", ("2026-06-01", "2026-07-01"), "0.17", "invoice"),
    ("F65 and back", "GBP", "2", "1", "0.33", "2026-06-16", ("2026-06-01", "2026-07-01"), "-0.17", "credit_note"),
    ("F66 net line", "GBP", "20", "25", "49.99", "2026-02-28", ("2026-02-01", "2026-03-01"), "8.93", "invoice"),
    ("F68 first day", "GBP", "20", "25", "50", "2026-06-01", ("2026-06-01", "2026-07-01"), "250.00", "invoice"),
    ("F68 last day", "GBP", "20", "25", "50", "2026-06-30", ("2026-06-01", "2026-07-01"), "8.33", "invoice"),
    ("rounds to nothing", "GBP", "0", "1", "0.01", "2026-06-30", ("2026-06-01", "2026-07-01"), "0.00", "none"),
    ("no difference", "GBP", "20", "20", "50", "2026-06-16", ("2026-06-01", "2026-07-01"), "0.00", "none"),
    ("largest quantity", "GBP", "0", "10000000", "0.000001", "2026-06-16", ("2026-06-01", "2026-07-01"), "5.00", "invoice"),
    ("largest price", "GBP", "0", "1", "1000000000", "2026-06-16", ("2026-06-01", "2026-07-01"), "500000000.00", "invoice"),
]


@pytest.mark.req("K01", "F65", "F66", "F68", "F70", "F74", "S0-24")
@pytest.mark.parametrize("row", WORKED, ids=[row[0] for row in WORKED])
def test_the_worked_examples(row):
    _, currency, old, new, price, effective, period, net, document = row
    answer = quote(
        case([line(quantity=old, price=price)], [line(quantity=new, price=price)], effective=effective, period=period, currency=currency)
    )
    assert (answer["net"], answer["document"]) == (net, document)


@pytest.mark.req("F66")
def test_one_net_line_and_the_gross_pair_may_differ_by_a_penny_and_say_which_they_are():
    old, new = [line(quantity="20", price="49.99")], [line(quantity="25", price="49.99")]
    net = quote(case(old, new, effective="2026-02-28", period=("2026-02-01", "2026-03-01")))
    gross = quote(case(old, new, effective="2026-02-28", period=("2026-02-01", "2026-03-01"), shape="gross"))
    assert [entry["explanation"] for entry in net["lines"]] == ["5 x 49.99 x 1/28 days = 8.93"]
    assert [(entry["side"], entry["explanation"]) for entry in gross["lines"]] == [
        ("credit", "20 x 49.99 x 1/28 days = 35.71"),
        ("charge", "25 x 49.99 x 1/28 days = 44.63"),
    ]
    assert (net["net"], gross["net"]) == ("8.93", "8.92")
    assert (gross["charge"], gross["credit"]) == ("44.63", "35.71")


@pytest.mark.parametrize("shape", ["net", "gross"])
def test_a_swap_credits_the_old_and_charges_the_new(shape):
    answer = quote(case([line("pro", "20", "50.00")], [line("enterprise", "20", "80.00")], shape=shape))
    assert [(entry["product"], entry["side"], entry["amount"]) for entry in answer["lines"]] == [
        ("pro", "credit", "500.00"),
        ("enterprise", "charge", "800.00"),
    ]
    assert (answer["net"], answer["document"], answer["mechanisms"]) == ("300.00", "invoice", ["upsell"])


@pytest.mark.parametrize("shape", ["net", "gross"])
def test_a_price_change_credits_the_old_and_charges_the_new(shape):
    answer = quote(case([line(quantity="20", price="50.00")], [line(quantity="20", price="52.50")], shape=shape))
    assert [(entry["side"], entry["unit_price"], entry["amount"]) for entry in answer["lines"]] == [
        ("credit", "50.00", "500.00"),
        ("charge", "52.50", "525.00"),
    ]
    assert answer["mechanisms"] == ["price_uplift"]


def test_a_changed_discount_is_a_changed_price():
    answer = quote(case([line(quantity="20")], [line(quantity="20", discount="10")]))
    assert [(entry["side"], entry["amount"]) for entry in answer["lines"]] == [("credit", "500.00"), ("charge", "450.00")]
    assert answer["document"] == "credit_note"


@pytest.mark.parametrize("shape", ["net", "gross"])
def test_lines_that_stay_the_same_do_not_appear(shape):
    kept = line("storage", "3", "7.00", "storage")
    answer = quote(case([line(quantity="20"), kept], [line(quantity="25"), kept], shape=shape))
    assert {entry["product"] for entry in answer["lines"]} == {"team"}
    assert answer["recurring"] == {"before": "1021.00", "after": "1271.00", "delta": "250.00"}


@pytest.mark.req("F81")
@pytest.mark.parametrize(
    ("basis", "more", "effective", "period", "explanation"),
    [
        ("actual_days", {"discount": "10"}, "2026-06-16", ("2026-06-01", "2026-07-01"), "5 x 50.00 less 10% x 15/30 days = 112.50"),
        ("actual_days", {"discount": "12.50"}, "2026-06-16", ("2026-06-01", "2026-07-01"), "5 x 50.00 less 12.5% x 15/30 days = 109.38"),
        ("actual_days", {"discount": "100"}, "2026-06-16", ("2026-06-01", "2026-07-01"), "5 x 50.00 less 100% x 15/30 days = 0.00"),
        ("thirty_360", {}, "2026-07-31", ("2026-07-01", "2026-08-01"), "5 x 50.00 x 1/30 days (30/360) = 8.33"),
        ("whole_months", {}, "2026-05-20", ("2026-04-01", "2026-07-01"), "5 x 50.00 x 2/3 months (a month begun counts whole) = 166.67"),
        ("none", {}, "2026-06-16", ("2026-06-01", "2026-07-01"), "5 x 50.00, not prorated: counts from the next period = 0.00"),
    ],
)
def test_the_explanation_is_the_arithmetic_in_words(basis, more, effective, period, explanation):
    old, new = [line(quantity="20", **more)], [line(quantity="25", **more)]
    (entry,) = quote(case(old, new, basis=basis, effective=effective, period=period))["lines"]
    assert entry["explanation"] == explanation
    assert entry["amount"] == explanation.rpartition(" = ")[2]


@pytest.mark.req("S0-06")
@pytest.mark.parametrize("effective", ["2026-06-01", "2026-06-16", "2026-06-30"])
def test_without_proration_there_is_no_document_and_the_recurring_amount_moves(effective):
    answer = quote(case([line(quantity="20")], [line(quantity="25")], basis="none", effective=effective))
    assert (answer["charge"], answer["credit"], answer["net"], answer["document"]) == ("0.00", "0.00", "0.00", "none")
    assert answer["recurring"]["delta"] == "250.00"


def test_months_are_shown_beside_the_days_when_months_are_counted():
    answer = quote(case([], [line(quantity="5")], basis="whole_months", effective="2026-05-20", period=("2026-04-01", "2026-07-01")))
    (entry,) = answer["lines"]
    assert (entry["months"], entry["period_months"], entry["days"], entry["period_days"]) == (2, 3, 42, 91)


@pytest.mark.req("M30", "F73")
def test_tax_is_on_the_rounded_net_of_each_line():
    answer = quote(case([line(quantity="20", tax_rate="20")], [line(quantity="25", tax_rate="20")]))
    assert (answer["lines"][0]["tax"], answer["tax"], answer["total"]) == ("25.00", "25.00", "150.00")
    third = quote(case([], [line("a", "1", "0.33", tax_rate="17.5"), line("b", "1", "0.33", tax_rate="17.5")]))
    assert [entry["tax"] for entry in third["lines"]] == ["0.03", "0.03"]
    assert (third["net"], third["tax"], third["total"]) == ("0.34", "0.06", "0.40")


def test_tax_and_total_are_signed_like_net():
    answer = quote(case([line(quantity="25", tax_rate="20")], [line(quantity="22", tax_rate="20")], effective="2026-06-24"))
    assert answer["lines"][0]["tax"] == "7.00"
    assert (answer["credit"], answer["net"], answer["tax"], answer["total"]) == ("35.00", "-35.00", "-7.00", "-42.00")


@pytest.mark.req("F73")
def test_a_new_tax_rate_holds_for_charges_and_the_old_one_for_credits():
    up = quote(case([line(quantity="20", tax_rate="20")], [line(quantity="25", tax_rate="15")]))
    down = quote(case([line(quantity="25", tax_rate="20")], [line(quantity="20", tax_rate="15")]))
    same = quote(case([line(quantity="20", tax_rate="20")], [line(quantity="20", tax_rate="15")]))
    assert (up["tax"], down["tax"]) == ("18.75", "-25.00")
    assert (same["lines"], same["tax"], same["document"]) == ([], "0.00", "none")


def test_without_a_tax_rate_there_is_no_word_of_tax():
    answer = quote(EXAMPLE)
    assert not {"tax", "total"} & answer.keys()
    assert "tax" not in answer["lines"][0]


def test_only_lines_with_a_rate_answer_tax():
    answer = quote(case([], [line("a", "1", "10", tax_rate="20"), line("b", "1", "10")], effective="2026-06-01"))
    assert [entry.get("tax") for entry in answer["lines"]] == ["2.00", None]
    assert (answer["tax"], answer["total"]) == ("2.00", "22.00")


def test_no_invoice_has_a_total_below_zero():
    old, new = [line("a", "1", "95", tax_rate="20")], [line("b", "1", "100", tax_rate="0")]
    answer = quote(case(old, new, effective="2026-06-01"))
    assert (answer["net"], answer["total"], answer["document"]) == ("5.00", "-14.00", "credit_note")


@pytest.mark.req("F61", "M12")
@pytest.mark.parametrize(
    ("billed", "amount", "left_over"),
    [
        ({"already_billed": "1250.00"}, "35.00", None),
        ({"already_billed": "35.00"}, "35.00", None),
        ({"already_billed": "34.99"}, "34.99", "0.01"),
        ({"already_billed": "125.00", "already_credited": "100.00"}, "25.00", "10.00"),
        ({"already_billed": "125.00", "already_credited": "125.00"}, "0.00", "35.00"),
        ({"already_billed": "10.00", "already_credited": "20.00"}, "0.00", "35.00"),
        ({"already_billed": "0"}, "0.00", "35.00"),
    ],
)
def test_a_credit_never_exceeds_what_was_billed_less_what_was_credited(billed, amount, left_over):
    answer = quote(case([line(quantity="25", **billed)], [line(quantity="22")], effective="2026-06-24"))
    (entry,) = answer["lines"]
    assert (entry["amount"], entry.get("not_credited"), answer["credit"]) == (amount, left_over, amount)
    assert answer["document"] == ("none" if amount == "0.00" else "credit_note")
    if left_over:
        assert f"only {amount} is left to credit" in entry["explanation"]


@pytest.mark.req("F61")
def test_the_cap_holds_for_the_credit_side_of_a_swap_too():
    answer = quote(case([line("pro", "20", "50", already_billed="100")], [line("enterprise", "20", "80")]))
    assert (answer["credit"], answer["charge"], answer["net"]) == ("100.00", "800.00", "700.00")


def test_a_line_with_its_own_period_is_counted_in_it():
    annual = {"start": "2026-01-01", "end": "2027-01-01"}
    answer = quote(
        case([line(quantity="20")], [line(quantity="25"), line("vault", "5", "600", "storage", period=annual)], effective="2026-06-16")
    )
    assert [(entry["days"], entry["period_days"], entry["to"], entry["amount"]) for entry in answer["lines"]] == [
        (15, 30, "2026-07-01", "125.00"),
        (199, 365, "2027-01-01", "1635.62"),
    ]


def test_the_case_needs_no_period_when_every_line_brings_its_own():
    annual = {"start": "2026-01-01", "end": "2027-01-01"}
    asked = case([], [line(quantity="5", price="600", period=annual)], effective="2026-07-02")
    del asked["period"]
    assert quote(asked)["net"] == "1504.11"


def test_a_stub_is_a_fraction_of_the_full_period_it_lies_in():
    stub = {"start": "2026-06-10", "end": "2026-07-01", "full_start": "2026-06-01", "full_end": "2026-07-01"}
    asked = case([], [line(quantity="1", price="30")], effective="2026-06-10") | {"period": stub}
    answer = quote(asked)
    assert (answer["net"], answer["lines"][0]["days"], answer["lines"][0]["period_days"]) == ("21.00", 21, 30)


def test_a_line_that_moves_to_another_period_is_credited_in_the_old_and_charged_in_the_new():
    annual = {"start": "2026-06-16", "end": "2027-06-16"}
    answer = quote(case([line(quantity="2", price="50")], [line(quantity="2", price="500", period=annual)]))
    assert [(entry["side"], entry["days"], entry["period_days"], entry["amount"]) for entry in answer["lines"]] == [
        ("credit", 15, 30, "50.00"),
        ("charge", 365, 365, "1000.00"),
    ]


@pytest.mark.req("F83", "S0-08")
def test_the_mechanisms_come_largest_difference_first():
    old = [line(quantity="20"), line("analytics", "1", "300", "insight")]
    answer = quote(case(old, [line(quantity="25")]))
    assert answer["mechanisms"] == ["downgrade", "upsell"]
    assert quote(case([line()], [line()]))["mechanisms"] == []


def test_mechanisms_compare_lines_of_different_periods_per_month():
    annual = {"start": "2026-01-01", "end": "2027-01-01"}
    new = [line("team", "5", "50", "core"), line("vault", "1", "1200", "storage", period=annual)]
    assert quote(case([], new))["mechanisms"] == ["cross_sell"]
    old = [line("team", "20", "50", "core")]
    answer = quote(case(old, [line("team", "25", "50", "core"), line("vault", "1", "1200", "storage", period=annual)]))
    assert answer["mechanisms"] == ["upsell", "cross_sell"]


def test_numbers_are_echoed_in_one_form():
    answer = quote(case([line(quantity="20.000", price="50.000000")], [line(quantity="25.50", price="50")]))
    assert (answer["lines"][0]["quantity"], answer["lines"][0]["unit_price"]) == ("5.5", "50.00")


def test_an_empty_case_is_a_quote_of_nothing():
    answer = quote(case([], []))
    assert (answer["lines"], answer["net"], answer["document"], answer["mechanisms"]) == ([], "0.00", "none", [])
