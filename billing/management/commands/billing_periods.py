"""manage.py billing_periods [FILE]: the billing periods of a term, without a database (design section 7)."""

from __future__ import annotations

from typing import Any

from billing.domain.periods_case import billing_periods_case
from billing.management.json_lines import JsonLinesCommand


class Command(JsonLinesCommand):
    help = "Answer billing period cases: one JSON object, or JSON Lines, from FILE or standard input; one JSON line per case."
    marks = frozenset({"start", "end", "months"})

    def answer(self, case: Any) -> dict[str, Any]:
        return billing_periods_case(case)
