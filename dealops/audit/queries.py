"""Reads of the business log."""

from __future__ import annotations

from collections.abc import Iterator

from django.db.models import QuerySet

from dealops.audit.models import Chain, Entry
from dealops.audit.operations import entry_hash


def timeline(*subjects: str) -> QuerySet[Entry]:
    """Entries that belong to any of the subjects (`deal:DL-1042`), newest first."""
    return Entry.objects.filter(subjects__overlap=list(subjects)).select_related("actor").order_by("-at", "-id")


def broken_entries(chain: Chain) -> Iterator[tuple[int, str]]:
    """(sequence, what is wrong) for every entry whose place or hash does not hold (F98)."""
    previous_hash, expected = "", 1
    for entry in chain.entries.select_related("chain").order_by("sequence").iterator(chunk_size=2000):
        if entry.sequence != expected:
            yield expected, f"entries {expected} to {entry.sequence - 1} are missing"
        if entry.previous_hash != previous_hash:
            yield entry.sequence, "does not follow the entry before it"
        elif entry_hash(entry) != entry.hash:
            yield entry.sequence, "was altered after it was written"
        previous_hash, expected = entry.hash, entry.sequence + 1
    if expected - 1 != chain.last_sequence or previous_hash != chain.last_hash:
        yield chain.last_sequence, "the newest entries were removed"
