"""manage.py quote and billing_periods as a person or a pipe uses them: lines in, lines out, exit status, never a traceback."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from billing.management.json_lines import answers
from tests.billing.domain.effort import figure
from tests.billing.domain.test_quote import EXAMPLE, EXAMPLE_ANSWER

ROOT = Path(__file__).resolve().parents[3]
ONE_LINE = json.dumps(EXAMPLE)
MARKS = frozenset({"currency", "effective", "policy", "old", "new"})
# A database that cannot be reached: neither command may notice.
NOWHERE = {**os.environ, "DATABASE_URL": "postgres://nobody@127.0.0.1:1/nothing", "REDIS_URL": "redis://127.0.0.1:1/0"}


def run(*arguments: str, given: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "manage.py", *arguments], input=given, capture_output=True, cwd=ROOT, env=NOWHERE, timeout=120, check=False
    )


def read(content: str | bytes) -> list[dict]:
    return list(answers(content.encode() if isinstance(content, str) else content, lambda case: {"case": case}, MARKS))


def codes(content: str | bytes) -> list[str]:
    return [found["error"]["code"] if "error" in found else "" for found in read(content)]


@pytest.mark.req("S0-22")
def test_quote_answers_the_example_to_the_byte_from_a_file_and_from_standard_input(tmp_path):
    file = tmp_path / "a case.json"
    file.write_text(json.dumps(EXAMPLE, indent=2))
    for found in (
        run("quote", str(file)),
        run("quote", given=ONE_LINE.encode()),
        run("quote", "-", given=json.dumps(EXAMPLE, indent=1).encode()),
    ):
        assert (found.stdout.decode(), found.stderr, found.returncode) == (EXAMPLE_ANSWER + "\n", b"", 0)


def test_a_bad_line_is_answered_the_others_too_and_the_status_is_1():
    found = run("quote", given=f"{ONE_LINE}\nnonsense\n\n{ONE_LINE}\r\n[]\n".encode() + b"\xff\xfe\n" + ONE_LINE.encode())
    lines = [json.loads(line) for line in found.stdout.splitlines()]
    assert [line.get("error", {}).get("code") for line in lines] == [None, "invalid_json", None, "wrong_type", "not_utf8", None]
    assert (found.returncode, found.stderr) == (1, b"")


@pytest.mark.parametrize("command", ["quote", "billing_periods"])
def test_a_file_that_cannot_be_read_is_a_sentence(command, tmp_path):
    for file in (tmp_path / "missing.json", tmp_path):
        found = run(command, str(file))
        (line,) = found.stdout.splitlines()
        assert json.loads(line)["error"]["code"] == "unreadable"
        assert (found.returncode, found.stderr) == (1, b"")


def test_billing_periods_answers_lines():
    case = {"start": "2026-01-31", "end": "2026-03-31", "months": 1, "anchor": None}
    found = run("billing_periods", given=f"{json.dumps(case)}\n{json.dumps(case | {'months': 0})}\n".encode())
    first, second = (json.loads(line) for line in found.stdout.splitlines())
    assert [period["start"] for period in first["periods"]] == ["2026-01-31", "2026-02-28"]
    assert (second["error"]["field"], found.returncode) == ("months", 1)


def test_a_reader_that_leaves_early_gets_no_traceback():
    with subprocess.Popen(
        [sys.executable, "manage.py", "quote"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=ROOT, env=NOWHERE
    ) as process:
        process.stdout.close()
        process.stdin.write(f"{ONE_LINE}\n".encode() * 3000)
        process.stdin.close()
        said = process.stderr.read()
        process.wait(timeout=60)
    assert b"Traceback" not in said
    assert process.returncode == 1


@figure("ten thousand quotes in one call")
def test_ten_thousand_cases_take_less_than_ten_seconds(tmp_path, record_property):
    file = tmp_path / "cases.jsonl"
    file.write_text(f"{ONE_LINE}\n" * 10_000)
    before = os.times()
    found = run("quote", str(file))
    after = os.times()
    assert found.stdout.decode() == f"{EXAMPLE_ANSWER}\n" * 10_000
    # Its own processor time: what else runs on the machine is not its doing.
    took = after.children_user + after.children_system - before.children_user - before.children_system
    record_property("cases", 10_000)
    record_property("processor_seconds", round(took, 1))
    assert took < 10, f"{took:.1f} s"


def test_one_value_over_several_lines_is_one_case():
    assert read('{\n "a": 1\n}\n') == [{"case": {"a": 1}}]
    assert read('\ufeff{"a": 1}') == [{"case": {"a": 1}}]


def test_every_line_that_is_not_blank_is_a_case():
    assert read('{"a": 1}\n\n  \n{"b": 2}\n') == [{"case": {"a": 1}}, {"case": {"b": 2}}]


def test_a_broken_object_over_several_lines_is_one_answer_that_says_where():
    (found,) = read('{"currency": "GBP",\n "old": [\n  {"product": "a"}\n ],\n "new": [\n')
    assert (found["error"]["code"], "line 6" in found["error"]["message"]) == ("invalid_json", True)


def test_a_broken_first_line_does_not_swallow_the_cases_behind_it():
    assert codes(f'{{"currency": \n{ONE_LINE}\n') == ["invalid_json", ""]


def test_the_line_of_a_mistake_is_the_line_of_the_file():
    assert "line 3, column 1" in read('{"a": 1}\n\nx\n')[1]["error"]["message"]


@pytest.mark.parametrize(
    ("content", "code"),
    [
        ("", "no_case"),
        (" \n\n", "no_case"),
        ("nonsense", "invalid_json"),
        ("[" * 100_000, "invalid_json"),
        ('{"a": ' + "9" * 5000 + "}", "invalid_json"),
        ('{"a": 1, "a": 2}', "duplicate_field"),
        ('{"a": {"b": 1, "b": 1}}', "duplicate_field"),
        (b"\xff\xfe{\x00}\x00", "not_utf8"),
        (b'{"a": "\xe9"}', "not_utf8"),
    ],
)
def test_input_that_is_no_case_is_an_error_object(content, code):
    assert codes(content) == [code]
