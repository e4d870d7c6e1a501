"""Every stored secret under the first of ENCRYPTION_KEYS, so that the others can be dropped."""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.core.management.base import BaseCommand, CommandError
from django.db import connection, models

from dealops.accounts.sealing import EncryptedTextField, Unreadable, resealed


class Command(BaseCommand):
    help = "Encrypt every stored secret again, with the first of ENCRYPTION_KEYS. Safe to repeat; exit status 1 when one cannot be opened."

    def handle(self, *args: Any, **options: Any) -> None:
        done, lost = 0, []
        for model in apps.get_models():
            for field in model._meta.local_fields:
                if isinstance(field, EncryptedTextField) and not model._meta.proxy:
                    moved, unreadable = _reseal(model, field)
                    done += moved
                    lost += unreadable
        self.stdout.write(f"{done} secrets sealed with the first key.")
        if lost:
            raise CommandError("No key opens these; they were left as they are: " + ", ".join(lost))


def _reseal(model: type[models.Model], field: models.Field[Any, Any]) -> tuple[int, list[str]]:
    """Rows one by one, each compared before it is replaced: somebody may be writing a new secret meanwhile."""
    name = connection.ops.quote_name
    table, column, key = name(model._meta.db_table), name(field.column), name(model._meta.pk.column)
    done, lost = 0, []
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {key}, {column} FROM {table} WHERE {column} <> ''")  # noqa: S608  names of our own columns
        for pk, sealed in cursor.fetchall():
            try:
                anew = resealed(sealed)
            except Unreadable:
                lost.append(f"{model._meta.label} {pk}")
                continue
            cursor.execute(f"UPDATE {table} SET {column} = %s WHERE {key} = %s AND {column} = %s", [anew, pk, sealed])  # noqa: S608
            done += cursor.rowcount
    return done, lost
