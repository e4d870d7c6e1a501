"""The views a person sees as tabs of a list."""

from __future__ import annotations

from django.db.models import Q, QuerySet

from dealops.accounts.models import Role, User
from expansion.models import SavedView
from expansion.scope import visible


def visible_to(user: User) -> QuerySet[SavedView]:
    """Their own, and those shared with their role by RevOps or by somebody of their teams. A view is a question; its rows are scoped."""
    views = SavedView.objects.filter(Q(owner=user) | Q(team=user.role)).select_related("owner")
    return views.filter(Q(pk__in=visible(user, views).values("pk")) | Q(owner__role=Role.REVOPS))


def tabs_of(listing: str, user: User) -> list[SavedView]:
    """In the order of their names, own ones first. One query."""
    return sorted(visible_to(user).filter(listing=listing), key=lambda view: (view.owner_id != user.pk, view.name.lower()))[:40]
