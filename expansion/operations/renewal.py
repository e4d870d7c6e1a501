"""A deal's contract runs on, or ends before its time; what is pending on it is computed again, or expires (F71, F72)."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

from django.db import transaction

from billing.clock import business_date
from billing.domain.refusal import Refusal, Stale
from billing.models import Contract
from billing.operations import billing_run, contracts, terms_end
from billing.queries.value import contract_value
from dealops.accounts.models import User
from expansion import rules
from expansion.domain import workflow
from expansion.models import Change, Deal
from expansion.operations import changes, crm_writing, deals, ending, rebasing
from expansion.queries.renewal import NewEnd, end_of, renewal_of, uplift_intents

SHORTEST_REASON = 5


def renew(
    *, deal_id: int, until: date, reason: str, by: User, now: datetime, uplift: Decimal | None = None, shown_hash: str = ""
) -> tuple[Deal, Change | None]:
    """Let the contract run on to `until`. Downgrades agreed for the renewal take effect with it; what is pending is computed again. With
    `shown_hash` nothing is written unless it brings what was shown.

    With `uplift`, prices rise by that many percent from the old end on: a change of its own, made by the same person and handed in, so
    that the approval rules decide about it like about any other. Answers it beside the deal.

    Raises Refusal (reason_missing, not_later, ended, stub_at_the_end, those of an uplift), Stale or NotAllowed.
    """
    with transaction.atomic():
        contract, deal, today = _locked(deal_id, by, reason, now)
        cause, old = f"The renewal to {until:%-d %b %Y}", contract.end
        seen = renewal_of(contract, until=until, uplift=uplift)
        _same_as_shown(seen, shown_hash)
        terms_end.renew(contract, until=until, lines=seen.terms.lines, reason=reason, by=by, at=now)
        _keep_up(deal, contract, now)
        rebasing.moved(contract, cause=cause, today=today, now=now)
        return deal, _raise_prices(deal, uplift, on=old, reason=reason, by=by, now=now) if uplift else None


def _raise_prices(deal: Deal, percent: Decimal, *, on: date, reason: str, by: User, now: datetime) -> Change:
    draft = changes.draft(deal=deal, intents=uplift_intents(percent), effective=on, goal=reason, by=by, now=now)
    return changes.submit(change_id=draft.pk, version=draft.version, shown_hash=draft.content_hash, by=by, now=now)


def end_early(*, deal_id: int, on: date, reason: str, by: User, now: datetime, shown_hash: str = "") -> Deal:
    """Let the contract end on `on`. Scheduled changes of that day or later expire; the deal leaves the boards when the day comes.

    Raises Refusal (reason_missing, ended, not_earlier, billed_beyond) or NotAllowed.
    """
    with transaction.atomic():
        contract, deal, today = _locked(deal_id, by, reason, now)
        if shown_hash:
            _same_as_shown(end_of(contract, on=on), shown_hash)
        terms_end.end_early(contract, on=on, reason=reason, by=by, at=now)
        _keep_up(deal, contract, now)
        words = f"Contract {contract.number} ends on {on:%-d %b %Y}."
        late = Change.objects.select_for_update(of=("self",)).filter(deal=deal, effective__gte=on, state=workflow.State.SCHEDULED.value)
        for change in late.select_related("maker"):
            change.deal = deal
            ending.expire(change, contract, reason=words, now=now)
        rebasing.moved(contract, cause="The earlier end of the term", today=today, now=now)
        if on <= today:
            billing_run.end_terms(contract.legal_entity, on=today, at=now)
            ending.close_deals(on=today, now=now)
            deal.refresh_from_db()
        return deal


def _locked(deal_id: int, by: User, reason: str, now: datetime) -> tuple[Contract, Deal, date]:
    contract = contracts.lock(Deal.objects.values_list("contract_id", flat=True).get(pk=deal_id))
    deal = deals.lock(deal_id)
    deal.contract = contract
    rules.demand(rules.why_not_renew(by))
    if len((reason or "").strip()) < SHORTEST_REASON:
        raise Refusal("reason_missing", "reason", "Say in a sentence what was agreed.")
    return contract, deal, business_date(contract.legal_entity.time_zone, now)


def _same_as_shown(seen: NewEnd, shown_hash: str) -> None:
    if shown_hash and seen.shown != shown_hash:
        raise Stale("amounts_moved", "shown", "The contract moved since you looked. Look at the new amounts and press the button again.")


def _keep_up(deal: Deal, contract: Contract, now: datetime) -> None:
    """The deal says what its contract is worth now and when it ends."""
    deal.amount, deal.close_on = contract_value(contract).total, contract.end
    deal.version += 1
    deal.save(update_fields=["amount", "close_on", "version"])
    crm_writing.want(deal)
    crm_writing.want_lines(deal, cause=f"v{contract.version}")
