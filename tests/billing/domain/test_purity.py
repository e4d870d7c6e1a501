"""The engine has no clock, no framework, no chance and no binary fractions; its tests' oracle has nothing of the engine."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
MODULES = sorted((ROOT / "billing" / "domain").glob("*.py"))
ALLOWED = {
    "__future__",
    "babel",
    "billing",
    "collections",
    "dataclasses",
    "datetime",
    "decimal",
    "enum",
    "fractions",
    "functools",
    "hashlib",
}
ALLOWED |= {"itertools", "json", "math", "re", "types", "typing", "uuid"}


def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def imported(module: ast.Module) -> set[str]:
    found = set()
    for node in ast.walk(module):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add(node.module or "")
    return found


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.name)
def test_a_module_of_the_engine_imports_plain_python_only(path):
    names = imported(tree(path))
    assert {name.partition(".")[0] for name in names} <= ALLOWED
    assert not [name for name in names if name.startswith("billing.") and not name.startswith("billing.domain")]


@pytest.mark.req("F69", "F76")
@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.name)
def test_a_module_of_the_engine_reads_no_clock(path):
    called = {node.attr for node in ast.walk(tree(path)) if isinstance(node, ast.Attribute)}
    assert not called & {"today", "now", "utcnow", "localtime", "time", "monotonic", "uuid4"} - {"today"} | (
        {"today"} & called - _fields(path)
    )


def _fields(path: Path) -> set[str]:
    """Names of dataclass fields: `today` may be one that is handed in."""
    return {node.target.id for node in ast.walk(tree(path)) if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)}


@pytest.mark.req("F75")
@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.name)
def test_a_module_of_the_engine_holds_no_binary_fraction(path):
    module = tree(path)
    assert not [node.value for node in ast.walk(module) if isinstance(node, ast.Constant) and isinstance(node.value, float | complex)]
    assert not [
        node for node in ast.walk(module) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "float"
    ]


def test_the_oracle_has_nothing_of_the_engine():
    assert not [name for name in imported(tree(Path(__file__).with_name("oracle.py"))) if name.startswith("billing")]
