"""Every field of a quote, wrong in every way: an error object that names the field, never an exception (F63, F64, F75)."""

import json
from copy import deepcopy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.domain.quote import quote
from tests.billing.domain.effort import effort
from tests.billing.domain.test_quote import EXAMPLE

FULL = deepcopy(EXAMPLE)
FULL["old"][0] |= {"discount": "10", "tax_rate": "20", "already_billed": "1000.00", "already_credited": "0.00"}
FULL["new"][0] |= {"period": {"start": "2026-06-01", "end": "2026-07-01"}, "discount": "10", "tax_rate": "20"}

PATHS = [
    ("currency",),
    ("effective",),
    ("period",),
    ("period", "start"),
    ("period", "end"),
    ("policy",),
    ("policy", "basis"),
    ("policy", "shape"),
    ("old",),
    ("old", 0),
    ("new",),
    ("new", 0),
    *[
        ("old", 0, name)
        for name in ("product", "family", "quantity", "unit_price", "discount", "tax_rate", "already_billed", "already_credited")
    ],
    *[("new", 0, name) for name in ("product", "family", "quantity", "unit_price", "discount", "tax_rate", "period")],
    ("new", 0, "period", "start"),
    ("new", 0, "period", "end"),
]
REQUIRED = [path for path in PATHS if path[-1] not in ("discount", "tax_rate", "already_credited", 0) and path != ("new", 0, "period")]
NUMBERS = [path for path in PATHS if path[-1] in ("quantity", "unit_price", "discount", "tax_rate", "already_billed", "already_credited")]


def named(path) -> str:
    written = ""
    for step in path:
        written += f"[{step}]" if isinstance(step, int) else f".{step}" if written else step
    return written


def changed(path, value):
    asked = deepcopy(FULL)
    place = asked
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    return asked


def error_of(asked):
    answer = quote(asked)
    assert set(answer) == {"error"}
    assert set(answer["error"]) == {"code", "field", "message"}
    assert answer["error"]["message"].strip()
    json.dumps(answer)
    return answer["error"]


def test_the_full_case_itself_is_answered():
    assert quote(FULL)["net"] == "112.50"


@pytest.mark.parametrize("value", [None, 5, 5.5, True, float("nan"), [], {}, [[]]], ids=repr)
@pytest.mark.parametrize("path", PATHS, ids=named)
def test_a_wrong_type_names_its_field(path, value):
    if path[-1] in ("old", "new") and value == []:
        assert "error" not in quote(changed(path, value))
        return
    error = error_of(changed(path, value))
    assert error["field"].startswith(named(path))
    if not isinstance(value, dict | list):
        assert (error["field"], error["code"]) == (named(path), "wrong_type")


@pytest.mark.parametrize("path", REQUIRED, ids=named)
def test_a_missing_field_is_named(path):
    asked = deepcopy(FULL)
    place = asked
    for step in path[:-1]:
        place = place[step]
    del place[path[-1]]
    error = error_of(asked)
    assert (error["field"], error["code"]) == (named(path), "missing")


@pytest.mark.parametrize("place", [(), ("period",), ("policy",), ("old", 0), ("new", 0), ("new", 0, "period")], ids=named)
def test_an_unknown_field_is_named(place):
    error = error_of(changed((*place, "discuont"), "5"))
    assert (error["field"], error["code"]) == (named((*place, "discuont")), "unknown_field")


@pytest.mark.req("F63", "F64", "F75")
@pytest.mark.parametrize(
    ("value", "code"),
    [
        ("-1", "negative"),
        ("-0.000001", "negative"),
        ("NaN", "not_a_number"),
        ("sNaN", "not_a_number"),
        ("Infinity", "not_a_number"),
        ("-inf", "not_a_number"),
        ("", "not_a_number"),
        (" 5", "not_a_number"),
        ("5 ", "not_a_number"),
        ("5\n", "not_a_number"),
        ("1e3", "not_a_number"),
        ("1_000", "not_a_number"),
        ("1,000.00", "not_a_number"),
        ("+5", "not_a_number"),
        (".5", "not_a_number"),
        ("5.", "not_a_number"),
        ("0x10", "not_a_number"),
        ("٥", "not_a_number"),  # noqa: RUF001
        ("five", "not_a_number"),
        ("1000000000000000000000", "too_large"),
        ("9" * 5000, "too_large"),
        ("0.00000000000001", "too_many_places"),
    ],
)
@pytest.mark.parametrize("path", NUMBERS, ids=named)
def test_a_number_that_is_none_or_out_of_bounds_names_its_field(path, value, code):
    error = error_of(changed(path, value))
    assert (error["field"], error["code"]) == (named(path), code)


@pytest.mark.req("F63")
@pytest.mark.parametrize(
    ("name", "largest", "above", "fine", "finer"),
    [
        ("quantity", "10000000", "10000000.000001", "0.000001", "0.0000001"),
        ("unit_price", "1000000000", "1000000000.000001", "0.000001", "0.0000001"),
        ("discount", "100", "100.000001", "0.000001", "0.0000001"),
        ("tax_rate", "100", "100.000001", "0.000001", "0.0000001"),
    ],
)
def test_the_bounds_are_where_they_are_said_to_be(name, largest, above, fine, finer):
    for value in (largest, fine, "0"):
        asked = changed(("old", 0, name), value)
        asked["new"][0]["unit_price"] = "1"
        assert "error" not in quote(asked), value
    assert error_of(changed(("old", 0, name), above))["code"] == "too_large"
    assert error_of(changed(("old", 0, name), finer))["code"] == "too_many_places"


@pytest.mark.req("F63")
def test_a_line_above_ten_to_the_fifteen_minor_units_is_refused():
    asked = changed(("new", 0, "quantity"), "10000000")
    asked["new"][0] |= {"unit_price": "1000000", "discount": "0"}
    assert quote(asked)["recurring"]["after"] == "10000000000000.00"
    asked["new"][0]["unit_price"] = "1000000.000001"
    error = error_of(asked)
    assert (error["field"], error["code"]) == ("new[0].quantity", "too_large")


@pytest.mark.req("F63")
def test_a_sum_above_ten_to_the_fifteen_minor_units_is_refused():
    asked = deepcopy(EXAMPLE)
    asked["new"] = [{"product": name, "family": "core", "quantity": "10000000", "unit_price": "1000000"} for name in ("team", "guest")]
    error = error_of(asked)
    assert (error["field"], error["code"]) == ("new", "too_large")


@pytest.mark.req("F62")
@pytest.mark.parametrize("currency", ["XXX", "ZZZ", "gbp", "", "GBPP", "£", "X\ud800"])
def test_an_unknown_currency_is_named(currency):
    error = error_of(changed(("currency",), currency))
    assert (error["field"], error["code"]) == ("currency", "unknown_currency")


@pytest.mark.parametrize(
    ("path", "value", "code"),
    [
        (("policy", "basis"), "by_the_second", "unknown_basis"),
        (("policy", "basis"), "", "unknown_basis"),
        (("policy", "shape"), "Net", "unknown_shape"),
        (("effective",), "2026-02-30", "not_a_date"),
        (("effective",), "2026-6-1", "not_a_date"),
        (("effective",), "20260616", "not_a_date"),
        (("effective",), "2026-W25-2", "not_a_date"),
        (("effective",), "2026-06-16T00:00:00", "not_a_date"),
        (("effective",), "0000-01-01", "not_a_date"),
        (("effective",), "", "not_a_date"),
        (("effective",), "2026-05-31", "effective_outside_period"),
        (("effective",), "2026-07-01", "effective_outside_period"),
        (("period", "start"), "2026-13-01", "not_a_date"),
        (("period", "end"), "2026-06-01", "wrong_order"),
        (("period", "end"), "2026-05-01", "wrong_order"),
        (("period", "full_start"), "2026-06-02", "wrong_order"),
        (("period", "full_end"), "2026-06-30", "wrong_order"),
        (("new", 0, "period", "end"), "2026-05-01", "wrong_order"),
        (("old", 0, "product"), "", "empty"),
        (("old", 0, "product"), "  ", "empty"),
        (("old", 0, "family"), "x" * 201, "too_long"),
        (("new", 0, "family"), "storage", "wrong_family"),
    ],
)
def test_a_value_that_cannot_be_is_named(path, value, code):
    error = error_of(changed(path, value))
    assert (error["field"], error["code"]) == (named(path), code)


def test_a_line_whose_own_period_does_not_hold_the_day_is_named():
    error = error_of(changed(("new", 0, "period"), {"start": "2026-07-01", "end": "2026-08-01"}))
    assert (error["field"], error["code"]) == ("new[0].period", "effective_outside_period")


@pytest.mark.parametrize("side", ["old", "new"])
def test_a_product_given_twice_is_named(side):
    asked = deepcopy(FULL)
    asked[side].append(deepcopy(asked[side][0]))
    error = error_of(asked)
    assert (error["field"], error["code"]) == (f"{side}[1].product", "duplicate_product")


def test_a_thousand_and_one_lines_are_too_many():
    asked = deepcopy(EXAMPLE)
    asked["new"] = [{"product": str(n), "family": "core", "quantity": "1", "unit_price": "1"} for n in range(1001)]
    assert error_of(asked)["code"] == "too_many"


def test_a_period_without_30_360_days_is_refused():
    asked = deepcopy(EXAMPLE) | {"effective": "2026-07-30", "period": {"start": "2026-07-30", "end": "2026-07-31"}}
    asked["policy"] = {"basis": "thirty_360", "shape": "net"}
    assert error_of(asked)["code"] == "no_days"


@pytest.mark.parametrize("asked", [None, 5, 5.5, True, "case", [], [EXAMPLE], {}], ids=repr)
def test_what_is_no_case_is_answered_with_an_error(asked):
    error_of(asked)


JUNK = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["5", "-1", "2026-06-16", "GBP", "net"]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*FULL, *FULL["old"][0], "start", "end"]), inner, max_size=4)
    ),
    max_leaves=8,
)


@pytest.mark.req("F75")
@effort(300)
@given(st.sampled_from(PATHS), JUNK)
def test_no_junk_anywhere_raises(path, junk):
    answer = quote(changed(path, junk))
    assert ("error" in answer) or ("net" in answer)
    json.dumps(answer)
