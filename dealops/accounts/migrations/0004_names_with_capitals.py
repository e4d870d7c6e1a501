"""API is written in capitals. A name only."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("accounts", "0003_history_of_people")]

    operations = [migrations.AlterModelOptions("apitoken", {"verbose_name": "API token"})]
