"""A deal as HubSpot has it now, noted beside ours: stage followed, amount shown, lines proposed, deletions and merges held up (F51-F56)."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from billing.domain.refusal import Refusal, Stale
from billing.models import Contract
from billing.operations import contracts
from dealops.accounts.models import User
from dealops.audit.operations import record
from expansion import rules
from expansion.domain import workflow
from expansion.domain.crm import DealFacts
from expansion.models import Change, CrmLink, CrmStage, Deal
from expansion.operations import crm_inbox, crm_proposals, crm_writing, deals, notices
from expansion.queries.crm import AMOUNT, MECHANISM, OUR_CONTRACT, OUR_NUMBER, PIPELINE, STAGE

HELD_UP = (workflow.State.DRAFT, workflow.State.SUBMITTED, workflow.State.APPROVED, workflow.State.SCHEDULED)


def begin(*, link_id: int) -> int:
    """A reading begins: what moves from now on asks for another one. Answers how often we had written before it."""
    CrmLink.objects.filter(pk=link_id).update(is_dirty=False)
    return int(CrmLink.objects.values_list("writes", flat=True).get(pk=link_id))


def noted(*, link_id: int, facts: DealFacts, writes: int, at: datetime, now: datetime) -> None:
    """HubSpot's deal at one moment. A reading that began before our last write, or is older than the last one, changes nothing (F51).

    `at` is the wall clock, `now` the clock of the business.
    """
    with transaction.atomic():
        link, deal, contract = _locked(link_id)
        if link.writes != writes:
            crm_inbox.mark([deal.crm_id])
            return
        if link.modified and facts.modified and facts.modified < link.modified:
            return
        link.read_at, link.modified = at, facts.modified or link.modified
        if _merged(link, deal, contract, facts, now):
            return
        _linked_again(link, deal, contract, now)
        _follow_stage(link, deal, facts, now)
        link.seen = seen_of(facts)
        link.lines = [item.as_json() for item in facts.lines]
        link.line_ids = [item.id for item in facts.lines]
        crm_proposals.look(link, deal, contract, now=now)
        link.save()


def gone(*, link_id: int, is_known: bool, at: datetime, now: datetime) -> None:
    """The record was deleted (`is_known`: it lies in HubSpot's bin), or was never there. Changes of the deal stand still (F53)."""
    with transaction.atomic():
        link, deal, contract = _locked(link_id)
        link.read_at = at
        where = "It can be restored there" if is_known else "It is not in its bin either"
        words = f"The source deal was deleted in HubSpot, so changes of {deal.number} are frozen. {where}; what was billed stays as it is."
        _freeze(link, deal, contract, CrmLink.State.DELETED, words, now)
        link.save()


def keep(*, deal: Deal, by: User, now: datetime) -> None:
    """Of two deals whose records were merged in HubSpot, this one goes on with the record; the other goes on without one (F54).

    Raises NotAllowed, and Stale when there is nothing to decide.
    """
    with transaction.atomic():
        contract = contracts.lock(deal.contract_id)
        rules.demand(rules.why_not_change(by, deal))
        link = CrmLink.objects.select_for_update().filter(deal=deal, state=CrmLink.State.MERGED).first()
        if link is None:
            raise Stale("not_merged", "deal", f"There is nothing to decide about {deal.number} any more.")
        rest = CrmLink.objects.select_for_update().filter(merged_into=link.merged_into).exclude(pk=link.pk).select_related("deal")
        for other in rest.order_by("pk"):
            Deal.objects.filter(pk=other.deal_id).update(crm_id="")
            _let_go(other)
        Deal.objects.filter(pk=deal.pk).update(crm_id=link.merged_into)
        deal.crm_id = link.merged_into
        _let_go(link)
        _tell(deal, contract, "crm.kept", f"{by} decided that {deal.number} goes on with HubSpot's record {deal.crm_id}.", now, by=by)
        crm_inbox.mark([deal.crm_id])
        crm_writing.want_lines(deal, cause=f"kept with {deal.crm_id}")


def seen_of(facts: DealFacts) -> dict[str, str]:
    """HubSpot's values by the names of its properties."""
    return {
        AMOUNT: facts.amount, PIPELINE: facts.pipeline, STAGE: facts.stage, OUR_NUMBER: facts.our_number, OUR_CONTRACT: facts.our_contract,
        MECHANISM: facts.our_mechanism, "dealname": facts.name,
    }  # fmt: skip


def _locked(link_id: int) -> tuple[CrmLink, Deal, Contract]:
    contract_id, deal_id = CrmLink.objects.values_list("deal__contract_id", "deal_id").get(pk=link_id)
    contract = contracts.lock(contract_id)
    deal = deals.lock(deal_id)
    deal.contract = contract
    return CrmLink.objects.select_for_update().get(pk=link_id), deal, contract


def _follow_stage(link: CrmLink, deal: Deal, facts: DealFacts, now: datetime) -> None:
    """Somebody moved the deal in HubSpot: the card follows where people may move it. Money stages stay the workflow's (S0-08)."""
    ours = {link.seen.get(STAGE), link.written.get(STAGE), link.sending.get(STAGE)}
    if not link.seen or facts.stage in ours:
        return
    mapped = CrmStage.objects.filter(remote_pipeline=facts.pipeline, remote_stage=facts.stage, stage__isnull=False)
    found = mapped.select_related("stage__pipeline").first()
    stage = found.stage if found else None
    if stage is None or stage.pk == deal.stage_id or stage.is_money or not deal.is_open:
        return
    try:
        deals.refuse_money_stage(deal, stage)
    except Refusal:
        return
    deals.place(deal, stage, by=None, now=now)


def _merged(link: CrmLink, deal: Deal, contract: Contract, facts: DealFacts, now: datetime) -> bool:
    """After a merge: go on with the record that is left; where it swallowed records of several deals, a person decides which."""
    family = {facts.id, deal.crm_id, *facts.merged}
    others = list(Deal.objects.filter(crm_id__in=family).exclude(pk=deal.pk).order_by("pk"))
    if others and (facts.id != deal.crm_id or facts.merged):
        names = " and ".join(other.number for other in others)
        words = (
            f"HubSpot merged the record of {deal.number} with that of {names}, and each has a contract of its own. "
            f"Decide under HubSpot which of them goes on with the record; until then changes of both are frozen."
        )
        link.merged_into = facts.id
        _freeze(link, deal, contract, CrmLink.State.MERGED, words, now)
        link.save()
        unaware = [other.crm_id for other in others if not CrmLink.objects.filter(deal=other, state=CrmLink.State.MERGED).exists()]
        crm_inbox.mark(unaware)
        return True
    if facts.id != deal.crm_id:
        before, deal.crm_id = deal.crm_id, facts.id
        Deal.objects.filter(pk=deal.pk).update(crm_id=facts.id)
        _tell(deal, contract, "crm.merged", f"HubSpot merged record {before} into {facts.id}; {deal.number} goes on with it.", now)
    return False


def _freeze(link: CrmLink, deal: Deal, contract: Contract, state: str, words: str, now: datetime) -> None:
    if link.state == state and link.words == words:
        return
    link.state, link.words = state, words
    _tell(deal, contract, "crm.frozen", words, now)
    for change in _pending(deal):
        title = f"{change.number} is frozen: its deal was {'deleted' if state == CrmLink.State.DELETED else 'merged'} in HubSpot"
        notices.crm_moved(change, event=f"crm_frozen.{link.generation}", title=title, body=words, now=now)


def _linked_again(link: CrmLink, deal: Deal, contract: Contract, now: datetime) -> None:
    if link.state == CrmLink.State.LINKED:
        return
    _let_go(link, save=False)
    words = f"The deal is back in HubSpot; changes of {deal.number} can go on."
    _tell(deal, contract, "crm.restored", words, now)
    for change in _pending(deal):
        event = f"crm_restored.{link.generation}"
        notices.crm_moved(change, event=event, title=f"{change.number} can go on: its deal is back in HubSpot", body=words, now=now)
    crm_writing.want(deal)
    crm_writing.want_lines(deal, cause=f"restored.{link.generation}")


def _let_go(link: CrmLink, *, save: bool = True) -> None:
    link.state, link.words, link.merged_into = CrmLink.State.LINKED, "", ""
    if save:
        link.save(update_fields=["state", "words", "merged_into"])


def _pending(deal: Deal) -> list[Change]:
    found = Change.objects.filter(deal=deal, state__in=[state.value for state in HELD_UP])
    return list(found.select_related("maker", "deal__owner", "deal__contract__legal_entity").order_by("pk"))


def _tell(deal: Deal, contract: Contract, action: str, sentence: str, now: datetime, *, by: User | None = None) -> None:
    subjects = [deal.permalink, contract.permalink, contract.customer.permalink]
    record(action=action, sentence=sentence, subjects=subjects, chain=contract.legal_entity.code, at=now, by=by)
