import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("outbox", "0004_signs_of_life"),
        ("expansion", "0013_use_case_and_procurement"),
    ]

    operations = [
        migrations.AddField(
            model_name="notice",
            name="gathered_in",
            field=models.ForeignKey(
                blank=True,
                help_text="It went out together with others",
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="notices",
                to="outbox.message",
            ),
        ),
    ]
