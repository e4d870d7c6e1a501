"""Anchor the audit log for today: `manage.py anchor_audit [--on DATE]`. Run daily; twice does no harm."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone

from dealops.audit import anchors


class Command(BaseCommand):
    help = "Signs the head of every chain of the audit log and sends it to AUDIT_ANCHOR_TO."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--on", type=date.fromisoformat, default=None, help="the day, e.g. 2026-06-16; today when left out")

    def handle(self, *args: Any, **options: Any) -> None:
        at = timezone.now()
        made = anchors.anchor(day=options["on"] or at.date(), at=at)
        for one in made:
            self.stdout.write(f"{one.chain.name}: entry {one.sequence} {one.hash}")
        sent = anchors.send(made)
        self.stdout.write(f"{len(made)} anchored, {sent} mailed")
