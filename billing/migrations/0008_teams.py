from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('billing', '0007_what_reconcile_finds'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Team',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('code', models.SlugField(max_length=30, unique=True)),
                ('name', models.CharField(max_length=80)),
                ('customers', models.ManyToManyField(blank=True, related_name='+', to='billing.customer')),
                ('legal_entities', models.ManyToManyField(blank=True, related_name='+', to='billing.legalentity')),
                ('members', models.ManyToManyField(blank=True, related_name='teams', to=settings.AUTH_USER_MODEL)),
                ('segments', models.ManyToManyField(blank=True, related_name='+', to='billing.segment')),
            ],
        ),
    ]
