"""Print the policy as Markdown: `manage.py policy`. For auditors; it is the table the tests run."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from dealops.accounts.models import Role
from expansion.domain.workflow import LABELS
from expansion.matrix import ACTS, ADMIN_EDITED, ANYBODY, DOORS, Relation, cells


class Command(BaseCommand):
    help = "Prints who may open which address, and who may do what to a change in which state."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        roles = [role.label for role in Role]
        self.stdout.write(f"# Addresses\n\n| address | methods | row | {' | '.join(roles)} |\n|{'---|' * (3 + len(roles))}")
        for name, door in DOORS.items():
            marks = ["yes" if door.who is ANYBODY or role in door.who else "no" for role in Role]
            self.stdout.write(f"| {name} | {door.methods} | {door.row} | {' | '.join(marks)} |")
        self.stdout.write("\n# Admin\n\nRevOps and Auditor read every row. Edited by:\n")
        for label, who in sorted(ADMIN_EDITED.items()):
            self.stdout.write(f"- {label}: {', '.join(sorted(Role(role).label for role in who))}")
        self.stdout.write("\n# Changes\n\nIn every other state: `wrong_state`; from outside one's teams nothing is there (`not_found`).\n")
        self.stdout.write("| act | in | the maker | others |\n|---|---|---|---|")
        for act, rule in ACTS.items():
            states = ", ".join(sorted(LABELS[state] for state in rule.states))
            allowed = sorted(
                {cell.role.label for cell in cells() if cell.act == act and cell.relation == Relation.COLLEAGUE and cell.refusal is None}
            )
            self.stdout.write(f"| {act} | {states} | {'yes' if rule.maker else 'never'} | {', '.join(allowed)} |")
