"""CRM is written in capitals, and its properties are not "propertys". Names only."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("expansion", "0024_kept_for_the_hand_off")]

    operations = [
        migrations.AlterModelOptions("crmevent", {"verbose_name": "CRM event"}),
        migrations.AlterModelOptions("crmlink", {"verbose_name": "CRM link"}),
        migrations.AlterModelOptions("crmportal", {"verbose_name": "CRM portal"}),
        migrations.AlterModelOptions("crmproperty", {"verbose_name": "CRM property", "verbose_name_plural": "CRM properties"}),
        migrations.AlterModelOptions("crmproposal", {"verbose_name": "CRM proposal"}),
        migrations.AlterModelOptions("crmstage", {"verbose_name": "CRM stage"}),
    ]
