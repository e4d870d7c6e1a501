"""Seeded random quotes against the independent oracle: a failure prints its seed and its case, and replays from them."""

import json
import random
from datetime import date, timedelta
from fractions import Fraction

import pytest

from billing.domain.quote import quote
from tests.billing.domain import oracle
from tests.billing.domain.effort import cases, figure

FIRST, LAST = date(2019, 1, 1), date(2040, 12, 31)
SEEDS = range(8)
exact = oracle.exact


def decimal_text(chance: random.Random, largest: int, places: int) -> str:
    """Any size equally likely, edges more than their share."""
    whole = chance.choice((0, 1, largest, chance.randint(0, 10 ** chance.randint(0, len(str(largest)) - 1))))
    digits = chance.choice((0, 0, 2, places))
    if whole >= largest or not digits:
        return str(min(whole, largest))
    return f"{whole}.{chance.randint(0, 10**digits - 1):0{digits}d}"


def random_line(chance: random.Random, product: str) -> dict:
    found = {
        "product": product,
        "family": f"family of {product}",
        "quantity": decimal_text(chance, 10**7, 4),
        "unit_price": decimal_text(chance, 10**9, 6),
    }
    if chance.random() < 0.3:
        found["discount"] = decimal_text(chance, 100, 4)
    if chance.random() < 0.5:
        found["tax_rate"] = chance.choice(("0", "5", "20", "17.5", "8.875"))
    return found


def random_case(chance: random.Random) -> dict:
    start = FIRST + timedelta(days=chance.randint(0, (LAST - FIRST).days))
    end = oracle.moved(start, chance.choice((1, 3, 6, 12, 24))) if chance.random() < 0.7 else start + timedelta(days=chance.randint(1, 800))
    effective = start + timedelta(days=chance.choice((0, (end - start).days - 1, chance.randrange((end - start).days))))
    old = [random_line(chance, product) for product in "ABC" if chance.random() < 0.6]
    new = [random_line(chance, product) for product in "ABD" if chance.random() < 0.6]
    before = {line["product"]: line for line in old}
    for line in new:
        if line["product"] in before and chance.random() < 0.7:  # only the quantity moves
            line.pop("discount", None)
            kept = ("unit_price", "discount") if chance.random() < 0.8 else ("quantity", "unit_price", "discount")
            line |= {name: before[line["product"]][name] for name in kept if name in before[line["product"]]}
    for line in old:
        if chance.random() < 0.3:
            line["already_billed"] = str(chance.randint(0, 10**6))
            line |= {"already_credited": str(chance.randint(0, 10**5))} if chance.random() < 0.5 else {}
    return {
        "currency": chance.choice(sorted(oracle.PLACES)),
        "effective": effective.isoformat(),
        "period": {"start": start.isoformat(), "end": end.isoformat()},
        "policy": {"basis": chance.choice(("actual_days", "thirty_360", "none")), "shape": chance.choice(("net", "gross"))},
        "old": old,
        "new": new,
    }


def expected_lines(asked: dict) -> list[tuple]:
    """(product, side, quantity, amount, tax or None), as the design's words have it."""
    places = oracle.PLACES[asked["currency"]]
    start, end, effective = (date.fromisoformat(text) for text in (*asked["period"].values(), asked["effective"]))
    ratio = oracle.share(asked["policy"]["basis"], effective, end, start, end)
    new = {line["product"]: line for line in asked["new"]}
    found = []

    def add(line, side, quantity, rate):
        if quantity == 0:
            return
        amount = oracle.line_amount(quantity, line["unit_price"], line.get("discount", "0"), ratio, places)
        if side == "credit" and "already_billed" in line:
            room = exact(line["already_billed"]) - exact(line.get("already_credited", "0"))
            amount = min(amount, max(room, Fraction(0)))
        tax = None if rate is None else oracle.rounded(amount * exact(rate) / 100, places)
        found.append((line["product"], side, quantity, amount, tax))

    for line in asked["old"]:
        other = new.pop(line["product"], None)
        delta = exact(other["quantity"]) - exact(line["quantity"]) if other else None
        same = other and all(exact(line.get(name, "0")) == exact(other.get(name, "0")) for name in ("unit_price", "discount"))
        if same and delta == 0:
            continue
        if same and asked["policy"]["shape"] == "net":
            rates = (other.get("tax_rate"), line.get("tax_rate"))
            side, terms, order = ("charge", other, rates) if delta > 0 else ("credit", line, rates[::-1])
            add(terms, side, abs(delta), order[0] if order[0] is not None else order[1])
            continue
        add(line, "credit", exact(line["quantity"]), line.get("tax_rate"))
        if other:
            add(other, "charge", exact(other["quantity"]), other.get("tax_rate"))
    for line in new.values():
        add(line, "charge", exact(line["quantity"]), line.get("tax_rate"))
    return found


def too_large(asked: dict) -> bool:
    places = oracle.PLACES[asked["currency"]]
    for side in ("old", "new"):
        amounts = [
            oracle.line_amount(line["quantity"], line["unit_price"], line.get("discount", "0"), Fraction(1), places) for line in asked[side]
        ]
        if any(amount * 10**places > 10**15 for amount in (*amounts, sum(amounts))):
            return True
    return False


def has_no_days(asked: dict) -> bool:
    """30/360 over the one day from a 30th to a 31st."""
    start, end = (date.fromisoformat(asked["period"][name]) for name in ("start", "end"))
    return asked["policy"]["basis"] == "thirty_360" and oracle.days_30e(start, end) == 0


def check(asked: dict, answer: dict) -> None:
    if has_no_days(asked):  # only where something has to be prorated
        assert answer.get("lines") == [] or answer["error"]["code"] in ("no_days", "too_large")
        return
    if too_large(asked):
        assert answer["error"]["code"] == "too_large"
        return
    lines = answer["lines"]
    found = [(e["product"], e["side"], exact(e["quantity"]), exact(e["amount"]), exact(e["tax"]) if "tax" in e else None) for e in lines]
    assert found == expected_lines(asked)
    charge, credit = (sum((line[3] for line in found if line[1] == side), Fraction(0)) for side in ("charge", "credit"))
    assert (exact(answer["charge"]), exact(answer["credit"]), exact(answer["net"])) == (charge, credit, charge - credit)
    total = charge - credit
    if "total" in answer:
        tax = sum(((line[4] or 0) * (1 if line[1] == "charge" else -1) for line in found), Fraction(0))
        total = charge - credit + tax
        assert (exact(answer["tax"]), exact(answer["total"])) == (tax, total)
    decisive = total or charge - credit
    assert answer["document"] == ("invoice" if decisive > 0 else "credit_note" if decisive < 0 else "none")
    assert exact(answer["recurring"]["delta"]) == exact(answer["recurring"]["after"]) - exact(answer["recurring"]["before"])
    for entry in lines:
        assert entry["explanation"].startswith(f"{entry['quantity']} x {entry['unit_price']}")
        assert f" = {entry['amount']}" in entry["explanation"] or f"only {entry['amount']} is left" in entry["explanation"]


@figure("G09 quotes are what the oracle says")
@pytest.mark.req("G09", "K01", "F61", "F65", "F66", "F73", "F74", "M02", "M24")
@pytest.mark.parametrize("seed", SEEDS)
def test_random_quotes_are_the_oracles(seed, record_property):
    chance, several = random.Random(seed), cases(12_500, proof=125_000)
    record_property("cases", several)
    for number in range(several):
        asked = random_case(chance)
        try:
            check(asked, quote(asked))
        except AssertionError as error:
            raise AssertionError(f"seed {seed}, case {number}: {json.dumps(asked)}\n{json.dumps(quote(asked))}") from error


@figure("G09 a change and its reverse cancel to nothing")
@pytest.mark.req("M23", "F82")
@pytest.mark.parametrize("seed", SEEDS)
def test_a_change_and_its_reverse_cancel_to_nothing(seed, record_property):
    chance, several = random.Random(1000 + seed), cases(300, proof=20_000)
    record_property("cases", several)
    for number in range(several):
        asked = random_case(chance)
        for line in (*asked["old"], *asked["new"]):
            for name in ("already_billed", "already_credited", "tax_rate"):
                line.pop(name, None)
        answer, back = quote(asked), quote(asked | {"old": asked["new"], "new": asked["old"]})
        if "error" in answer:
            assert back["error"]["code"] == "too_large"
            continue
        assert exact(answer["net"]) + Fraction(back["net"]) == 0, (seed, number)
        assert (answer["charge"], answer["credit"]) == (back["credit"], back["charge"])
        assert exact(answer["recurring"]["delta"]) + Fraction(back["recurring"]["delta"]) == 0


@figure("F65 the drift of twenty changes in a row")
@pytest.mark.req("F65")
@pytest.mark.parametrize("seed", SEEDS)
def test_the_drift_of_many_changes_stays_below_half_a_unit_each(seed, record_property):
    chance, several = random.Random(2000 + seed), cases(30, proof=2_000)
    record_property("cases", several)
    for _ in range(several):
        asked = random_case(chance)
        asked |= {"policy": {"basis": "actual_days", "shape": "net"}, "currency": "GBP"}
        price, quantity = decimal_text(chance, 10**5, 6), 0
        exact, billed, steps = Fraction(0), Fraction(0), 0
        start, end = (date.fromisoformat(text) for text in asked["period"].values())
        for _ in range(20):
            effective = start + timedelta(days=chance.randrange((end - start).days))
            target = chance.randint(0, 500)
            line = {"product": "A", "family": "a", "unit_price": price}
            asked |= {
                "effective": effective.isoformat(),
                "old": [line | {"quantity": str(quantity)}],
                "new": [line | {"quantity": str(target)}],
            }
            billed += Fraction(quote(asked)["net"])
            exact += (target - quantity) * Fraction(price) * Fraction((end - effective).days, (end - start).days)
            steps += target != quantity
            quantity = target
        assert abs(billed - exact) <= steps * Fraction(1, 200)
