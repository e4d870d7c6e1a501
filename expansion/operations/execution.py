"""An approved change takes effect: at once, or on its day. Deal, this period, future invoice, in this order, in one transaction (S0-27)."""

from __future__ import annotations

import logging
from datetime import date, datetime

from django.db import transaction

from billing.clock import business_date
from billing.domain.impact import Impact
from billing.domain.money import worded
from billing.domain.refusal import Refusal
from billing.models import Contract, LegalEntity
from billing.operations import changes as books
from billing.operations import contracts
from dealops.accounts.models import User
from expansion.domain import workflow
from expansion.domain.summary import from_day
from expansion.models import Change, Deal
from expansion.operations import adoption, crm_writing, handoffs, notices, rebasing, season, steps
from expansion.operations.deals import lock, place, stage_of
from expansion.operations.locking import lock_change
from expansion.operations.story import tell
from expansion.queries.crm import why_frozen
from expansion.queries.preview import Preview, preview

log = logging.getLogger(__name__)

# What was approved is not what it would be today: it is not carried out behind anybody's back (F68).
NOT_AS_AGREED = "What is billed has moved since the approval, so the amounts are no longer those that were approved. Submit it again."


def summary(change: Change) -> str:
    """The change in a few words for timelines and messages, from its frozen impact."""
    return from_day(change.impact["summary"], change.effective)


def start(change: Change, contract: Contract, seen: Preview, *, by: User | None, now: datetime) -> None:
    """Apply a locked, approved change now, or let it wait for its day (F68)."""
    today = business_date(contract.legal_entity.time_zone, now)
    if change.effective > today:
        change.state = workflow.after("schedule", change.state).value
        change.save(update_fields=["state"])
        tell(
            change,
            contract,
            "change.scheduled",
            f"{change.number} waits for {change.effective:%-d %b %Y}; it is computed again on that day.",
            now=now,
        )
    else:
        apply(change, contract, seen, by=by, now=now, today=today)
    season.prepare_return(change, contract, seen=seen, today=today, now=now)


def apply(change: Change, contract: Contract, seen: Preview, *, by: User | None, now: datetime, today: date) -> None:
    """Carry the change out exactly as decided, on the business date `today`; the caller has compared `seen` with the decision (M18)."""
    document, _ = books.carry_out(
        contract,
        after=seen.after,
        result=seen.impact,
        effective=change.effective,
        reference=change.number,
        reason=change.goal or change.note,
        on=today,
        by=by,
        at=now,
        tell_accounting=not change.finance_updates,
        takes_back=change.reverses.number if change.reverses else "",
    )
    deal = _update_deal(change, seen, today)
    change.state = workflow.after("apply", change.state).value
    change.applied_at, change.executed_hash = now, change.content_hash
    change.document_number = document.number if document else ""
    change.save(update_fields=["state", "applied_at", "executed_hash", "document_number"])
    billed = f"{document.number} issued over {worded(document.total, document.currency)}" if document else seen.impact.why.rstrip(".")
    tell(change, contract, "change.applied", f"{change.number} is in effect. {billed}. {_next_words(change)}.", by=by, now=now)
    adoption.begin(change, contract, on=today, now=now)
    if deal.stage.code == "awaiting_approval":
        place(deal, stage_of(deal.pipeline.code, "applied"), by=by, now=now, reference=change.number)
    rebasing.moved(contract, cause=change.number, today=today, now=now)
    if not change.finance_updates:
        handoffs.confirm_after_postings(change, contract)


def _next_words(change: Change) -> str:
    return "Finance updates the next invoice in accounting" if change.finance_updates else "Next invoice updated"


def _update_deal(change: Change, seen: Preview, today: date) -> Deal:
    deal = lock(change.deal_id, change.deal.contract)
    deal.amount = seen.impact.value_after
    # Of this day: steps of the change that come later move it on theirs.
    deal.mrr, deal.mrr_on = steps.revenue(seen.after, today)
    deal.version += 1
    deal.save(update_fields=["amount", "mrr", "mrr_on", "version"])
    crm_writing.want(deal)
    crm_writing.want_lines(deal, cause=change.number)
    change.deal = deal
    return deal


def confirm(change_number: str, *, now: datetime) -> None:
    """Accounting has everything of this change: close the hand-off and tell those who were told before."""
    contract_id = Change.objects.values_list("deal__contract_id", flat=True).get(number=change_number)
    contract = contracts.lock(contract_id)
    change = Change.objects.select_for_update(of=("self",)).select_related("deal", "maker").get(number=change_number)
    handoffs.close_all(contract, reason="Verified in accounting", now=now)
    notices.posted(change, contract, now=now)


def activate_due(*, now: datetime, on: date | None = None, entity: LegalEntity | None = None) -> list[str]:
    """Apply every scheduled change whose day has come, earliest first; each in its own transaction, a broken one costs only itself.

    The day is `on`, or at each legal entity its own business date at `now`.
    """
    applied = []
    waiting = Change.objects.filter(state=workflow.State.SCHEDULED.value).order_by("effective", "pk")
    if entity:
        waiting = waiting.filter(deal__contract__legal_entity=entity)
    for pk, effective, zone in waiting.values_list("pk", "effective", "deal__contract__legal_entity__time_zone"):
        today = on or business_date(zone, now)
        if effective > today:
            continue
        try:
            number = _activate(pk, today=today, now=now)
        except Exception:
            log.exception("Scheduled change %s could not be applied", pk)
            continue
        if number:
            applied.append(number)
    return applied


def _activate(pk: int, *, today: date, now: datetime) -> str | None:
    with transaction.atomic():
        change, contract = lock_change(pk)
        if change.state != workflow.State.SCHEDULED:
            return None
        if why_frozen(change.deal_id):  # it waits until the deal is back in the CRM (F53)
            return None
        if contract.end <= today:  # it was to count from a renewal that did not come; it expires with the contract
            return None
        if contract.version != change.base_version:
            following = rebasing.rebase(change, contract, cause=f"Version {contract.version}", today=today, now=now)
            if following is None:
                return None
            change = following
        try:
            seen = preview(
                deal=change.deal,
                contract=contract,
                intents=change.edits,
                effective=change.effective,
                treatment=change.treatment,
                today=today,
            )
        except Refusal as refusal:  # a rule that came since, such as a base that an add-on needs
            rebasing.give_back(change, contract, None, reason=refusal.message, now=now)
            return None
        if seen.impact.agreed() != Impact.from_canonical(change.impact).agreed():
            rebasing.give_back(change, contract, seen, reason=NOT_AS_AGREED, now=now)
            return None
        apply(change, contract, seen, by=None, now=now, today=today)
        return change.number
