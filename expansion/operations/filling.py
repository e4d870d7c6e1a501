"""What was computed, written onto a change: the frozen impact with everything that is read from it (M18, M24)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from expansion.domain.approval import Verdict
from expansion.domain.workflow import State
from expansion.models import Change
from expansion.operations.numbering import next_change_number
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


def successor(change: Change, seen: Preview, *, state: State, now: datetime, **own: Any) -> Change:
    """A new change, saved, that carries on what somebody made and agreed to as `change`; `own` are the columns it does not take from there.

    A scheduled one goes on under the same agreement: it keeps when that was handed in, and who owns the future invoice by it.
    """
    following = Change(
        number=next_change_number(now.year),
        deal=change.deal,
        state=state.value,
        goal=change.goal,
        currency=change.currency,
        maker=change.maker,
        maker_person=change.maker_person,
        hands=change.hands,
        created_at=now,
        carries_on=change,
        **own,
    )
    fill(following, seen)
    if state == State.SCHEDULED:
        following.submitted_at, following.owner, following.owner_rule = change.submitted_at, change.owner, change.owner_rule
        following.finance_updates = change.finance_updates
    following.save(force_insert=True)
    return following
