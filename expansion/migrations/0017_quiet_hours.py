"""Hours in which a person is not disturbed: what comes then goes out when they are over."""

from django.db import migrations, models
from django.db.models import F, Q


class Migration(migrations.Migration):
    dependencies = [("expansion", "0016_products_that_can_pause")]

    operations = [
        migrations.AddField(
            "noticepreference", "quiet_from", models.TimeField(null=True, blank=True, help_text="No e-mail and no Slack from")
        ),
        migrations.AddField(
            "noticepreference", "quiet_until", models.TimeField(null=True, blank=True, help_text="until; it goes out then")
        ),
        migrations.AddConstraint(
            "noticepreference",
            models.CheckConstraint(
                condition=Q(quiet_from__isnull=True, quiet_until__isnull=True)
                | Q(quiet_from__isnull=False, quiet_until__isnull=False) & ~Q(quiet_from=F("quiet_until")),
                name="quiet_hours_begin_and_end",
            ),
        ),
    ]
