"""Moves of a deal on the boards. People move it between ordinary stages; the workflow moves it through the money stages."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from billing.domain.refusal import Refusal, Stale
from dealops.accounts.models import User
from dealops.audit.operations import record
from expansion.models import Deal, Stage


def move(*, deal_id: int, stage_id: int, version: int, by: User, now: datetime) -> Deal:
    """Move a card by hand. Raises Stale when someone was faster (F14), Refusal for a stage that only the workflow enters or leaves."""
    with transaction.atomic():
        deal = Deal.objects.select_for_update(of=("self",), no_key=True).select_related("stage", "pipeline", "contract__legal_entity").get(pk=deal_id)
        stage = Stage.objects.select_related("pipeline").get(pk=stage_id)
        if deal.version != version:
            raise Stale("moved_meanwhile", "version", f"{deal.number} was moved by someone else and is now in {deal.stage.name}.")
        if stage.is_money or deal.stage.is_money:
            raise Refusal("money_stage", "stage", f"{(stage if stage.is_money else deal.stage).name} is moved only by the approval itself, so that the board never says more than the books.")
        if stage.pipeline_id == deal.pipeline_id and stage.pk == deal.stage_id:
            return deal
        return place(deal, stage, by=by, now=now)


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
    return deal


def stage_of(pipeline_code: str, stage_code: str) -> Stage:
    return Stage.objects.select_related("pipeline").get(pipeline__code=pipeline_code, code=stage_code)
