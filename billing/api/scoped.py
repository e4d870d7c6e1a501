"""Resources that show a person what belongs to their teams, and answer 404 for the rest (F88)."""

from __future__ import annotations

from typing import Any

from django.db.models import Manager, QuerySet
from rest_framework.viewsets import GenericViewSet

from billing import rules


class Scoped(GenericViewSet):
    """Narrows `queryset` to the caller's scope. A view that builds its own rows starts from `self.visible(...)`."""

    def get_queryset(self) -> QuerySet[Any]:
        return self.visible(super().get_queryset())

    def visible(self, rows: QuerySet[Any] | Manager[Any]) -> QuerySet[Any]:
        """Of `rows`, those the caller sees. Building the schema has no caller, and no rows."""
        found = rows.all()
        if getattr(self, "swagger_fake_view", False):
            return found
        return self.narrowed(found)

    def narrowed(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        """The rule of this floor."""
        return rules.visible(self.request.user, rows)
