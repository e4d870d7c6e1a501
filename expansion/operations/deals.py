"""Moves of a deal on the boards. People move it between ordinary stages; the workflow moves it through the money stages."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from billing.domain.refusal import Refusal, Stale
from billing.models import Contract
from dealops.accounts.models import User
from dealops.audit.operations import record
from expansion import rules
from expansion.domain import workflow
from expansion.models import Deal, Stage
from expansion.operations import adoption, crm_writing

PENDING = (workflow.State.SUBMITTED.value, workflow.State.APPROVED.value)


def move(*, deal_id: int, stage_id: int, version: int, by: User, now: datetime) -> Deal:
    """Move a card by hand to a stage of any pipeline.

    Raises NotAllowed for a role that only reads, Stale when someone was faster (F14), Refusal for a money stage: only the workflow enters
    one, and nobody leaves one by hand while a change of the deal is being decided.
    """
    with transaction.atomic():
        deal = lock(deal_id)
        stage = Stage.objects.select_related("pipeline").get(pk=stage_id)
        rules.demand(rules.why_not_change(by, deal))
        if deal.version != version:
            raise Stale("moved_meanwhile", "version", f"{deal.number} was changed by someone else and is now in {deal.stage.name}.")
        if stage.pk == deal.stage_id:
            return deal
        refuse_money_stage(deal, stage)
        if stage.code == "done" and (open_checks := adoption.why_not_done(deal.pk)):
            raise Refusal("not_adopted", "stage", open_checks)
        return place(deal, stage, by=by, now=now)


def lock(deal_id: int, contract: Contract | None = None) -> Deal:
    """The deal, locked for this transaction and read anew with everything its story names; its `contract` is not read where it is given.

    Locked alone, then read: when another transaction moves the card while this one waits, PostgreSQL checks a joined row again with the
    new stage on one side and the old one on the other, and the row vanishes from the answer.
    """
    Deal.objects.select_for_update(no_key=True).only("pk").get(pk=deal_id)
    read = Deal.objects.select_related("stage__pipeline", "pipeline", "customer", *([] if contract else ["contract__legal_entity"]))
    deal = read.get(pk=deal_id)
    if contract:
        deal.contract = contract
    return deal


def refuse_money_stage(deal: Deal, stage: Stage) -> None:
    """Nobody moves a card by hand into a money stage, nor out of one while a change is being decided. Raises Refusal."""
    if stage.is_money:
        words = f"{stage.name} is reached by submitting a change, so that the board never says more than the books."
        raise Refusal("money_stage", "stage", f"{words} Open {deal.number} and choose Change contract.")
    pending = deal.changes.filter(state__in=PENDING).first() if deal.stage.is_money else None
    if pending:
        words = f"{pending.number} is being decided; {deal.number} moves by itself when Finance has answered."
        raise Refusal("money_stage", "stage", f"{words} To take it back, recall the change.")


def place(deal: Deal, stage: Stage, *, by: User | None, now: datetime, reference: str = "") -> Deal:
    """Put a locked deal into a stage and tell its story."""
    before = deal.stage
    deal.pipeline, deal.stage, deal.stage_since = stage.pipeline, stage, now
    deal.version += 1
    deal.save(update_fields=["pipeline", "stage", "stage_since", "version"])
    record(
        action="deal.moved",
        sentence=f"{deal.number} moved to {stage.pipeline.name}: {stage.name}.",
        subjects=[deal.permalink, *([f"change:{reference}"] if reference else [])],
        chain=deal.contract.legal_entity.code,
        at=now,
        by=by,
        before={"pipeline": before.pipeline.code, "stage": before.code},
        after={"pipeline": stage.pipeline.code, "stage": stage.code},
    )
    crm_writing.want(deal)
    return deal


def stage_of(pipeline_code: str, stage_code: str) -> Stage:
    return Stage.objects.select_related("pipeline").get(pipeline__code=pipeline_code, code=stage_code)
