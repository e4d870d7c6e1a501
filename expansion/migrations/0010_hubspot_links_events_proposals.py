"""What HubSpot says about deals, what we wrote there, and what its people propose."""

import django.contrib.postgres.fields
import django.contrib.postgres.indexes
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('expansion', '0009_day_of_recurring_revenue'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='CrmPortal',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('portal', models.CharField(help_text="HubSpot's number of the account", max_length=20, unique=True)),
                ('name', models.CharField(max_length=200)),
                ('tested_at', models.DateTimeField()),
                ('cursor', models.DateTimeField(blank=True, help_text='Everything modified before it was looked at', null=True)),
            ],
        ),
        migrations.CreateModel(
            name='CrmEvent',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('portal', models.CharField(max_length=60)),
                ('kind', models.CharField(help_text='e.g. deal.propertyChange', max_length=60)),
                ('object_id', models.CharField(max_length=60)),
                ('property', models.CharField(blank=True, max_length=60)),
                ('occurred_at', models.BigIntegerField(help_text="Milliseconds since 1970, by HubSpot's clock")),
                ('event_id', models.CharField(blank=True, max_length=60)),
                ('merged', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=60), blank=True, default=list, help_text='Records that went into another one', size=None)),
                ('merged_into', models.CharField(blank=True, max_length=60)),
                ('received_at', models.DateTimeField()),
            ],
            options={
                'indexes': [django.contrib.postgres.indexes.GinIndex(condition=models.Q(('kind', 'deal.merge')), fields=['merged'], name='crm_event_merged')],
                'constraints': [models.UniqueConstraint(fields=('portal', 'kind', 'object_id', 'property', 'occurred_at', 'event_id'), name='crm_event_once')],
            },
        ),
        migrations.CreateModel(
            name='CrmLink',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('state', models.CharField(choices=[('linked', 'Linked'), ('deleted', 'Deleted in HubSpot'), ('merged', 'Merged in HubSpot, needs a decision')], default='linked', max_length=8)),
                ('words', models.TextField(blank=True, help_text='Why changes of the deal are frozen')),
                ('merged_into', models.CharField(blank=True, help_text='The record it went into, while nobody has decided', max_length=40)),
                ('is_dirty', models.BooleanField(default=False, help_text='Something moved there since it was last read')),
                ('generation', models.PositiveIntegerField(default=0, help_text='How often it was marked to be read')),
                ('read_at', models.DateTimeField(blank=True, null=True)),
                ('modified', models.DateTimeField(blank=True, help_text="By HubSpot's clock, when it was last read", null=True)),
                ('seen', models.JSONField(default=dict, help_text='Amount, pipeline, stage and name as HubSpot has them')),
                ('lines', models.JSONField(default=list, help_text='Line items as HubSpot has them')),
                ('settled', models.JSONField(blank=True, help_text='Line items when the last proposal was settled; empty before the first reading', null=True)),
                ('line_ids', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=40), blank=True, default=list, size=None)),
                ('sending', models.JSONField(blank=True, default=dict, help_text='Properties that are being written')),
                ('written', models.JSONField(blank=True, default=dict, help_text='Properties as we last wrote them')),
                ('writes', models.PositiveIntegerField(default=0, help_text='How often we wrote')),
                ('deal', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='crm_link', to='expansion.deal')),
            ],
            options={
                'indexes': [django.contrib.postgres.indexes.GinIndex(fields=['line_ids'], name='crm_link_lines')],
            },
        ),
        migrations.CreateModel(
            name='CrmProposal',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('state', models.CharField(choices=[('open', 'Proposed'), ('taken', 'Drafted as a change'), ('dismissed', 'Not followed'), ('gone', 'No longer different')], default='open', max_length=9)),
                ('version', models.PositiveIntegerField(default=1)),
                ('intents', models.JSONField(default=list)),
                ('words', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=300), default=list, help_text='Each step in words', size=None)),
                ('problems', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=500), blank=True, default=list, help_text='What could not be understood', size=None)),
                ('found_at', models.DateTimeField()),
                ('closed_at', models.DateTimeField(blank=True, null=True)),
                ('change', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='crm_proposals', to='expansion.change')),
                ('closed_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('deal', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='crm_proposals', to='expansion.deal')),
            ],
            options={
                'constraints': [models.UniqueConstraint(condition=models.Q(('state', 'open')), fields=('deal',), name='one_open_crm_proposal'), models.CheckConstraint(condition=models.Q(models.Q(('state', 'taken'), _negated=True), ('change__isnull', False), _connector='OR'), name='taken_proposal_has_its_change')],
            },
        ),
        migrations.CreateModel(
            name='CrmStage',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('remote_pipeline', models.CharField(max_length=60)),
                ('pipeline_name', models.CharField(max_length=120)),
                ('remote_stage', models.CharField(max_length=60)),
                ('stage_name', models.CharField(max_length=120)),
                ('position', models.PositiveSmallIntegerField(default=0)),
                ('stage', models.OneToOneField(blank=True, help_text='Empty: its deals stay where they are', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='crm_stage', to='expansion.stage')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('remote_pipeline', 'remote_stage'), name='crm_stage_once')],
            },
        ),
    ]
