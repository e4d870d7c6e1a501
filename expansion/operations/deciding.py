"""Approve or reject what was submitted: within a limit, in one's own name or another's, alone or as one of several (M17, M18, M25)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import transaction

from billing.clock import business_date
from billing.domain.money import worded
from billing.domain.refusal import Refusal
from billing.models import Contract
from dealops.accounts.models import User
from dealops.audit import context
from expansion import rules
from expansion.domain import workflow
from expansion.domain.approval import Agreement, Limit, outstanding
from expansion.models import Change, Decision
from expansion.operations import boards, execution, gate, handoffs, notices
from expansion.operations.locking import lock_change
from expansion.operations.story import tell
from expansion.queries.approval_rules import asked_for_lately
from expansion.queries.standing import Authority, authorities_of

SHORTEST_REASON = 5


def approve(*, change_id: int, version: int, shown_hash: str, by: User, now: datetime, finance_updates: bool = False) -> Change:
    """Agree to exactly what was shown. The whole gate runs again under the lock (F01, F07, F08, F84, F85).

    When nobody else has to agree it takes effect; else this is the first of several agreements, the change stays submitted and
    `waits_for` says whose is missing. With `finance_updates` the next invoice is left to Finance, who changes it in accounting; the
    hand-off stays open until accounting was read and is right (S0-19).

    Raises NotAllowed, Stale (already_decided, edited_meanwhile, contract_moved, amounts_moved), Refusal (question_open), WrongState.
    """
    with transaction.atomic():
        change, contract = lock_change(change_id)
        gate.refuse_decided(change)
        authority = _authority(change, contract, by, now)
        gate.same_version(change, version)
        _refuse_open_question(change)
        seen = gate.regate(change, contract, shown_hash, now)
        rolling = asked_for_lately(change, now=now)
        missing = _missing(change, authority, rolling)
        _decide(change, Decision.Kind.APPROVE, by=by, now=now, authority=authority, rolling=rolling, is_final=not missing)
        if missing:
            return _wait_for_others(change, contract, missing, _Said(by, authority), rolling, now)
        change.finance_updates = finance_updates and handoffs.is_handed_over(change)
        change.waits_for, change.agreed = [], [*change.agreed, by.person]
        change.state = workflow.after("approve", change.state).value
        change.save(update_fields=["state", "finance_updates", "waits_for", "agreed"])
        sentence = f"{_Said(by, authority)} approved {change.number}: {execution.summary(change)}."
        tell(change, contract, "change.approved", sentence, by=by, now=now, **_how(authority, rolling))
        execution.start(change, contract, seen, by=by, now=now)
        notices.decided(change, contract, decision="approved", by=by, now=now)
        return change


def reject(*, change_id: int, version: int, reason: str, by: User, now: datetime) -> Change:
    """Say no, with a reason; nothing is billed and the deal goes back to where it was. Any amount, alone, whoever agreed before."""
    reason = gate.text(reason, "reason")
    if len(reason) < SHORTEST_REASON:
        raise Refusal("reason_missing", "reason", "Say in a sentence why, so that the maker knows what to change.")
    with transaction.atomic():
        change, contract = lock_change(change_id)
        gate.refuse_decided(change)
        rules.demand(rules.why_not_decide(by, change))
        gate.same_version(change, version)
        own = Authority(by.role, Limit(by.approval_limit, by.approval_currency))
        _decide(change, Decision.Kind.REJECT, by=by, now=now, authority=own, reason=reason)
        change.state = workflow.after("reject", change.state).value
        change.closed_reason = reason
        change.save(update_fields=["state", "closed_reason"])
        tell(change, contract, "change.rejected", f"{by} rejected {change.number}: {reason}", by=by, now=now, reason=reason)
        handoffs.cancel(change, reason="The change was rejected", now=now)
        boards.move_back(change, by=by, now=now)
        notices.decided(change, contract, decision="rejected", by=by, now=now, reason=reason)
        return change


@dataclass(frozen=True, slots=True)
class _Said:
    """`Fiona Reid`, or `Fiona Reid for George Hall`."""

    by: User
    authority: Authority

    def __str__(self) -> str:
        return f"{self.by} for {self.authority.giver}" if self.authority.giver else str(self.by)


def _authority(change: Change, contract: Contract, by: User, now: datetime) -> Authority:
    on = business_date(contract.legal_entity.time_zone, now)
    # Read anew: the role or the limit may be gone since the page was opened (F85).
    by.refresh_from_db(fields=["role", "is_active", "is_superuser", "approval_limit", "approval_currency", "person"])
    found = rules.authority_for(by, change, authorities_of(by, on=on))
    if isinstance(found, str):
        rules.demand(found)
        raise AssertionError("unreachable")
    return found


def _missing(change: Change, authority: Authority, rolling: Decimal) -> tuple[str, ...]:
    """Whose agreement is still missing with this one given."""
    before = change.decisions.filter(change_version=change.version, kind=Decision.Kind.APPROVE).order_by("pk")
    given = [Agreement(one.role, Limit(one.limit, one.limit_currency)) for one in before]
    given.append(Agreement(authority.role, authority.limit))
    return outstanding(change.approval.get("approvers", {}), given, rolling=rolling, currency=change.currency)


def _wait_for_others(change: Change, contract: Contract, missing: tuple[str, ...], said: _Said, rolling: Decimal, now: datetime) -> Change:
    """The first of several: recorded, and the others are asked."""
    change.waits_for = list(missing)
    change.agreed = [*change.agreed, said.by.person, *([said.authority.person] if said.authority.person else [])]
    change.save(update_fields=["waits_for", "agreed"])
    why = f"{said} agreed to {change.number}. Another person has to agree as well{_because(change, rolling)}."
    tell(change, contract, "change.agreed", why, by=said.by, now=now, waits_for=change.waits_for, **_how(said.authority, rolling))
    notices.second_needed(change, contract, why=why, now=now)
    return change


def _because(change: Change, rolling: Decimal) -> str:
    if any(count > 1 for count in change.approval.get("approvers", {}).values()) or len(change.approval.get("approvers", {})) > 1:
        return f": {'; '.join(rule['name'] for rule in change.approval['rules'])}"
    return f": in thirty days {change.maker} has handed in {worded(rolling, change.currency)} on this contract, above the limit"


def _how(authority: Authority, rolling: Decimal) -> dict[str, Any]:
    limit = authority.limit.amount
    words = {"limit": str(limit) if limit is not None else "", "asked_for_in_thirty_days": str(rolling)}
    return words | ({"acting_for": str(authority.giver)} if authority.giver else {})


def _refuse_open_question(change: Change) -> None:
    question = change.questions.filter(answered_at__isnull=True).first()
    if question:
        words = f"{question.by} asked something that {change.maker} has not answered yet. Wait for the answer, or reject."
        raise Refusal("question_open", "question", words)


def _decide(
    change: Change,
    kind: str,
    *,
    by: User,
    now: datetime,
    authority: Authority,
    rolling: Decimal | None = None,
    is_final: bool = True,
    reason: str = "",
) -> None:
    Decision.objects.create(
        change=change,
        change_version=change.version,
        kind=kind,
        is_final=is_final,
        by=by,
        by_person=by.person,
        acting_for=authority.giver,
        for_person=authority.person,
        role=by.role,
        limit=authority.limit.amount,
        limit_currency=authority.limit.currency,
        rolling=rolling,
        maker_person=change.maker_person,
        content_hash=change.content_hash,
        reason=reason,
        via=context.current().via,
        at=now,
    )
