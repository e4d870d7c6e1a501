from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("billing", "0009_connections"),
    ]

    operations = [
        migrations.AddField(
            model_name="legalentity",
            name="accounting",
            field=models.CharField(
                choices=[
                    ("xero", "Xero"),
                    ("quickbooks", "QuickBooks Online"),
                    ("in_house", "None: dealops e-mails its invoices itself"),
                ],
                default="xero",
                help_text=(
                    "With none, nothing is posted: recurring invoices, one-off invoices and credit notes go to the customer by e-mail."
                ),
                max_length=10,
            ),
        ),
    ]
