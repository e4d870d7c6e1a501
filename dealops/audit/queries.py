"""Reads of the business log."""

from __future__ import annotations

from collections.abc import Iterator

from django.db.models import QuerySet

from dealops.audit.models import Chain, Entry
from dealops.audit.operations import entry_hash


def timeline(*subjects: str) -> QuerySet[Entry]:
    """Entries that belong to any of the subjects (`deal:DL-1042`), newest first."""
    return Entry.objects.filter(subjects__overlap=list(subjects)).select_related("actor").order_by("-at", "-id")


def broken_entries(chain: Chain, *, after: int = 0, upto: int | None = None) -> Iterator[tuple[int, str]]:
    """(sequence, what is wrong) for every entry whose place or hash does not hold (F98).

    `after` and `upto` are sequences that bound what is read; without `upto` the end of the chain is checked as well.
    """
    before = chain.entries.filter(sequence=after).values_list("hash", flat=True).first() if after else ""
    previous_hash, expected = before or "", after + 1
    rows = chain.entries.filter(sequence__gt=after).order_by("sequence")
    rows = rows if upto is None else rows.filter(sequence__lte=upto)
    for entry in rows.iterator(chunk_size=2000):
        if entry.sequence != expected:
            yield expected, f"entries {expected} to {entry.sequence - 1} are missing"
        if entry.previous_hash != previous_hash:
            yield entry.sequence, "does not follow the entry before it"
        elif entry_hash(entry) != entry.hash:
            yield entry.sequence, "was altered after it was written"
        previous_hash, expected = entry.hash, entry.sequence + 1
    if upto is not None:
        return
    if expected - 1 != chain.last_sequence or previous_hash != chain.last_hash:
        yield chain.last_sequence, "the newest entries were removed"
