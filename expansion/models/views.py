"""Views people keep: the filters, sort and columns of a list under a name."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from dealops.accounts.models import Role


class SavedView(models.Model):
    """A tab of a list. Personal, or for everybody of the owner's role when `team` names it."""

    slug = models.SlugField(max_length=60, unique=True, help_text="/v/<slug> leads to it for ever")
    name = models.CharField(max_length=60)
    listing = models.CharField(max_length=20)
    query = models.CharField(max_length=2000, blank=True, help_text="The query string of the address, without a page or a peeked row")
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="saved_views")
    team = models.CharField(max_length=20, choices=Role.choices, blank=True, help_text="The role that shares it; empty is personal")
    created_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["owner", "listing", "name"], name="saved_view_name")]
        indexes = [models.Index(fields=["listing", "team"], name="saved_view_tabs")]

    def __str__(self) -> str:
        return self.name
