"""The triggers that keep documents, decisions and the log as they were written are in place and switched on (M03, M04, M19)."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from django.apps import apps

from billing.queries.invariants.finding import rows

Found = Iterator[tuple[str, str]]


def documents_are_immutable() -> Found:
    """M03: whatever is issued or decided stays as it is."""
    return _missing(lambda name: not name.startswith("never_deleted") and name != "legal_moves")


def nothing_is_deleted() -> Found:
    """M04: documents, decisions, submitted changes and the log are never deleted."""
    return _missing(lambda name: name.startswith("never_deleted"))


def moves_are_legal() -> Found:
    """M19: the database itself refuses a move between states that is not in the table of moves."""
    return _missing(lambda name: name == "legal_moves")


def _missing(wanted: Callable[[str], bool]) -> Found:
    on = {(table, name) for table, name in rows("SELECT tgrelid::regclass::text, tgname FROM pg_trigger WHERE tgenabled IN ('O', 'A')")}
    for model in apps.get_models():
        for trigger in getattr(model._meta, "triggers", []):
            if wanted(trigger.name) and (model._meta.db_table, trigger.get_pgid(model)) not in on:
                yield f"table:{model._meta.db_table}", f"the trigger {trigger.name} is missing or switched off"
