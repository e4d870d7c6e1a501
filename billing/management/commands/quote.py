"""manage.py quote [FILE]: what a change costs, without a database (design section 7)."""

from __future__ import annotations

from typing import Any

from billing.domain.quote import quote
from billing.management.json_lines import JsonLinesCommand


class Command(JsonLinesCommand):
    help = "Answer quote cases: one JSON object, or JSON Lines, from FILE or standard input; one JSON line per case."
    marks = frozenset({"currency", "effective", "policy", "old", "new"})

    def answer(self, case: Any) -> dict[str, Any]:
        return quote(case)
