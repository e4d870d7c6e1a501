"""What was computed, written onto a change: the frozen impact with everything that is read from it (M18, M24)."""

from __future__ import annotations

from expansion.domain.approval import Verdict
from expansion.models import Change
from expansion.queries.preview import Preview


def roles_asked(verdict: Verdict) -> list[str]:
    """The role of each person who has to agree, once per person."""
    return [role for role, count in verdict.approvers.items() for _ in range(count)]


def fill(change: Change, seen: Preview) -> None:
    """Set the columns that come from a preview; the caller saves."""
    change.base_version = seen.base_version
    change.policy = seen.policies.as_json()
    change.impact = seen.impact.canonical()
    change.content_hash = seen.content_hash
    change.mechanism, change.mechanisms = seen.impact.mechanism, list(seen.impact.mechanisms)
    change.amount_now = seen.impact.signed_net
    change.mrr_delta = seen.impact.mrr_delta
    change.owner, change.owner_rule = seen.policies.owner, seen.policies.rules["owner"]
    change.reverses = seen.reverses
    change.approval = seen.verdict.as_json()
    change.waits_for = roles_asked(seen.verdict)
