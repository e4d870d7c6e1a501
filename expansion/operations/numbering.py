"""Change numbers: CH-2026-0042, one counter a year."""

from __future__ import annotations

from expansion.models import ChangeCounter


def next_change_number(year: int) -> str:
    ChangeCounter.objects.get_or_create(year=year)
    counter = ChangeCounter.objects.select_for_update().get(year=year)
    counter.last += 1
    counter.save(update_fields=["last"])
    return f"CH-{year}-{counter.last:04d}"
