"""Whether a product may stand still is a fact about it."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("expansion", "0015_views_lists_open_with")]

    operations = [
        migrations.AddField(
            "productfacts",
            "can_pause",
            models.BooleanField(default=False, help_text="It may stand still, unbilled, until a day on which it goes on (7.9)"),
        ),
    ]
