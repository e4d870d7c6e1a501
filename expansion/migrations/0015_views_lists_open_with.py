"""A list opens with the view its owner, or RevOps for a role, has chosen."""

from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    dependencies = [("expansion", "0014_notices_that_go_out_together")]

    operations = [
        migrations.AddField(
            "savedview",
            "opens",
            models.BooleanField(default=False, help_text="The list opens with it: for its owner, or for the role that shares it"),
        ),
        migrations.AddConstraint(
            "savedview",
            models.UniqueConstraint(fields=["owner", "listing"], condition=Q(opens=True, team=""), name="one_view_opens_for_a_person"),
        ),
        migrations.AddConstraint(
            "savedview",
            models.UniqueConstraint(fields=["team", "listing"], condition=Q(opens=True) & ~Q(team=""), name="one_view_opens_for_a_role"),
        ),
    ]
