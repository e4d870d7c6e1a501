"""A file somebody wants to read in. Nothing of it is a deal before its rows were previewed and confirmed."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from expansion.models.bulk import BulkJob


class ImportFile(models.Model):
    """One uploaded file of rows, how its columns are read, and the job its preview became."""

    name = models.CharField(max_length=200)
    text = models.TextField(help_text="The file as it was, decoded")
    columns = models.JSONField(help_text="The heads of its columns, in order")
    mapping = models.JSONField(default=dict, blank=True, help_text="field -> head of a column")
    choices = models.JSONField(default=dict, blank=True, help_text="Legal entity, product and term for what the file does not say")
    count = models.PositiveIntegerField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField()
    job = models.OneToOneField(BulkJob, null=True, blank=True, on_delete=models.SET_NULL, related_name="file")

    def __str__(self) -> str:
        return self.name
