"""How many offers all customers together are shown in a week at most, where RevOps has set it."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    dependencies = [migrations.swappable_dependency(settings.AUTH_USER_MODEL), ("expansion", "0019_line_items_being_written")]

    operations = [
        migrations.CreateModel(
            name="OfferLimit",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("per_week", models.PositiveIntegerField(blank=True, help_text="Empty: no limit", null=True)),
                ("set_at", models.DateTimeField()),
                (
                    "set_by",
                    models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL),
                ),
            ],
            options={"constraints": [models.CheckConstraint(condition=Q(pk=1), name="one_offer_limit")]},
        ),
    ]
