"""Do what is due: scheduled changes take effect, recurring invoices are issued, terms end. Run twice, the second finds nothing."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from billing.clock import business_date, now
from billing.models import LegalEntity
from billing.queries.due import count_due
from dealops.audit import context
from dealops.progress import bar_on
from expansion.operations import daily


class Command(BaseCommand):
    help = "Issue the recurring invoices due on or before a day, after the changes that take effect by then. Idempotent and resumable."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--on", type=_day, help="the business date, e.g. 2026-07-01; without it, today in each legal entity's own zone")
        parser.add_argument("--entity", help="the code of one legal entity; without it, all of them")

    def handle(self, *, on: date | None, entity: str | None, **options: Any) -> None:
        entities = LegalEntity.objects.order_by("code")
        if entity:
            entities = entities.filter(code=entity)
            if not entities:
                raise CommandError(f"There is no legal entity “{entity}”. Name one of: {', '.join(self._codes())}.")
        moment = now()
        days = [(one, on or business_date(one.time_zone, moment)) for one in entities]
        total = sum(count_due(entity=one.pk, on=day) for one, day in days)
        failed = {}
        with context.through("command"), bar_on(self.stderr, total=total, unit="contract") as bar:
            for one, day in days:
                done = daily.catch_up(on=day, at=lambda _: moment, entity=one, progress=bar.update)
                failed |= done.failed
                if done.issued or done.applied or done.ended:
                    bar.clear()
                    self.stdout.write(f"{one.code} {day}: {_said(done)}")
        if not total and not failed:
            self.stdout.write("Nothing was due.")
        for number, reason in failed.items():
            self.stderr.write(f"{number}: {reason}")
        if failed:
            many = f"{len(failed)} contracts were" if len(failed) > 1 else "1 contract was"
            raise CommandError(f"{many} not billed, and marked with the reason; the next run tries again.")

    def _codes(self) -> list[str]:
        return list(LegalEntity.objects.order_by("code").values_list("code", flat=True))


def _said(done: daily.Done) -> str:
    words = [f"{done.issued} invoice{'' if done.issued == 1 else 's'} issued"]
    if done.applied:
        words.append(f"in effect: {', '.join(done.applied)}")
    if done.ended:
        words.append(f"ended: {', '.join(done.ended)}")
    return "; ".join(words)


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise CommandError(f"“{text}” is not a day. Write it as 2026-07-01.") from None
