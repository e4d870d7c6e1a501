"""Check every rule of the books that data can show, and name the rows that break one."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from dealops.progress import bar_on
from expansion.queries.invariants import ALL, BY_THE_CLOCK, NOT_SHOWN, Broken

# Of one rule at most as many rows are printed; --json has all of them.
SHOWN = 20


class Command(BaseCommand):
    help = "Check every invariant of the books (M01 to M30) that data can show. Exit status 1, with the rows named, when one is broken."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="one JSON object instead of lines to read")
        parser.add_argument("--only", default="", help="codes of rules, e.g. M07,M11; without it, all of them")

    def handle(self, **options: Any) -> None:
        only = {code.strip().upper() for code in options["only"].split(",") if code.strip()}
        unknown = only - {invariant.code for invariant in ALL} - set(NOT_SHOWN)
        if unknown:
            raise CommandError(f"There is no rule {', '.join(sorted(unknown))}. Known are {', '.join(dict.fromkeys(i.code for i in ALL))}.")
        found: list[Broken] = []
        for invariant in bar_on(self.stderr, (*ALL, *BY_THE_CLOCK), unit="rule"):
            if only and invariant.code not in only:
                continue
            broken = invariant.broken()
            found += broken
            if not options["json"]:
                self._say(invariant.code, invariant.title, broken)
        if options["json"]:
            self._as_json(found, only)
        elif not found:
            self.stdout.write(f"The books hold. Not to be seen in rows: {', '.join(f'{code} ({why})' for code, why in NOT_SHOWN.items())}.")
        else:
            self.stdout.write(f"{len(found)} rows break a rule." if len(found) > 1 else "1 row breaks a rule.")
        if found:
            sys.exit(1)

    def _say(self, code: str, title: str, broken: list[Broken]) -> None:
        self.stdout.write(f"{code}  {'holds ' if not broken else 'BROKEN'}  {title}")
        for row in broken[:SHOWN]:
            self.stdout.write(f"        {row.subject}: {row.words}")
        if len(broken) > SHOWN:
            self.stdout.write(f"        and {len(broken) - SHOWN} more; --json names all")

    def _as_json(self, found: list[Broken], only: set[str]) -> None:
        checked = list(dict.fromkeys(invariant.code for invariant in ALL if not only or invariant.code in only))
        answer = {"holds": not found, "checked": checked, "not_shown": NOT_SHOWN, "broken": [asdict(row) for row in found]}
        self.stdout.write(json.dumps(answer, ensure_ascii=False))
