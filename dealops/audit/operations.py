"""The one way an entry is written: in the transaction of the change it speaks of."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from django.db import transaction

from dealops.accounts.models import User
from dealops.audit import context
from dealops.audit.models import Chain, Entry


def record(
    *,
    action: str,
    sentence: str,
    subjects: Sequence[str],
    at: datetime,
    by: User | None = None,
    chain: str = "main",
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
    reason: str = "",
) -> Entry:
    """Append one entry to `chain`. Must run inside the caller's transaction; values are plain JSON (amounts as strings)."""
    head = hold(chain)
    door = context.current()
    entry = Entry(
        chain=head,
        sequence=head.last_sequence + 1,
        at=at,
        actor=by,
        actor_name=by.name if by else "dealops",
        via=door.via,
        request_id=door.request_id,
        action=action,
        sentence=sentence,
        subjects=list(dict.fromkeys(subjects)),
        before=dict(before or {}),
        after=dict(after or {}),
        reason=reason,
        previous_hash=head.last_hash,
    )
    entry.hash = entry_hash(entry)
    entry.save(force_insert=True)
    head.last_sequence, head.last_hash = entry.sequence, entry.hash
    head.save(update_fields=["last_sequence", "last_hash"])
    return entry


def hold(chain: str) -> Chain:
    """The head of a chain, locked to the end of the transaction. Whoever takes a lock that others take after recording, holds it first."""
    if not transaction.get_connection().in_atomic_block:
        raise RuntimeError("An audit entry belongs to the transaction of the change it records.")
    heads = Chain.objects.select_for_update()
    try:
        return heads.get(name=chain)
    except Chain.DoesNotExist:
        Chain.objects.get_or_create(name=chain)
        return heads.get(name=chain)


def entry_hash(entry: Entry) -> str:
    """SHA-256 over the previous hash and the canonical row (M27)."""
    text = json.dumps(entry_facts(entry), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(f"{entry.previous_hash}\n{text}".encode()).hexdigest()


def entry_facts(entry: Entry) -> dict[str, Any]:
    """The row as plain JSON, without its hashes."""
    return {
        "chain": entry.chain.name,
        "sequence": entry.sequence,
        "at": entry.at.astimezone(UTC).isoformat(timespec="microseconds"),
        "actor": entry.actor_id,
        "actor_name": entry.actor_name,
        "via": entry.via,
        "request_id": entry.request_id,
        "action": entry.action,
        "sentence": entry.sentence,
        "subjects": entry.subjects,
        "before": entry.before,
        "after": entry.after,
        "reason": entry.reason,
    }
