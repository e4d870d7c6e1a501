"""Close the books of a legal entity for the days before a date, in the name of somebody in Finance."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from billing.clock import now
from billing.domain.refusal import Refusal
from billing.models import LegalEntity
from billing.operations.closing import close_books
from dealops.accounts.models import User
from dealops.audit import context


class Command(BaseCommand):
    help = "Close the books of a legal entity: no document is dated before the day any more. Changes that reach back need Finance."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--entity", required=True, help="the code of the legal entity")
        parser.add_argument("--before", required=True, help="the first day that stays open, e.g. 2026-06-01")
        parser.add_argument("--by", required=True, help="the e-mail address of the person in Finance who closes them")

    def handle(self, *, entity: str, before: str, by: str, **options: Any) -> None:
        try:
            seller, person = LegalEntity.objects.get(code=entity), User.objects.get(email__iexact=by)
            with context.through("command", by=person.pk):
                closing = close_books(entity=seller, before=date.fromisoformat(before), by=person, at=now())
        except LegalEntity.DoesNotExist:
            known = ", ".join(LegalEntity.objects.order_by("code").values_list("code", flat=True))
            raise CommandError(f"There is no legal entity “{entity}”. Name one of: {known}.") from None
        except User.DoesNotExist:
            raise CommandError(f"Nobody here has the e-mail address {by}.") from None
        except Refusal as refusal:
            raise CommandError(refusal.message) from None
        except ValueError:
            raise CommandError(f"“{before}” is not a day. Write it as 2026-06-01.") from None
        sums = f"{closing.documents} documents, checksum {closing.checksum}"
        self.stdout.write(f"The books of {seller.name} are closed before {closing.before}: {sums}.")
