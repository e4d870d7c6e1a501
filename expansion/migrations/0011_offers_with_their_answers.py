"""What an offer said to the customer: its deal, its goal, the figures as they were shown, and the answer in words."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("billing", "0010_accounting_of_an_entity"),
        ("expansion", "0010_hubspot_links_events_proposals"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name="offer",
            name="answer",
            field=models.CharField(blank=True, help_text="What the customer said to it", max_length=300),
        ),
        migrations.AddField(
            model_name="offer",
            name="answered_by",
            field=models.ForeignKey(
                blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddField(
            model_name="offer",
            name="deal",
            field=models.ForeignKey(
                blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name="offers", to="expansion.deal"
            ),
        ),
        migrations.AddField(
            model_name="offer",
            name="figures",
            field=models.JSONField(blank=True, default=dict, help_text="What the preview said when it was shown; amounts as text"),
        ),
        migrations.AddField(
            model_name="offer",
            name="goal",
            field=models.TextField(blank=True, help_text="The goal of the customer it serves"),
        ),
        migrations.AddIndex(
            model_name="offer",
            index=models.Index(fields=["response", "shown_at"], name="offer_by_answer"),
        ),
        migrations.AddConstraint(
            model_name="offer",
            constraint=models.CheckConstraint(
                condition=models.Q(models.Q(("response", "deferred"), _negated=True), ("deferred_until__isnull", False), _connector="OR"),
                name="deferred_offer_says_until",
            ),
        ),
    ]
