"""How far the books of a legal entity are closed, and what they came to (M21)."""

from __future__ import annotations

import hashlib
from datetime import date

from billing.models import Closing, Document


def closed_before(entity_id: int) -> date | None:
    """The first day that is still open; None when the books were never closed."""
    return Closing.objects.filter(legal_entity_id=entity_id).order_by("-before").values_list("before", flat=True).first()


def summed_up(entity_id: int, before: date) -> tuple[int, str]:
    """How many documents are dated before a day, and the checksum over them in the order of their numbers."""
    issued = Document.objects.filter(legal_entity_id=entity_id, issue_date__lt=before).order_by("series_id", "sequence")
    digest, count = hashlib.sha256(), 0
    for number, day, kind, net, tax, total in issued.values_list("number", "issue_date", "kind", "net", "tax", "total").iterator():
        digest.update(f"{number}|{day}|{kind}|{net}|{tax}|{total}\n".encode())
        count += 1
    return count, digest.hexdigest()
