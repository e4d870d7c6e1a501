"""Views people keep: the filters, sort and columns of a list under a name."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q

from dealops.accounts.models import Role


class SavedView(models.Model):
    """A tab of a list. Personal, or for everybody of the owner's role when `team` names it."""

    slug = models.SlugField(max_length=60, unique=True, help_text="/v/<slug> leads to it for ever")
    name = models.CharField(max_length=60)
    listing = models.CharField(max_length=20)
    query = models.CharField(max_length=2000, blank=True, help_text="The query string of the address, without a page or a peeked row")
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="saved_views")
    team = models.CharField(max_length=20, choices=Role.choices, blank=True, help_text="The role that shares it; empty is personal")
    opens = models.BooleanField(default=False, help_text="The list opens with it: for its owner, or for the role that shares it")
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["owner", "listing", "name"], name="saved_view_name"),
            models.UniqueConstraint(fields=["owner", "listing"], condition=Q(opens=True, team=""), name="one_view_opens_for_a_person"),
            models.UniqueConstraint(fields=["team", "listing"], condition=Q(opens=True) & ~Q(team=""), name="one_view_opens_for_a_role"),
        ]
        indexes = [models.Index(fields=["listing", "team"], name="saved_view_tabs")]

    def __str__(self) -> str:
        return self.name
