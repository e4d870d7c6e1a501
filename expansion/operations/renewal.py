"""A deal's contract runs on, or ends before its time; what is pending on it is computed again, or expires (F71, F72)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime

from django.db import transaction

from billing.clock import business_date
from billing.domain.lines import Line, Terms, merged
from billing.domain.refusal import Refusal
from billing.domain.reversal import undo
from billing.domain.terms import apply_edits
from billing.models import Contract, ContractVersion, Treatment
from billing.operations import billing_run, contracts, terms_end
from billing.queries import edits_from, terms_at, terms_of
from billing.queries.value import contract_value
from dealops.accounts.models import User
from expansion import rules
from expansion.domain import workflow
from expansion.domain.intents import sorted_out
from expansion.models import Change, Deal
from expansion.operations import deals, ending, rebasing

SHORTEST_REASON = 5


def renew(*, deal_id: int, until: date, reason: str, by: User, now: datetime) -> Deal:
    """Let the contract run on to `until`. Downgrades agreed for the renewal take effect with it; what is pending is computed again.

    Raises Refusal (reason_missing, not_later, ended, stub_at_the_end) or NotAllowed.
    """
    with transaction.atomic():
        contract, deal, today = _locked(deal_id, by, reason, now)
        cause = f"The renewal to {until:%-d %b %Y}"
        lines = _at_renewal(contract)
        terms_end.renew(contract, until=until, lines=lines, reason=reason, by=by, at=now)
        _keep_up(deal, contract, now)
        rebasing.moved(contract, cause=cause, today=today, now=now)
        return deal


def end_early(*, deal_id: int, on: date, reason: str, by: User, now: datetime) -> Deal:
    """Let the contract end on `on`. Scheduled changes of that day or later expire; the deal leaves the boards when the day comes.

    Raises Refusal (reason_missing, ended, not_earlier, billed_beyond) or NotAllowed.
    """
    with transaction.atomic():
        contract, deal, today = _locked(deal_id, by, reason, now)
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


def _keep_up(deal: Deal, contract: Contract, now: datetime) -> None:
    """The deal says what its contract is worth now and when it ends."""
    deal.amount, deal.close_on = contract_value(contract).total, contract.end
    deal.version += 1
    deal.save(update_fields=["amount", "close_on", "version"])


def _at_renewal(contract: Contract) -> tuple[Line, ...]:
    """The terms now, and after the old end with the downgrades that were agreed to wait for it."""
    terms = terms_of(contract)
    later = terms
    for change, version in _waiting_for_renewal(contract):
        before = terms_at(contract, version - 1)
        steps = edits_from(contract, sorted_out(change.edits).steps, terms=before, effective=change.effective)
        wanted = apply_edits(before, steps, change.effective)
        # What the change wanted, made on the terms now: undoing the change from `wanted` back to what there was, the other way round.
        later = undo(wanted, before, later)
    return tuple(line for held in _joined(terms, later, contract.end).values() for line in held)


def _waiting_for_renewal(contract: Contract) -> list[tuple[Change, int]]:
    """Applied downgrades that wait for the end of this term and were not taken back, with the version each made."""
    versions = dict(ContractVersion.objects.filter(contract=contract).exclude(reference="").values_list("reference", "number"))
    renewed = contract.versions.filter(reference="", number__gt=1).order_by("-number").values_list("number", flat=True).first() or 0
    found = Change.objects.filter(deal__contract=contract, state=workflow.State.APPLIED.value).order_by("pk")
    taken_back = set(found.filter(reverses__isnull=False).values_list("reverses_id", flat=True))
    return [
        (change, versions[change.number])
        for change in found
        if (change.treatment or change.policy["treatment"]) == Treatment.AT_RENEWAL
        and change.pk not in taken_back
        and versions[change.number] > renewed
        and "downgrade" in change.mechanisms
    ]


def _joined(now: Terms, later: Terms, day: date) -> Mapping[str, tuple[Line, ...]]:
    """The slices of `now` before a day and those of `later` from it on."""
    found: dict[str, tuple[Line, ...]] = {}
    for key in dict.fromkeys((*now.by_key, *later.by_key)):
        before = [
            replace(line, ends=min(line.ends or day, day)) if line.recurring else line
            for line in now.by_key.get(key, ())
            if line.starts < day
        ]
        after = [
            replace(line, starts=max(line.starts, day)) if line.recurring else line
            for line in later.by_key.get(key, ())
            if (line.ends is None or line.ends > day) and (line.recurring or line.starts >= day)
        ]
        found[key] = merged([*before, *after])
    return found
