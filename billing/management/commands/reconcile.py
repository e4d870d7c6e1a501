"""python manage.py reconcile: deal lines, future invoice, template, documents and payments against accounting."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from datetime import date
from typing import Any

from django.core.management.base import BaseCommand

from billing.clock import now
from billing.handlers.reconcile import everything
from billing.models import Finding
from billing.queries.reconcile import settled_documents
from dealops.audit import context


class Command(BaseCommand):
    help = "Compare dealops with accounting; print every difference and its repair. Exit status 1 when there are any."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--since", type=date.fromisoformat, help="oldest document date that is compared (default: 92 days back)")

    def handle(self, *, since: date | None = None, **options: Any) -> None:
        with context.through("command"):
            found, problems = everything(at=now(), since=since)
        for finding in found:
            self._print(finding)
        for problem in problems:
            self.stderr.write(problem)
        for posting in settled_documents():
            self.stdout.write(f"Not looked for: {posting.document}, {posting.message.settled_words}")
        count = len(found)
        self.stdout.write("No difference." if not found and not problems else f"{count} difference{'s' * (count != 1)}.")
        if found or problems:
            sys.exit(1)

    def _print(self, finding: Finding) -> None:
        self.stdout.write(f"{finding.get_kind_display()}: {finding.words}")
        for name, here, there in finding.differences:
            self.stdout.write(f"    {name}: {here or 'nothing'} here, {there or 'nothing'} in accounting")
        self.stdout.write(
            f"    repair: {finding.get_repair_display()}" + (f" (difference {finding.pk} on the page Sync)" * bool(finding.repair))
        )
