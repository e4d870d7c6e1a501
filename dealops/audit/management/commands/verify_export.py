"""Verify an export of the audit log: `manage.py verify_export FILE [--public-key KEY]`. Needs no database."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from dealops.audit import signing
from dealops.audit.exports import verify_lines


class Command(BaseCommand):
    help = "Checks signature, hashes and order of an exported log. Exit status 1, and a line for each, when something does not hold."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--public-key", default="", help="base64; this installation's own when left out")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            with options["file"].open(encoding="utf-8", newline="") as given:
                wrong = list(verify_lines(given, public_key=options["public_key"] or signing.public_key()))
        except (OSError, UnicodeDecodeError) as error:
            raise CommandError(f"{options['file']} cannot be read: {error}") from None
        for words in wrong:
            self.stdout.write(words)
        if wrong:
            sys.exit(1)
        self.stdout.write("The export holds.")
