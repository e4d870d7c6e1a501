import dealops.audit.history
import pghistory.utils
import pgtrigger.compiler
import uuid
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('audit', '0002_anchors'),
        ('pghistory', '0007_auto_20250421_0444'),
    ]

    operations = [
        migrations.CreateModel(
            name='UserHistory',
            fields=[
                ('pgh_id', models.BigAutoField(primary_key=True, serialize=False)),
                ('pgh_created_at', models.DateTimeField(auto_now_add=True, verbose_name='at')),
                ('pgh_label', models.CharField(choices=[('insert', 'added'), ('update', 'changed'), ('delete', 'removed')], max_length=10, verbose_name='what')),
                ('pgh_database_user', models.CharField(db_default=dealops.audit.history.SessionUser(), editable=False, max_length=63, verbose_name='database user')),
                ('pgh_context', pghistory.utils.JSONField(null=True)),
                ('id', models.BigIntegerField()),
                ('person', models.UUIDField(default=uuid.uuid4, help_text='The same for every log-in of one human being.')),
                ('role', models.CharField(choices=[('sales', 'Sales'), ('customer_success', 'Customer Success'), ('finance', 'Finance'), ('revops', 'RevOps'), ('auditor', 'Auditor')], max_length=20)),
                ('is_active', models.BooleanField(default=True, help_text='Designates whether this user should be treated as active. Unselect this instead of deleting accounts.', verbose_name='active')),
                ('is_staff', models.BooleanField(default=False, help_text='Designates whether the user can log into this admin site.', verbose_name='staff status')),
                ('is_superuser', models.BooleanField(default=False, help_text='Designates that this user has all permissions without explicitly assigning them.', verbose_name='superuser status')),
                ('approval_limit', models.DecimalField(blank=True, decimal_places=3, help_text='Highest amount this person may approve alone; empty means none.', max_digits=20, null=True)),
                ('approval_currency', models.CharField(blank=True, max_length=3)),
            ],
            options={
                'verbose_name': 'former user',
                'verbose_name_plural': 'former users',
                'abstract': False,
                'indexes': [models.Index(fields=['id', 'pgh_id'], name='userhistory_row'), models.Index(fields=['pgh_created_at'], name='userhistory_at')],
                'triggers': [pgtrigger.compiler.Trigger(name='append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='7575883dc2d7db12e8d322ae46f54a3798a4b6ed', operation='UPDATE OR DELETE', pgid='pgtrigger_append_only_231c8', table='audit_userhistory', when='BEFORE'))],
            },
        ),
    ]
