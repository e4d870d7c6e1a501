"""Makes sure that the boards exist."""

from __future__ import annotations

from typing import Any

from expansion.domain.pipelines import PIPELINES
from expansion.models import Pipeline, Stage


def ensure(pipelines: Any = Pipeline, stages: Any = Stage) -> None:
    """Create the pipelines and stages that are missing; what people renamed stays as they named it."""
    for place, facts in enumerate(PIPELINES):
        pipeline, _ = pipelines.objects.get_or_create(code=facts.code, defaults={"name": facts.name, "position": place})
        for position, stage in enumerate(facts.stages):
            values = {
                "name": stage.name,
                "position": position,
                "is_money": stage.money,
                "is_closed": stage.closed,
                "rot_days": stage.rot_days,
            }
            stages.objects.get_or_create(pipeline=pipeline, code=stage.code, defaults=values)
