"""A deal says for which business day its recurring revenue was worked out, so that steps agreed before move it on their day."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("expansion", "0008_slack_accounts_and_posts")]

    operations = [
        migrations.AddField(
            model_name="deal",
            name="mrr_on",
            field=models.DateField(
                blank=True,
                help_text="The business day it was worked out for; steps of the contract after it move it on their day (M09)",
                null=True,
            ),
        ),
    ]
