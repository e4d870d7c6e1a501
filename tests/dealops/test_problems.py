"""What people and programs see when something does not work."""

import ast
from pathlib import Path

import pytest
from django.core.exceptions import PermissionDenied
from rest_framework import exceptions
from rest_framework.test import APIRequestFactory

from billing.domain.refusal import NotAllowed, Refusal, Stale
from dealops import problems
from tests.expansion.web import makers


def answer_to(error):
    request = APIRequestFactory().get("/api/v1/anything/")
    request.request_id = "abc123"
    return problems.handler(error, {"request": request})


@pytest.mark.req("F116")
@pytest.mark.parametrize(
    ("error", "status"),
    [
        (Refusal("below_zero", "edits[0].quantity", "Below zero."), 400),
        (NotAllowed("not_allowed", "", "Finance decides."), 403),
        (Stale("moved", "version", "Moved meanwhile."), 409),
        (exceptions.NotAuthenticated(), 401),
        (exceptions.NotFound(), 404),
        (exceptions.MethodNotAllowed("PUT"), 405),
        (PermissionDenied("Not for you."), 403),
    ],
)
def test_every_refusal_becomes_a_problem_with_a_sentence_and_a_reference(error, status):
    answer = answer_to(error)
    assert answer.status_code == status
    assert answer.content_type == "application/problem+json"
    assert answer.data["status"] == status
    assert answer.data["reference"] == "abc123"
    assert answer.data["detail"]
    assert answer.data["title"]


def test_the_field_is_named():
    assert answer_to(Refusal("below_zero", "quantity", "Below zero.")).data["errors"] == [{"field": "quantity", "message": "Below zero."}]


def test_nested_errors_name_their_place():
    error = exceptions.ValidationError({"lines": [{}, {"quantity": ["A number, please."]}], "effective": ["Required."]})
    fields = {found["field"]: found["message"] for found in answer_to(error).data["errors"]}
    assert fields == {"lines[1].quantity": "A number, please.", "effective": "Required."}


def test_the_unknown_stays_a_500_without_words_from_inside():
    assert answer_to(ZeroDivisionError("secret")) is None


@pytest.mark.django_db
def test_a_page_that_is_not_there(client):
    client.force_login(makers.person())
    answer = client.get("/nowhere")
    page = answer.content.decode()
    assert answer.status_code == 404
    assert answer.headers["X-Request-ID"] in page
    assert "Go to my work" in page
    assert 'aria-label="Main"' in page, "the frame stays"


@pytest.mark.django_db
def test_a_stranger_gets_the_same_page_without_the_frame(client):
    page = client.get("/nowhere")
    assert page.status_code == 404
    assert 'aria-label="Main"' not in page.content.decode()


@pytest.mark.django_db
def test_programs_get_json(client):
    client.force_login(makers.person())
    answer = client.get("/nowhere", headers={"accept": "application/json"})
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json()["status"] == 404


@pytest.mark.req("F116")
@pytest.mark.django_db
def test_a_broken_page_says_so_without_a_traceback(client, monkeypatch):
    def broken(*args, **kwargs):
        raise RuntimeError("secret inside")

    monkeypatch.setattr("expansion.queries.home.next_bill_run", broken)
    client.raise_request_exception = False
    client.force_login(makers.person())
    answer = client.get("/home")
    page = answer.content.decode()
    assert answer.status_code == 500
    assert "secret inside" not in page
    assert "Nothing was half done" in page and "Try again in a moment" in page
    assert answer.headers["X-Request-ID"] in page


# --- the catalogue: every no that is written down in the product ---------------------------------------------------------------

ROOT = Path(__file__).resolve().parents[2]
NOES = {"Refusal", "NotAllowed", "Stale"}
# What belongs in a log, never in front of a person.
INSIDE = ("Traceback", "Exception", "null", "psycopg", "django", "SQL", "assert", "ValueError", "KeyError")


def noes():
    """(place, code, words) of every refusal whose words stand in the code; a value inside them reads as a word."""
    for root in ("billing", "expansion", "dealops"):
        for path in sorted((ROOT / root).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in NOES and len(node.args) == 3:
                    words = _words(node.args[2])
                    if words is not None:
                        yield f"{path.relative_to(ROOT)}:{node.lineno}", ast.unparse(node.args[0]), words


def _words(node):
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(str(part.value) if isinstance(part, ast.Constant) else "something." for part in node.values)
    return None


@pytest.mark.req("F116", "G38")
def test_every_refusal_is_a_sentence_for_the_reader_with_a_code_for_machines():
    found = list(noes())
    assert len(found) > 150
    mute = [place for place, _, words in found if len(words.split()) < 3 or not words.rstrip().endswith((".", "?"))]
    assert mute == [], "a whole sentence"
    inside = [(place, words) for place, _, words in found if any(word in words for word in INSIDE)]
    assert inside == []
    assert [place for place, code, _ in found if code in ("''", '""')] == []


@pytest.mark.req("F116")
def test_what_is_no_sentence_would_be_seen():
    assert _words(ast.parse("f'{x} of {y}'", mode="eval").body) == "something. of something."
    assert _words(ast.parse("words", mode="eval").body) is None
