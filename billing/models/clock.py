"""The demo's clock: a business day people can move. Only used when DEMO is on (F112)."""

from __future__ import annotations

from django.db import models


class DemoClock(models.Model):
    """One row: the business day the demo lives in, and the real moment at which it was set."""

    day = models.DateField()
    set_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.day.isoformat()
