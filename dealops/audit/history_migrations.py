"""Many triggers in one step of a migration. A step of its own for each would make every new database wait seconds longer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState
from pgtrigger.compiler import Trigger


class AddTriggers(Operation):
    """Adds (model name, trigger) pairs. A later migration takes them out by name, like any other trigger."""

    reduces_to_sql = True
    reversible = True

    def __init__(self, triggers: Sequence[tuple[str, Trigger]]) -> None:
        self.triggers = triggers

    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        for name, trigger in self.triggers:
            # Tables between two models are made by Django and stand in no migration.
            if (app_label, name) in state.models:
                options = state.models[app_label, name].options
                options["triggers"] = [*options.get("triggers", []), trigger]

    def database_forwards(self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: Any, to_state: Any) -> None:
        for _, trigger in self.triggers:
            schema_editor.execute(str(trigger.install_sql), params=None)

    def database_backwards(self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: Any, to_state: Any) -> None:
        for _, trigger in self.triggers:
            schema_editor.execute(str(trigger.uninstall_sql), params=None)

    def describe(self) -> str:
        return f"Create {len(self.triggers)} triggers"
