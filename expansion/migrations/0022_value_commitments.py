"""The value commitment of an expansion in parts: what is promised, by what it is measured, by when, and who answers for it."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [migrations.swappable_dependency(settings.AUTH_USER_MODEL), ("expansion", "0021_crm_properties")]

    operations = [
        migrations.AddField(
            "adoption", "promise_metric", models.CharField(blank=True, default="", help_text="By what it is measured", max_length=200),
            preserve_default=False,
        ),
        migrations.AddField(
            "adoption", "promised_for", models.DateField(blank=True, help_text="By when; it is reviewed on that day", null=True)
        ),
        migrations.AddField(
            "adoption",
            "promise_owner",
            models.ForeignKey(
                blank=True, help_text="Who answers for it", null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AlterField(
            "adoption", "promise", models.TextField(blank=True, help_text="The value commitment: what the customer is promised (S2-30)")
        ),
    ]  # fmt: skip
