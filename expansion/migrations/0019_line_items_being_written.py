"""Line items that are being written to HubSpot, so that what arrived without an answer is known as ours."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("expansion", "0018_notices_about_signals")]

    operations = [
        migrations.AddField(
            "crmlink",
            "sending_lines",
            models.JSONField(null=True, blank=True, help_text="Line items that are being written; empty when none is"),
        ),
    ]
