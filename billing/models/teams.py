"""Teams: who works together, and which part of the business is theirs (F88, F89)."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from billing.models.parties import Customer, LegalEntity, Segment


class Team(models.Model):
    """People and what they look after: whole legal entities, segments, customers by name, or any mixture of the three."""

    code = models.SlugField(max_length=30, unique=True)
    name = models.CharField(max_length=80)
    members = models.ManyToManyField(settings.AUTH_USER_MODEL, blank=True, related_name="teams")
    legal_entities = models.ManyToManyField(LegalEntity, blank=True, related_name="+")
    segments = models.ManyToManyField(Segment, blank=True, related_name="+")
    customers = models.ManyToManyField(Customer, blank=True, related_name="+")

    def __str__(self) -> str:
        return self.name

    @property
    def permalink(self) -> str:
        return f"team:{self.code}"
