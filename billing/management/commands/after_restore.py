"""python manage.py after_restore: hold posting until what was posted later than the backup has been looked up (F109)."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from billing.clock import now
from billing.connections import gate_name
from billing.handlers.reconcile import everything
from billing.models import LegalEntity
from billing.operations.restoring import look_up_everything_first
from dealops.audit import context
from dealops.outbox import gates

REASON = "The database was restored from a backup. It goes on when `manage.py after_restore --release` says so."


class Command(BaseCommand):
    help = "After a restore: hold posting, mark what waits to be looked up first, compare with accounting. --release lets it go on."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--release", action="store_true", help="posting goes on; what waits is looked up before it is sent")

    def handle(self, *, release: bool = False, **options: Any) -> None:
        with context.through("command"):
            if release:
                self._release()
            else:
                self._hold()

    def _hold(self) -> None:
        for entity in LegalEntity.objects.order_by("code"):
            gates.hold(gate_name(entity), reason=REASON, at=timezone.now())
        count = look_up_everything_first(at=now())
        self.stdout.write(f"Posting is held. {count} waiting messages will be looked up in accounting before anything is sent.")
        found, problems = everything(at=now())
        for line in [*(finding.words for finding in found), *problems]:
            self.stdout.write(f"- {line}")
        self.stdout.write(f"{len(found)} differences. When you have looked at them: manage.py after_restore --release")

    def _release(self) -> None:
        for entity in LegalEntity.objects.order_by("code"):
            gates.release(gate_name(entity))
        self.stdout.write("Posting goes on.")
