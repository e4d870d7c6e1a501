"""One entry of the log about a change, with everybody and everything it belongs to."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from billing.models import Contract
from dealops.accounts.models import User
from dealops.audit.operations import record
from expansion.models import Change


def tell(
    change: Change,
    contract: Contract,
    action: str,
    sentence: str,
    *,
    now: datetime,
    by: User | None = None,
    reason: str = "",
    **more: Any,
) -> None:
    """Record what happened to a locked change, in the caller's transaction; `more` stands beside its state (plain JSON values)."""
    hashes = {"executed_hash": change.executed_hash} if change.executed_hash else {}
    record(
        action=action,
        sentence=sentence,
        subjects=[change.permalink, change.deal.permalink, contract.permalink, contract.customer.permalink],
        chain=contract.legal_entity.code,
        at=now,
        by=by,
        after={"state": change.state, "version": change.version, "content_hash": change.content_hash, **hashes, **more},
        reason=reason,
    )
