"""Django's `migrate`, polite to the people who are at work meanwhile (F104).

A statement that waits for a table makes everybody behind it wait too. So it waits two seconds, lets the others through and tries again;
once it has the table it may take the time it needs. A migration that gave up has written nothing: each is one transaction.
"""

from __future__ import annotations

import time
from typing import Any

from django.core.management.base import CommandError
from django.core.management.commands import migrate
from django.db import OperationalError, connections

from dealops.database import is_locked

# Waits before the next tries, in seconds.
PAUSES = (1, 2, 4, 8, 16, 30)


class Command(migrate.Command):
    """`migrate` with a short wait for locks. Raises CommandError when a table stays in use to the last try."""

    def handle(self, *args: Any, **options: Any) -> None:
        connection = connections[options["database"]]
        for pause in (*PAUSES, None):
            with connection.cursor() as cursor:
                cursor.execute("SET lock_timeout = '2s'; SET statement_timeout = 0; SET idle_in_transaction_session_timeout = 0")
            try:
                super().handle(*args, **options)
                return
            except OperationalError as error:
                if not is_locked(error):
                    raise
                if pause is None:
                    raise CommandError(
                        "A table that has to be changed is in use all the time; nothing of this migration was written. "
                        "Run it again when it is quieter, or end what holds the table (pg_stat_activity)."
                    ) from error
                self.stdout.write(f"\nA table is in use; the next try is in {pause} s. Nobody else has to wait for that.")
                self.stdout.flush()
                time.sleep(pause)
            finally:
                self._as_before(connection)

    @staticmethod
    def _as_before(connection: Any) -> None:
        if connection.connection is not None and not connection.needs_rollback and connection.is_usable():
            with connection.cursor() as cursor:
                cursor.execute("RESET lock_timeout; RESET statement_timeout; RESET idle_in_transaction_session_timeout")
