"""POST /api/v1/quotes/: the answer of `manage.py quote`, without a database and without signing in."""

import json
import subprocess
import sys

import pytest
from django.test import Client

CASE = {
    "currency": "GBP",
    "effective": "2026-06-16",
    "period": {"start": "2026-06-01", "end": "2026-07-01"},
    "policy": {"basis": "actual_days", "shape": "net"},
    "old": [{"product": "team", "family": "core", "quantity": "20", "unit_price": "50.00"}],
    "new": [{"product": "team", "family": "core", "quantity": "25", "unit_price": "50.00"}],
}


def post(body, **headers):
    content = body if isinstance(body, str | bytes) else json.dumps(body)
    return Client(enforce_csrf_checks=True).post("/api/v1/quotes/", content, content_type="application/json", headers=headers)


def test_the_example_is_answered_like_on_the_command_line():
    """No database mark on this test: pytest-django fails it if a query is made."""
    answer = post(CASE)
    assert answer.status_code == 200
    told = subprocess.run([sys.executable, "manage.py", "quote"], input=json.dumps(CASE), capture_output=True, text=True, check=True).stdout
    assert answer.json() == json.loads(told)
    assert answer.json()["net"] == "125.00"


@pytest.mark.parametrize(
    ("change", "field", "code"),
    [
        ({"currency": "XXX"}, "currency", "unknown_currency"),
        ({"effective": "2026-07-16"}, "effective", "effective_outside_period"),
        ({"period": {"start": "2026-07-01", "end": "2026-06-01"}}, "period.end", "wrong_order"),
        ({"policy": {"basis": "weekly", "shape": "net"}}, "policy.basis", "unknown_basis"),
        ({"new": [{**CASE["new"][0], "quantity": "-1"}]}, "new[0].quantity", "negative"),
        ({"new": [{**CASE["new"][0], "quantity": 25}]}, "new[0].quantity", "wrong_type"),
        ({"new": [{**CASE["new"][0], "unit_price": 50.0}]}, "new[0].unit_price", "wrong_type"),
        ({"new": [{**CASE["new"][0], "colour": "red"}]}, "new[0].colour", "unknown_field"),
        ({"surprise": 1}, "surprise", "unknown_field"),
    ],
)
def test_a_bad_case_is_a_problem_that_names_the_field(change, field, code):
    answer = post({**CASE, **change})
    body = answer.json()
    assert (answer.status_code, answer.headers["Content-Type"]) == (400, "application/problem+json")
    assert (body["code"], body["errors"][0]["field"]) == (code, field)
    assert body["error"] == {"code": code, "field": field, "message": body["detail"]}, "the object of the command stands beside it"


@pytest.mark.parametrize(
    "body", ["", "nope", "[]", "null", "3", '{"currency": NaN}', '{"a": 1, "a": 2}', b"\xff\xfe", '"\\ud800"', "[" * 5000]
)
def test_what_is_no_case_is_a_problem_too(body):
    answer = post(body)
    assert (answer.status_code, answer.headers["Content-Type"]) == (400, "application/problem+json")
    assert answer.json()["detail"]


def test_reading_a_quote_is_not_possible():
    answer = Client().get("/api/v1/quotes/")
    assert (answer.status_code, answer.headers["Content-Type"]) == (405, "application/problem+json")
