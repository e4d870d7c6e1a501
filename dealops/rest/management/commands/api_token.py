"""An API token from the shell, for a first program before anybody has signed in."""

from __future__ import annotations

from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from dealops.accounts.models import ApiToken, User
from dealops.rest.tokens import TokenRefused, issue


class Command(BaseCommand):
    help = "Make an API token for a person and print it once. It reads unless --write is given, and never decides."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("email", help="Whose token it is.")
        parser.add_argument("--name", required=True, help="Which program uses it.")
        parser.add_argument("--write", action="store_true", help="It also writes.")
        parser.add_argument("--days", type=int, default=90, help="How long it works; 90 days unless given.")
        parser.add_argument("--kinds", nargs="*", default=[], help="Only these kinds of resource, e.g. changes documents.")

    def handle(self, *args: Any, **options: Any) -> None:
        user = User.objects.filter(email__iexact=options["email"], is_active=True).first()
        if user is None:
            raise CommandError(f"There is no active person with the e-mail {options['email']}.")
        access = ApiToken.Access.WRITE if options["write"] else ApiToken.Access.READ
        now = timezone.now()
        try:
            _, token = issue(
                user=user,
                name=options["name"],
                access=access,
                kinds=options["kinds"],
                expires_at=now + timedelta(days=options["days"]),
                at=now,
            )
        except TokenRefused as refused:
            raise CommandError(refused.message) from None
        self.stdout.write(token)
