"""`manage.py stack`, which is what `make run` runs; `--reset` is `make demo-reset`."""

import os
import sys
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from dealops.embedded import EmbeddedError
from dealops.stack.errors import StackError
from dealops.stack.reset import reset
from dealops.stack.run import Run


class Command(BaseCommand):
    help = "Start everything on this machine and watch over it: servers, web, worker, beat and, with DEMO=1, demo data and Ledgerly."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--reset", action="store_true", help="remove the demo's data instead; the next run starts from nothing")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            if options["reset"]:
                self.stdout.write(reset(settings.VAR_DIR, os.environ))
            else:
                Run(os.environ).go()
        except (StackError, EmbeddedError) as error:
            sys.exit(f"dealops: {error}")
