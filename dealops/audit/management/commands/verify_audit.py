"""Verify the audit log: `manage.py verify_audit`. Exit status 1, and a line for each, when something does not hold."""

from __future__ import annotations

import sys
from typing import Any

from django.core.management.base import BaseCommand

from dealops.audit.models import Entry
from dealops.audit.verifying import broken


class Command(BaseCommand):
    help = "Reads every entry, chain and anchor of the audit log and names what does not hold."

    def handle(self, *args: Any, **options: Any) -> None:
        found = 0
        for found, row in enumerate(broken(), start=1):  # noqa: B007
            self.stdout.write(str(row))
        if found:
            sys.exit(1)
        self.stdout.write(f"{Entry.objects.count()} entries, all as they were written")
