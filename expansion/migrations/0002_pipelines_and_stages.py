"""Every installation starts with the four boards."""

from django.db import migrations


def create(apps, schema_editor):
    from expansion.operations import pipelines

    pipelines.ensure(apps.get_model("expansion", "Pipeline"), apps.get_model("expansion", "Stage"))


class Migration(migrations.Migration):
    dependencies = [("expansion", "0001_deals_changes_decisions_notices")]

    operations = [migrations.RunPython(create, migrations.RunPython.noop)]
