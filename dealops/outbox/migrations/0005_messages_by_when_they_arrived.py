from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("outbox", "0004_signs_of_life")]

    operations = [
        migrations.AddIndex(
            model_name="message",
            index=models.Index(condition=models.Q(("state", "done")), fields=["done_at"], name="outbox_done_at"),
        ),
    ]
