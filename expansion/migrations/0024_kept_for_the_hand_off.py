"""What is written into the form before a hand-off stays on the signal, whole."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("expansion", "0023_tasks_of_plays")]

    operations = [
        migrations.AddField(
            "signal",
            "kept",
            models.JSONField(blank=True, default=dict, help_text="What else was written for the hand-off: evidence, note, scores, route"),
        ),
    ]
