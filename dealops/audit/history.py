"""Row history: the tables whose former rows the database itself keeps, also of bulk updates and of SQL typed by hand (django-pghistory).

A row here is what a row elsewhere was before it was changed or removed, or what it was when it was added. What it became is the row kept
after it, or the row as it is now: nothing is stored twice, and rows that were there before any history have one from their first change.
Tables that refuse every change (documents, their lines, decisions, versions) need none.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pghistory
import pghistory.models
import pgtrigger
from django.db import models

# How a history came about, as `pgh_label` says it.
ADDED, CHANGED, REMOVED = "insert", "update", "delete"


class SessionUser(models.Func):
    """The database user of the session, for a column's default."""

    template = "SESSION_USER"
    output_field = models.CharField()


class FormerRow(pghistory.models.Event):
    """What every history has: when, how, on whose behalf. Append-only; `id` and further columns are those of the row it speaks of.

    `pgh_context` is what dealops told the database of the work at hand (`history_context`); empty for whoever came around dealops.
    """

    pgh_id = models.BigAutoField(primary_key=True)
    pgh_created_at = models.DateTimeField("at", auto_now_add=True)
    pgh_label = models.CharField("what", max_length=10, choices=[(ADDED, "added"), (CHANGED, "changed"), (REMOVED, "removed")])
    pgh_database_user = models.CharField("database user", max_length=63, db_default=SessionUser(), editable=False)

    objects = models.Manager()
    pgh_words = ""

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return f"{self.pgh_words} {self.id}: {self.get_pgh_label_display()}"


# Every history there is, in the order in which models say that they have one.
KEPT: list[type[FormerRow]] = []


def keep(
    model: type[models.Model],
    *,
    added: bool = False,
    many: bool = False,
    only: Sequence[str] | None = None,
    without: Sequence[str] = (),
    name: str = "",
    app: str = "",
    words: str = "",
) -> type[FormerRow]:
    """From now on the former rows of `model` are kept, in a model `<name>History` of its own app or of `app`.

    `added` also notes new rows, for tables where a row gives somebody rights or decides amounts. `many` writes once per statement instead
    of once per row, for tables that a bill run updates by the thousand. `only` and `without` choose columns: no secret, nothing bulky.
    `words` is what people call such a row.
    """
    name = f"{name or model.__name__}History"
    short = name.lower()
    trackers: list[Any] = [
        pghistory.UpdateEvent(row=pghistory.Old, trigger_name="history_of_changed"),
        pghistory.DeleteEvent(trigger_name="history_of_removed"),
    ]
    if added:
        trackers.append(pghistory.InsertEvent(trigger_name="history_of_added"))
    kept: Any = pghistory.create_event_model(
        model,
        *trackers,
        fields=list(only) if only else None,
        exclude=list(without),
        obj_field=None,
        context_field=pghistory.ContextJSONField(),
        context_id_field=None,
        append_only=True,
        model_name=name,
        app_label=app or model._meta.app_label,
        base_model=FormerRow,
        abstract=False,
        level=pgtrigger.Statement if many else pgtrigger.Row,
        attrs={"pgh_words": words or str(model._meta.verbose_name)},
        meta={
            "verbose_name": f"former {model._meta.verbose_name}",
            "verbose_name_plural": f"former {model._meta.verbose_name_plural}",
            "indexes": [
                models.Index(fields=["id", "pgh_id"], name=f"{short}_row"),
                models.Index(fields=["pgh_created_at"], name=f"{short}_at"),
            ],
        },
    )
    KEPT.append(kept)
    return kept  # type: ignore[no-any-return]


def columns(kept: type[FormerRow]) -> list[Any]:
    """The columns of the row a history speaks of, without its key."""
    return [field for field in kept._meta.concrete_fields if not field.name.startswith("pgh_") and field.name != "id"]
