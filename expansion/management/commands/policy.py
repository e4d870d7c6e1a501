"""Print the policy as Markdown: `manage.py policy`. For auditors; it is the table the tests run, kept in docs/policy.md."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.core.management.base import BaseCommand

from dealops.accounts.models import Role
from expansion.domain.workflow import LABELS
from expansion.matrix import ACTS, ADMIN_EDITED, ANYBODY, DOORS, Relation, cells

INTRODUCTION = """# Who may do what

Made by `manage.py policy > docs/policy.md` from `expansion/matrix.py`; `tests/policy/test_page.py` fails when it is not current.
The table decides nothing: `expansion/rules.py` and `billing/rules.py` do, and `tests/policy` tries every line as every role, for rows of
one's own teams and of others, over pages, API and admin. An address, API action or admin page that no line names fails the tests.

Refusals have a code: `not_found` (outside one's teams: 404), `not_allowed` (the role or the person may not: 403), `wrong_state` (nobody may
now: 409), `token_cannot_decide` (403), and whoever is not signed in is asked to (or 401). Where an address that writes is open to more
roles than may act, the line says why.
"""


def page() -> str:
    """The whole table."""
    return "\n".join([INTRODUCTION, *_addresses(), *_admin(), *_acts()]) + "\n"


class Command(BaseCommand):
    help = "Prints who may open which address, and who may do what to a change in which state."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(page(), ending="")


def _addresses() -> Iterator[str]:
    yield from ("## Addresses", "", f"| address | methods | row | {' | '.join(role.label for role in Role)} | why so wide |")
    yield f"|{'---|' * (4 + len(Role))}"
    for name, door in DOORS.items():
        marks = ["yes" if door.who is ANYBODY or role in door.who else "no" for role in Role]
        yield f"| {name} | {door.methods} | {door.row} | {' | '.join(marks)} | {door.why} |"


def _admin() -> Iterator[str]:
    yield from (
        "",
        "## Admin",
        "",
        "RevOps and Auditor read the rows of their teams; nothing is deleted; nobody else gets in. Edited by:",
        "",
    )
    for label, who in sorted(ADMIN_EDITED.items()):
        yield f"- {label}: {', '.join(sorted(Role(role).label for role in who))}"


def _acts() -> Iterator[str]:
    yield from ("", "## Changes", "", "In every other state: `wrong_state`. From outside one's teams nothing is there: `not_found`.", "")
    yield from ("| act | in | the maker | others |", "|---|---|---|---|")
    for act, rule in ACTS.items():
        states = ", ".join(sorted(LABELS[state] for state in rule.states))
        allowed = {cell.role.label for cell in cells() if cell.act == act and cell.relation == Relation.COLLEAGUE and cell.refusal is None}
        yield f"| {act} | {states} | {'yes' if rule.maker else 'never'} | {', '.join(sorted(allowed))} |"
