"""Which text property of HubSpot's deals carries which group of a hand-off's context."""

from django.db import migrations, models

GROUPS = [
    ("need", "What they need"),
    ("product", "What they have"),
    ("offer", "What was offered"),
    ("routing", "Why it comes to you"),
]


class Migration(migrations.Migration):
    dependencies = [("expansion", "0020_offers_a_week")]

    operations = [
        migrations.CreateModel(
            name="CrmProperty",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("group", models.CharField(choices=GROUPS, max_length=8, unique=True)),
                ("name", models.CharField(help_text="HubSpot's internal name of the property", max_length=100, unique=True)),
            ],
        ),
    ]
