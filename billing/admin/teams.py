"""Teams: RevOps says who is in which, and what each covers. Every change of that is in the log."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin
from django.http import HttpRequest
from django.utils import timezone

from billing.models import Team
from dealops.audit.admin_classes import AuditedAdmin
from dealops.audit.operations import record

COVERS = ("members", "legal_entities", "segments", "customers")


@admin.register(Team)
class TeamAdmin(AuditedAdmin):
    """With the first team, whoever of Sales and Customer Success is in none sees no deals any more (billing/rules.py)."""

    list_display: ClassVar = ["name", "code"]
    search_fields: ClassVar = ["name", "code"]
    ordering: ClassVar = ["name"]
    fields: ClassVar = ["code", "name", *COVERS]
    filter_horizontal: ClassVar = list(COVERS)
    fixed = ("code",)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Members and coverage are saved after the row; they get an entry of their own when they moved."""
        before = _covered(form.instance)
        super().save_related(request, form, formsets, change)
        after = _covered(form.instance)
        moved = [name for name in COVERS if before[name] != after[name]]
        if moved:
            record(
                action="team.covers",
                sentence=f"{request.user} changed whom {form.instance} is and what it sees: {', '.join(moved).replace('_', ' ')}.",
                subjects=[form.instance.permalink],
                at=timezone.now(),
                by=request.user,
                before={name: before[name] for name in moved},
                after={name: after[name] for name in moved},
            )


def _covered(team: Team) -> dict[str, list[str]]:
    return {name: sorted(str(row) for row in getattr(team, name).all()) for name in COVERS}
