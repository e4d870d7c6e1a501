"""docs/security.md and docs/operations.md name tests that exist: a promise without one is none."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
PAGE = (ROOT / "docs" / "security.md").read_text()
GUARDS = (ROOT / "docs" / "operations.md").read_text()
NAMED = sorted(set(re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", PAGE + GUARDS)))


def test_the_page_names_tests():
    assert len(NAMED) > 40


@pytest.mark.parametrize(("path", "name"), NAMED, ids=[name for _, name in NAMED])
def test_each_named_test_exists(path, name):
    tree = ast.parse((ROOT / path).read_text())
    assert name in {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


def test_every_row_of_a_promise_names_one():
    rows = [
        line for line in PAGE.splitlines() if line.startswith("| ") and "---" not in line and not re.match(r"\| (promise|pitfall) ", line)
    ]
    assert [row for row in rows if "::" not in row] == []
