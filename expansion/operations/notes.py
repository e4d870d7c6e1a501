"""Notes on a deal: what people want the next one to know."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from billing.domain.refusal import Refusal
from dealops.accounts.models import User
from dealops.audit.models import Entry
from dealops.audit.operations import record
from expansion import rules
from expansion.models import Deal

LONGEST = 2000


def add(*, deal: Deal, words: str, by: User, now: datetime) -> Entry:
    """Put a note on the deal's timeline, where it stays. Raises NotAllowed, Refusal for no words or more than 2,000 characters."""
    words = words.replace("\r\n", "\n").strip()
    rules.demand(rules.why_not_note(by, deal))
    if not words:
        raise Refusal("blank", "words", "Write a word or two; nothing was kept.")
    if len(words) > LONGEST:
        raise Refusal("too_long", "words", f"Keep a note below {LONGEST:,} characters; nothing was kept.")
    with transaction.atomic():
        return record(
            action="deal.noted",
            sentence=f"{by} left a note on {deal.number}.",
            subjects=[deal.permalink],
            chain=deal.contract.legal_entity.code,
            at=now,
            by=by,
            reason=words,
        )
