"""What the engine refuses is listed in docs/money.md: every code it can answer with stands there."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
MODULES = [
    *sorted((ROOT / "billing" / "domain").glob("*.py")),
    ROOT / "billing/operations/terms_end.py",
    ROOT / "billing/operations/closing.py",
]
KINDS = {"Refusal", "TermsError", "CaseError", "PeriodError"}


def codes():
    """Every code that is written down where a refusal is raised."""
    for path in MODULES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in KINDS and node.args:
                code = node.args[0]
                if isinstance(code, ast.Constant) and isinstance(code.value, str):
                    yield code.value


CODES = sorted(set(codes()))


@pytest.mark.req("F63", "F64")
@pytest.mark.parametrize("code", CODES)
def test_a_refusal_is_in_the_table_of_the_money_page(code):
    assert f"`{code}`" in (ROOT / "docs" / "money.md").read_text(encoding="utf-8")


def test_there_are_refusals_to_document():
    assert len(CODES) > 30
