"""Which stage of HubSpot is which of ours. HubSpot's stages are read; RevOps says what they are here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from django.db import transaction

from billing.domain.refusal import Refusal
from dealops.accounts.models import User
from dealops.audit.operations import record
from expansion import rules
from expansion.adapters.hubspot import StageFacts
from expansion.models import CrmStage, Stage


def found(stages: Sequence[StageFacts]) -> None:
    """The stages HubSpot has now. One that is gone there keeps no place here; what was mapped stays mapped."""
    with transaction.atomic():
        kept = []
        for facts in stages:
            names = {"pipeline_name": facts.pipeline_name[:120], "stage_name": facts.stage_name[:120], "position": facts.position}
            key = {"remote_pipeline": facts.pipeline[:60], "remote_stage": facts.stage[:60]}
            kept.append(CrmStage.objects.update_or_create(**key, defaults=names)[0].pk)
        CrmStage.objects.exclude(pk__in=kept).delete()


def assign(chosen: Mapping[int, int | None], *, by: User, now: datetime) -> int:
    """Say for each HubSpot stage (by its key here) which of our stages it is, or None; answers how many moved.

    Raises NotAllowed, and Refusal when two of HubSpot's would be the same one here.
    """
    rules.demand(rules.why_not_map_crm(by))
    with transaction.atomic():
        rows = {row.pk: row for row in CrmStage.objects.select_for_update().order_by("pk")}
        after = {pk: chosen.get(pk, row.stage_id) for pk, row in rows.items()}
        taken = [stage for stage in after.values() if stage is not None]
        if len(taken) != len(set(taken)):
            words = "Two HubSpot stages are the same stage here. Choose another for one, so that writing back is certain."
            raise Refusal("stage_twice", "stage", words)
        known = {stage.pk: stage for stage in Stage.objects.select_related("pipeline").filter(pk__in=taken)}
        moved = [row for pk, row in rows.items() if row.stage_id != after[pk] and (after[pk] is None or after[pk] in known)]
        # Let go of all first: two stages may change places.
        CrmStage.objects.filter(pk__in=[row.pk for row in moved]).update(stage=None)
        for row in moved:
            stage = known.get(after[row.pk] or 0)
            row.stage = stage
            row.save(update_fields=["stage"])
            sentence = f"{by} mapped {row} to {stage or 'no stage'}."
            record(action="crm.stage_mapped", sentence=sentence, subjects=[f"crmstage:{row.pk}"], at=now, by=by)
        return len(moved)
