"""The board of cross-sells gets the stages Use case proven and Procurement, in their places (S1-14)."""

from django.db import migrations


def add(apps, schema_editor):
    from expansion.domain.pipelines import PIPELINES
    from expansion.operations import pipelines

    stages = apps.get_model("expansion", "Stage")
    pipelines.ensure(apps.get_model("expansion", "Pipeline"), stages)
    (board,) = [pipeline for pipeline in PIPELINES if pipeline.code == "cross_sells"]
    for position, stage in enumerate(board.stages):
        stages.objects.filter(pipeline__code=board.code, code=stage.code).update(position=position)


class Migration(migrations.Migration):
    dependencies = [("expansion", "0012_former_rows")]

    operations = [migrations.RunPython(add, migrations.RunPython.noop)]
