"""docs/requirements.md: each requirement and the tests that show it, read from the markers of the tests.

    python -m tests.requirements_page          writes the page
    python -m tests.requirements_page --check  exit status 1 when a requirement has no test

It reads the sources only; nothing is imported or run.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

TESTS = Path(__file__).resolve().parent
LIST = TESTS / "requirements.txt"
PAGE = TESTS.parent / "docs" / "requirements.md"
MARK = "pytest.mark.req"


@dataclass(frozen=True)
class Requirement:
    number: str
    priority: str
    kind: str
    title: str


def requirements() -> list[Requirement]:
    """The list, in its order."""
    lines = LIST.read_text(encoding="utf-8").splitlines()
    return [Requirement(*(part.strip() for part in line.split(" | ", 3))) for line in lines if line and not line.startswith("#")]


def shown() -> dict[str, list[str]]:
    """id -> the tests that carry it, as `file::test`; a marker of a whole file is the file."""
    found: dict[str, set[str]] = {}
    for path in sorted(TESTS.rglob("test_*.py")):
        for name, test in _marked(ast.parse(path.read_text(encoding="utf-8"))):
            found.setdefault(name, set()).add(str(path.relative_to(TESTS.parent)) + (f"::{test}" if test else ""))
    return {name: sorted(tests) for name, tests in found.items()}


def _marked(tree: ast.Module) -> Iterator[tuple[str, str]]:
    for node in tree.body:
        holder = node if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) else None
        if isinstance(node, ast.ClassDef):
            for inner in node.body:
                yield from ((name, getattr(inner, "name", node.name)) for name in _ids(inner))
            continue
        yield from ((name, holder.name if holder else "") for name in _ids(node))


def _ids(node: ast.AST) -> Iterator[str]:
    for call in ast.walk(node):
        if isinstance(call, ast.Call) and ast.unparse(call.func) == MARK:
            yield from (str(arg.value) for arg in call.args if isinstance(arg, ast.Constant))


def page(found: dict[str, list[str]]) -> str:
    """The page as Markdown; those without a test come first, plainly."""
    rows = requirements()
    missing = [row for row in rows if row.number not in found]
    lines = [
        "# Requirements and the tests that show them",
        "",
        f"Made by `python -m tests.requirements_page` from the markers of the tests. {len(rows) - len(missing)} of {len(rows)} have one.",
        "",
        "## Without a test",
        "",
        *([f"- {row.number} ({row.priority}, {row.kind}): {row.title}" for row in missing] or ["None."]),
        "",
        "## With a test",
        "",
        "| id | | class | requirement | tests |",
        "|---|---|---|---|---|",
    ]
    for row in rows:
        if row.number in found:
            tests = found[row.number]
            more = f" and {len(tests) - 3} more" if len(tests) > 3 else ""
            lines.append(f"| {row.number} | {row.priority} | {row.kind} | {row.title} | {', '.join(f'`{t}`' for t in tests[:3])}{more} |")
    return "\n".join(lines) + "\n"


def main() -> int:
    found = shown()
    PAGE.write_text(page(found), encoding="utf-8")
    missing = [row.number for row in requirements() if row.number not in found]
    print(f"{PAGE.name}: {len(missing)} without a test{': ' + ', '.join(missing) if missing else ''}")
    return 1 if missing and "--check" in sys.argv else 0


if __name__ == "__main__":
    sys.exit(main())
