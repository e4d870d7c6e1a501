"""Load the demo data. Refused unless DEMO=1 (F112)."""

from __future__ import annotations

import time

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from billing.adapters.accounting import ledgerly_clock
from dealops.audit import context
from expansion.demo import build
from expansion.demo.story import STORY_DAY


class Command(BaseCommand):
    help = "Load the demo data into an empty database: the story of Brightwave Logistics in a portfolio of eighty contracts."

    def handle(self, **options: object) -> None:
        if not settings.DEMO:
            raise CommandError("Demo data is only for a demo. Set DEMO=1 if this is one; production refuses to start with it.")
        began = time.monotonic()
        with context.through("command"):
            if not build.load(say=lambda words: self.stdout.write(f"  {words}")):
                self.stdout.write("The demo data is already there.")
                return
        self._tell_ledgerly()
        self.stdout.write(f"Demo data loaded in {time.monotonic() - began:.1f} s.")

    def _tell_ledgerly(self) -> None:
        """The demo's accounting server lives in the same day."""
        if not settings.LEDGERLY_URL:
            return
        try:
            ledgerly_clock.set_date(settings.LEDGERLY_URL, STORY_DAY)
        except ledgerly_clock.NotReached as error:
            self.stderr.write(f"{error} Its date stays as it is; move it on its own page.")
