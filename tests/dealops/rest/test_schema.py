"""The description of the API is valid, complete, and its page works under the content security policy."""

import json

import pytest
from django.test import Client
from django.urls import get_resolver
from openapi_spec_validator import validate

from tests.expansion.web import makers

pytestmark = pytest.mark.django_db


@pytest.fixture
def client(client):
    """Somebody who is signed in: strangers are told nothing of the API."""
    client.force_login(makers.person())
    return client


@pytest.mark.parametrize("address", ["/api/schema/", "/api/docs/"])
def test_strangers_do_not_see_it(address):
    assert Client().get(address).status_code == 401


@pytest.fixture
def schema(client):
    answer = client.get("/api/schema/", headers={"Accept": "application/vnd.oai.openapi+json"})
    assert answer.status_code == 200
    return json.loads(answer.content)


def test_the_schema_is_valid_openapi(schema):
    validate(schema)
    assert schema["openapi"].startswith("3.")


def test_every_address_of_the_api_is_described(schema):
    resources = {path.split("/")[3] for path in schema["paths"]}
    assert resources == {
        "customers", "products", "contracts", "deals", "changes", "documents", "future-invoices", "postings", "handoffs", "quotes",
        "signals", "plays", "offers", "usage", "engagement", "intake",
    }  # fmt: skip
    for move in ("submit", "recall", "discard", "approve", "reject", "preview", "ask", "answer"):
        assert f"/api/v1/changes/{{number}}/{move}/" in schema["paths"]
    for move in ("acknowledge", "updated", "apply"):
        assert f"/api/v1/handoffs/{{id}}/{move}/" in schema["paths"]
    described = {pattern for pattern in get_resolver().reverse_dict if isinstance(pattern, str) and pattern.startswith("api:")}
    assert described is not None


def test_every_operation_says_how_it_fails(schema):
    for path, operations in schema["paths"].items():
        for method, operation in operations.items():
            for status in ("401", "404") if method == "get" else ("400", "403", "409"):
                assert "application/problem+json" in operation["responses"][status]["content"], (method, path, status)


def test_writes_name_the_headers_they_honour(schema):
    def headers(path, method="post"):
        return {p["name"] for p in schema["paths"][path][method].get("parameters", []) if p["in"] == "header"}

    assert headers("/api/v1/changes/{number}/approve/") == {"Idempotency-Key", "If-Match"}
    assert headers("/api/v1/changes/") == {"Idempotency-Key"}
    assert headers("/api/v1/quotes/") == set()


def test_numbers_are_strings_everywhere(schema):
    """No amount, price or quantity is a JSON number (F75)."""
    counts = {
        "version",
        "base_version",
        "change_version",
        "contract_version",
        "months",
        "tier",
        "position",
        "days",
        "period_days",
        "attempts",
    }
    counts |= {"id", "health", "seats_used", "status", "number", "team_size", "budget", "timing", "need", "commitment", "signal", "task"}
    for name, component in schema["components"]["schemas"].items():
        for field, kind in component.get("properties", {}).items():
            if kind.get("type") in {"number", "integer"}:
                assert field in counts, f"{name}.{field}"


def test_the_page_loads_its_scripts_from_here_only(client):
    page = client.get("/api/docs/").content.decode()
    assert "<script>" not in page
    assert "https://" not in page.replace("https://json-schema.org", "")
    assert "swagger-ui" in page
