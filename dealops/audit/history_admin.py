"""Every history in the admin, to read: rows, columns, on whose behalf. What changed into what is easier to read on /audit/rows."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin

from dealops.audit.admin_classes import ReadOnlyAdmin
from dealops.audit.history import KEPT, FormerRow, columns


class FormerRowAdmin(ReadOnlyAdmin):
    """One history. `fields` are those of the table it speaks of, behind when, how and for whom."""

    list_display: ClassVar = ["pgh_created_at", "pgh_label", "id", "on_behalf", "pgh_database_user"]
    list_filter: ClassVar = ["pgh_label"]
    ordering: ClassVar = ["-pgh_id"]
    fields: Any = ()

    @admin.display(description="on behalf of")
    def on_behalf(self, row: Any) -> str:
        return told(row)


def told(row: Any) -> str:
    """What dealops told the database, in a few words; or that nobody did."""
    if row.pgh_context is None:
        return "outside the product"
    by = row.pgh_context.get("by")
    return f"{row.pgh_context.get('via', '')} {f'user {by}' if by else 'dealops'}".strip()


def page_of(kept: type[FormerRow]) -> type[FormerRowAdmin]:
    """The admin page of one history: its own columns behind those every history has."""
    names = ("pgh_created_at", "pgh_label", "pgh_database_user", "pgh_context", "id", *(field.name for field in columns(kept)))
    return type(f"{kept.__name__}Admin", (FormerRowAdmin,), {"fields": names})


for kept in KEPT:
    admin.site.register(kept, page_of(kept))
