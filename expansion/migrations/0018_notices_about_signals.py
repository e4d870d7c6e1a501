"""A notice tells of a change, or of a signal that presses; what people want to be told of has one topic more."""

import django.contrib.postgres.fields
import django.db.models.deletion
from django.db import migrations, models
from django.db.models import Q

TOPICS = [
    ("approvals", "Approvals I am asked for"),
    ("handoffs", "Future invoices handed to my team"),
    ("my_changes", "What becomes of my changes"),
    ("signals", "Customers of mine who come near a limit"),
]


def topics():
    return django.contrib.postgres.fields.ArrayField(
        base_field=models.CharField(choices=TOPICS, max_length=20), blank=True, default=list, size=None
    )


class Migration(migrations.Migration):
    dependencies = [("expansion", "0017_quiet_hours")]

    operations = [
        migrations.RemoveConstraint("notice", "notice_once"),
        migrations.AddField(
            "notice",
            "signal",
            models.ForeignKey(
                blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name="notices", to="expansion.signal"
            ),
        ),
        migrations.AlterField(
            "notice",
            "change",
            models.ForeignKey(
                blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name="notices", to="expansion.change"
            ),
        ),
        migrations.AlterField("noticepreference", "email", topics()),
        migrations.AlterField("noticepreference", "slack", topics()),
        migrations.AddConstraint(
            "notice",
            models.UniqueConstraint(
                fields=("change", "signal", "event", "channel", "recipient", "address"), name="notice_once", nulls_distinct=False
            ),
        ),
        migrations.AddConstraint(
            "notice",
            models.CheckConstraint(
                condition=Q(change__isnull=False, signal__isnull=True) | Q(change__isnull=True, signal__isnull=False),
                name="notice_about_one_thing",
            ),
        ),
    ]
