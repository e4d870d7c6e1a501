import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    """Answers to writes that carried an Idempotency-Key."""

    initial = True

    dependencies = [migrations.swappable_dependency(settings.AUTH_USER_MODEL)]

    operations = [
        migrations.CreateModel(
            name="KeyedRequest",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("key", models.CharField(max_length=200)),
                ("request_hash", models.CharField(help_text="SHA-256 of method, address, version asked for, and body", max_length=64)),
                ("status", models.PositiveSmallIntegerField(help_text="Empty only inside the transaction that does the work", null=True)),
                ("content_type", models.CharField(blank=True, max_length=80)),
                ("etag", models.CharField(blank=True, max_length=40)),
                ("body", models.TextField(blank=True)),
                ("created_at", models.DateTimeField()),
                (
                    "user",
                    models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="+", to=settings.AUTH_USER_MODEL),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["user", "created_at"], name="request_by_age")],
                "constraints": [models.UniqueConstraint(fields=("user", "key"), name="request_key_once")],
            },
        ),
    ]
