"""What a play asks for once it has fired: tasks with an owner and a day, ticked off by a person."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

WAITS = models.Q(done_by__isnull=True, done_at__isnull=True)
DONE = models.Q(done_by__isnull=False, done_at__isnull=False)


class Migration(migrations.Migration):
    dependencies = [migrations.swappable_dependency(settings.AUTH_USER_MODEL), ("expansion", "0022_value_commitments")]

    operations = [
        migrations.CreateModel(
            name="PlayTask",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("place", models.PositiveSmallIntegerField(help_text="Its place among the tasks of the play")),
                ("title", models.CharField(max_length=200)),
                (
                    "owner",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("", "Whoever has the signal"),
                            ("success_manager", "The account's success manager"),
                            ("deal_owner", "The deal's owner"),
                        ],
                        default="",
                        help_text="Whose it is, as the play says",
                        max_length=16,
                    ),
                ),
                ("due_on", models.DateField(help_text="So many working days after the play fired")),
                ("done_at", models.DateTimeField(blank=True, null=True)),
                (
                    "done_by",
                    models.ForeignKey(
                        blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
                ("signal", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="tasks", to="expansion.signal")),
            ],
            options={
                "indexes": [models.Index(condition=models.Q(done_at__isnull=True), fields=["due_on"], name="play_task_due")],
                "constraints": [
                    models.UniqueConstraint(fields=("signal", "place"), name="play_task_once"),
                    models.CheckConstraint(condition=WAITS | DONE, name="play_task_done_by_somebody"),
                ],
            },
        ),
    ]
