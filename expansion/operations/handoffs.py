"""The task given to Finance with the exact from -> to of the future invoice, and its two ends (S0-19, S0-21).

Either dealops replaces the template, or Finance changes it in accounting and says so; then accounting is read and compared. Nothing but
that comparison closes the task.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import transaction

from billing.clock import business_date
from billing.domain.refusal import Refusal
from billing.models import Contract, FutureInvoice, Owner
from billing.operations import contracts
from billing.operations.postings import note_template_found, queue_template
from dealops.accounts.models import Role, User
from dealops.audit.operations import record
from dealops.outbox.operations import enqueue
from expansion import rules
from expansion.domain.sla import DAYS_BEFORE_BILLING
from expansion.models import OPEN_HANDOFF, Change, Handoff
from expansion.operations import notices
from expansion.queries.preview import Preview
from expansion.queries.working_days import working_days_before

CHECK_TOPIC = "handoff.check"
CONFIRM_TOPIC = "change.confirm"


def confirm_after_postings(change: Change, contract: Contract) -> None:
    """Delivered after the postings of the same contract, because one subject keeps its order."""
    enqueue(topic=CONFIRM_TOPIC, identity=change.number, subject=contract.permalink, payload={"change": change.number})


def open_for(change: Change, seen: Preview, contract: Contract, *, now: datetime) -> Handoff:
    """Give Finance the task; due three working days before the next bill date, never before today."""
    after = seen.impact.next_after
    bill_date = after.date if after else contract.end
    today = business_date(contract.legal_entity.time_zone, now)
    return Handoff.objects.create(
        change=change,
        title=f"Update the next invoice of {contract.customer.name}"[:200],
        context={"contract": contract.number, "bill_date": bill_date.isoformat()},
        team=Role.FINANCE,
        bill_date=bill_date,
        due_on=max(today, working_days_before(bill_date, DAYS_BEFORE_BILLING, contract.legal_entity.country)),
        created_at=now,
    )


def is_handed_over(change: Change) -> bool:
    """Whether the future invoice of this change is Finance's to update."""
    return change.owner == Owner.FINANCE and change.handoffs.filter(state__in=OPEN_HANDOFF).exists()


def acknowledge(*, handoff_id: int, by: User, now: datetime) -> Handoff:
    """Somebody of the team has seen it and takes it; whoever was first keeps it. Raises NotAllowed, or Refusal for a closed one."""
    with transaction.atomic():
        handoff = Handoff.objects.select_for_update(of=("self",)).select_related("change__deal__contract__legal_entity").get(pk=handoff_id)
        rules.demand(rules.why_not_acknowledge(by, handoff))
        if handoff.state in {Handoff.State.ACKNOWLEDGED, Handoff.State.CHECKING}:
            return handoff
        if handoff.state != Handoff.State.OPEN:
            words = f"This hand-off is {handoff.get_state_display().lower()}; there is nothing left to take."
            raise Refusal("handoff_closed", "state", words)
        _take(handoff, by, now)
        _tell(handoff, "handoff.acknowledged", f"{by} took the hand-off “{handoff.title}”.", by=by, now=now)
        return handoff


def apply_from_here(*, handoff_id: int, by: User, now: datetime) -> Handoff:
    """Have dealops replace the template after all; the task closes when accounting was read back. A second time changes nothing.

    Raises NotAllowed.
    """
    with transaction.atomic():
        handoff, contract = _lock(handoff_id)
        rules.demand(rules.why_not_update(by, handoff))
        change = handoff.change
        if not change.finance_updates:
            return handoff
        change.finance_updates = False
        change.save(update_fields=["finance_updates"])
        if handoff.state != Handoff.State.ACKNOWLEDGED:
            _take(handoff, by, now)
        current = FutureInvoice.objects.select_related("current__posting").get(contract=contract).current
        # Somebody else's change may have brought this version to accounting meanwhile.
        if current is not None and getattr(current, "posting", None) is None:
            current.future_invoice.contract = contract
            queue_template(current)
        confirm_after_postings(change, contract)
        _tell(handoff, "handoff.applied", f"{by} had dealops update the next invoice of {contract.number}.", by=by, now=now)
        return handoff


def updated_in_accounting(*, handoff_id: int, by: User, now: datetime) -> Handoff:
    """Somebody says that they changed the template in accounting; it is read and compared before anything closes.

    May be said again while a check is under way or has found differences. Raises NotAllowed, Refusal (being_applied).
    """
    with transaction.atomic():
        handoff, contract = _lock(handoff_id)
        rules.demand(rules.why_not_update(by, handoff))
        if not handoff.change.finance_updates:
            words = "dealops is replacing this template itself, so there is nothing to do in accounting. It closes when that is verified."
            raise Refusal("being_applied", "state", words)
        if handoff.acknowledged_by is None:
            _take(handoff, by, now)
        handoff.state, handoff.updated_by, handoff.checks = Handoff.State.CHECKING, by, handoff.checks + 1
        handoff.save(update_fields=["state", "updated_by", "checks"])
        identity = f"{handoff.pk}|{handoff.checks}"
        enqueue(
            topic=CHECK_TOPIC, identity=identity, subject=f"handoff:{identity}", payload={"handoff": handoff.pk, "check": handoff.checks}
        )
        _tell(handoff, "handoff.updated", f"{by} updated {contract.number} in accounting; dealops is reading it back.", by=by, now=now)
        return handoff


def checked(
    *, handoff_id: int, check: int, differences: list[dict[str, str]], template: dict[str, Any] | None, version: int | None, now: datetime
) -> None:
    """What accounting showed: equal closes the task, anything else is named and leaves it open (S0-19).

    `differences` are plain rows (field, ours, theirs) against the version with the key `version`; `template` is the live one there, as
    remote_id and next_date. An answer to an earlier question, or about a version that is no longer the expected one, changes nothing.
    """
    with transaction.atomic():
        handoff, contract = _lock(handoff_id)
        if handoff.state != Handoff.State.CHECKING or handoff.checks != check:
            return
        future = FutureInvoice.objects.select_related("current").get(contract=contract)
        if future.current_id != version:
            differences = [{"field": "expected invoice", "ours": "changed while accounting was read", "theirs": "Check again"}]
        handoff.checked_at = now
        if differences:
            handoff.state, handoff.differences = Handoff.State.ACKNOWLEDGED, differences
            handoff.save(update_fields=["state", "differences", "checked_at"])
            found = "; ".join(
                f"{row['field']}: {row['theirs'] or 'nothing'} instead of {row['ours'] or 'nothing'}" for row in differences[:5]
            )
            _tell(handoff, "handoff.differs", f"Accounting does not show what is expected of {contract.number}: {found}.", now=now)
            notices.differs(handoff, contract, found=found, now=now)
            return
        if future.current is not None and template is not None:
            note_template_found(future.current, contract, **template, at=now)
        handoff.save(update_fields=["checked_at"])
        close_all(contract, reason="Verified in accounting", now=now)
        notices.posted(handoff.change, contract, now=now)


def close_all(contract: Contract, *, reason: str, now: datetime) -> None:
    """Accounting was read and shows the newest expected invoice: every open task about an applied change of this contract is done."""
    applied = Change.objects.filter(deal__contract=contract, state="applied", handoffs__state__in=OPEN_HANDOFF)
    for change in applied.select_related("deal__contract__legal_entity").distinct().order_by("pk"):
        close(change, reason=reason, now=now)


def close(change: Change, *, reason: str, now: datetime) -> None:
    """Done: accounting was read back and agrees."""
    _end(change, Handoff.State.DONE, reason, now)


def cancel(change: Change, *, reason: str, now: datetime) -> None:
    """Nothing to do any more."""
    _end(change, Handoff.State.CANCELLED, reason, now)


def _end(change: Change, state: str, reason: str, now: datetime) -> None:
    for handoff in change.handoffs.filter(state__in=OPEN_HANDOFF):
        handoff.state, handoff.closed_at, handoff.closed_reason, handoff.differences = state, now, reason, []
        handoff.save(update_fields=["state", "closed_at", "closed_reason", "differences"])
        handoff.change = change
        _tell(handoff, "handoff.closed", f"Hand-off “{handoff.title}” closed: {reason}.", now=now)


def _lock(handoff_id: int) -> tuple[Handoff, Contract]:
    """The hand-off with its contract and change, in the order in which everybody locks."""
    contract_id, change_id = Handoff.objects.values_list("change__deal__contract_id", "change_id").get(pk=handoff_id)
    contract = contracts.lock(contract_id)
    change = Change.objects.select_for_update(of=("self",)).select_related("deal", "maker").get(pk=change_id)
    change.deal.contract = contract
    handoff = Handoff.objects.select_for_update(of=("self",)).select_related("acknowledged_by").get(pk=handoff_id)
    handoff.change = change
    return handoff, contract


def _take(handoff: Handoff, by: User, now: datetime) -> None:
    handoff.state, handoff.acknowledged_by, handoff.acknowledged_at = Handoff.State.ACKNOWLEDGED, by, now
    handoff.save(update_fields=["state", "acknowledged_by", "acknowledged_at"])


def _tell(handoff: Handoff, action: str, sentence: str, *, now: datetime, by: User | None = None) -> None:
    change = handoff.change
    record(
        action=action,
        sentence=sentence,
        subjects=[change.permalink, change.deal.permalink, change.deal.contract.permalink],
        chain=change.deal.contract.legal_entity.code,
        at=now,
        by=by,
        after={"handoff": handoff.pk, "state": handoff.state, "differences": handoff.differences},
    )
