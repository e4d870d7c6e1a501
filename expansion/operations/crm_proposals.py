"""An edit of line items in HubSpot is a proposal: a person drafts a change from it, or lets it be. Nothing is applied by itself."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from billing.clock import business_date
from billing.domain.refusal import Refusal, Stale
from billing.models import Contract
from billing.operations import contracts
from dealops.accounts.models import User
from dealops.audit.operations import record
from expansion import rules
from expansion.domain.crm import LineItem
from expansion.models import Change, CrmLink, CrmProposal, Deal
from expansion.operations import changes
from expansion.queries.crm import settled_of, wish_of

LONGEST = 300


def look(link: CrmLink, deal: Deal, contract: Contract, *, now: datetime) -> None:
    """What the line items of a locked link ask now; a proposal is made, brought up to date or closed accordingly."""
    on = business_date(contract.legal_entity.time_zone, now)
    theirs = [LineItem(**item) for item in link.lines]
    asked = wish_of(link, contract, now=theirs, on=on)
    settled = settled_of(link, theirs=theirs)
    standing = CrmProposal.objects.select_for_update().filter(deal=deal, state=CrmProposal.State.OPEN).first()
    if asked.is_nothing:
        link.settled = link.lines
        if standing:
            _close(standing, CrmProposal.State.GONE, by=None, now=now)
            _tell(deal, contract, "crm.withdrawn", f"HubSpot no longer proposes anything for {deal.number}.", now=now)
        return
    link.settled = None if settled is None else [item.as_json() for item in settled]
    words, problems = [text[:LONGEST] for text in asked.words], [text[:500] for text in asked.problems]
    facts = {"intents": list(asked.intents), "words": words, "problems": problems}
    if standing and all(getattr(standing, name) == value for name, value in facts.items()):
        return
    proposal = standing or CrmProposal(deal=deal, version=0)
    for name, value in facts.items():
        setattr(proposal, name, value)
    proposal.version, proposal.found_at = proposal.version + 1, now
    proposal.save()
    _tell(deal, contract, "crm.proposed", f"HubSpot proposes for {deal.number}: {'; '.join([*words, *problems])}.", now=now)


def take(*, deal: Deal, version: int, by: User, now: datetime) -> Change:
    """Draft a change of what HubSpot proposes, in this person's name and with their limits; the composer shows it before it is sent.

    Raises NotAllowed, Stale (proposal_moved), Refusal (not_understood, or as `changes.draft` does).
    """
    with transaction.atomic():
        contract = contracts.lock(deal.contract_id)
        rules.demand(rules.why_not_change(by, deal))
        proposal, link = _locked(deal, version)
        today = business_date(contract.legal_entity.time_zone, now)
        asked = wish_of(link, contract, now=[LineItem(**item) for item in link.lines], on=today)
        if not asked.intents:
            words = " ".join(asked.problems) or "The contract says what HubSpot says; there is nothing to change."
            raise Refusal("not_understood", "proposal", words)
        note = f"As edited in HubSpot: {'; '.join([*asked.words, *asked.problems])}"
        change = changes.draft(deal=deal, intents=asked.intents, effective=max(today, contract.start), by=by, now=now, note=note[:2000])
        proposal.change = change
        _close(proposal, CrmProposal.State.TAKEN, by=by, now=now)
        _settle(link)
        return change


def dismiss(*, deal: Deal, version: int, by: User, now: datetime) -> None:
    """Leave the contract as it is; HubSpot may say something else. The next edit there is a new proposal. Raises NotAllowed, Stale."""
    with transaction.atomic():
        contract = contracts.lock(deal.contract_id)
        rules.demand(rules.why_not_change(by, deal))
        proposal, link = _locked(deal, version)
        _close(proposal, CrmProposal.State.DISMISSED, by=by, now=now)
        _settle(link)
        _tell(deal, contract, "crm.dismissed", f"{by} did not follow what HubSpot proposed for {deal.number}.", by=by, now=now)


def _locked(deal: Deal, version: int) -> tuple[CrmProposal, CrmLink]:
    link = CrmLink.objects.select_for_update().filter(deal=deal).first()
    proposal = CrmProposal.objects.select_for_update().filter(deal=deal, state=CrmProposal.State.OPEN).first()
    if link is None or proposal is None or proposal.version != version:
        words = "What HubSpot proposes was changed or settled since you opened the page. Look at it as it is now."
        raise Stale("proposal_moved", "proposal", words)
    return proposal, link


def _settle(link: CrmLink) -> None:
    link.settled = link.lines
    link.save(update_fields=["settled"])


def _close(proposal: CrmProposal, state: str, *, by: User | None, now: datetime) -> None:
    proposal.state, proposal.closed_at, proposal.closed_by = state, now, by
    proposal.save(update_fields=["state", "closed_at", "closed_by", "change"])


def _tell(deal: Deal, contract: Contract, action: str, sentence: str, *, now: datetime, by: User | None = None) -> None:
    subjects = [deal.permalink, contract.permalink, contract.customer.permalink]
    record(action=action, sentence=sentence, subjects=subjects, chain=contract.legal_entity.code, at=now, by=by)
