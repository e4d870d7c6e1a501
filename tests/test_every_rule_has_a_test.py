"""Every failure that is written down, every rule of the books and every formula has a test.

F01 to F118; M01 to M30; K01 to K03. The tests carry the id.
"""

import ast
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parent
WANTED = [
    *(f"F{number:02d}" for number in range(1, 119)),
    *(f"M{number:02d}" for number in range(1, 31)),
    *(f"K{number:02d}" for number in range(1, 4)),
]
# Ids whose worked example stands in the requirements: a test of the engine with the numbers in it, not only a story that touches them.
WORKED = ["K01", "K02", "K03", *(f"F{number}" for number in range(65, 75))]


def marked(folder: Path) -> dict[str, set[str]]:
    """id -> the tests that carry it, by `pytest.mark.req` on a test, a parameter, or a whole module (`pytestmark`)."""
    found: dict[str, set[str]] = {}
    for path in sorted(folder.rglob("test_*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "pytest.mark.req":
                for name in node.args:
                    if isinstance(name, ast.Constant):
                        found.setdefault(name.value, set()).add(str(path.relative_to(TESTS)))
    return found


@pytest.fixture(scope="module")
def everywhere():
    return marked(TESTS)


@pytest.fixture(scope="module")
def of_the_engine():
    return marked(TESTS / "billing" / "domain")


@pytest.mark.parametrize("code", WANTED)
def test_every_rule_has_a_test_that_carries_its_id(everywhere, code):
    if code.startswith("M") and code in _broken_on_purpose():
        return  # tests/expansion/queries/test_invariants.py breaks it and sees that it is seen
    assert everywhere.get(code), f"no test is marked with {code}"


@pytest.mark.parametrize("code", [code for code in WORKED if code not in {"F69", "F71", "F72"}])
def test_every_worked_example_is_a_test_of_the_engine(of_the_engine, code):
    """What hangs on time zones, renewals and ended contracts (F69, F71, F72) is no matter of the engine, which has no clock."""
    assert of_the_engine.get(code), f"no test of billing/domain is marked with {code}"


def _broken_on_purpose() -> set[str]:
    from tests.expansion.queries.test_invariants import BREAKS

    return {code for code, *_ in BREAKS}
