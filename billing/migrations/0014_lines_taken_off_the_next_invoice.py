"""A line that waits for the next invoice may be taken off it by the reversal of its change."""

import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('billing', '0013_rests_keep_their_place'),
    ]

    operations = [
        pgtrigger.migrations.RemoveTrigger(
            model_name='pendingline',
            name='history_of_changed',
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name='pendingline',
            name='history_of_removed',
        ),
        migrations.AddField(
            model_name='pendingline',
            name='withdrawn_by',
            field=models.CharField(blank=True, db_default='', default='', help_text='The change that took its change back before an invoice took this line up', max_length=40),
        ),
        migrations.AddField(
            model_name='pendinglinehistory',
            name='withdrawn_by',
            field=models.CharField(blank=True, db_default='', default='', help_text='The change that took its change back before an invoice took this line up', max_length=40),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='pendingline',
            trigger=pgtrigger.compiler.Trigger(name='history_of_changed', sql=pgtrigger.compiler.UpsertTriggerSql(func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "billing_pendinglinehistory" ("billed_in_id", "continues_id", "contract_id", "created_at", "id", "line", "pgh_context", "pgh_created_at", "pgh_label", "reduces", "reference", "withdrawn_by") SELECT old_values."billed_in_id", old_values."continues_id", old_values."contract_id", old_values."created_at", old_values."id", old_values."line", COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_metadata\', TRUE), \'\'), NULL)::JSONB, NOW(), \'update\', old_values."reduces", old_values."reference", old_values."withdrawn_by" FROM ( SELECT old_values.* FROM old_values JOIN new_values ON (old_values."id") = (new_values."id") WHERE (old_values.* IS DISTINCT FROM new_values.*) ) AS old_values, _pgh_attached_context; RETURN NULL;', hash='af13384be2a5da4d62dfc6bf3bded4656bb9221a', level='STATEMENT', operation='UPDATE', pgid='pgtrigger_history_of_changed_64527', referencing='REFERENCING OLD TABLE AS old_values  NEW TABLE AS new_values ', table='billing_pendingline', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='pendingline',
            trigger=pgtrigger.compiler.Trigger(name='history_of_removed', sql=pgtrigger.compiler.UpsertTriggerSql(func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "billing_pendinglinehistory" ("billed_in_id", "continues_id", "contract_id", "created_at", "id", "line", "pgh_context", "pgh_created_at", "pgh_label", "reduces", "reference", "withdrawn_by") SELECT old_values."billed_in_id", old_values."continues_id", old_values."contract_id", old_values."created_at", old_values."id", old_values."line", COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_metadata\', TRUE), \'\'), NULL)::JSONB, NOW(), \'delete\', old_values."reduces", old_values."reference", old_values."withdrawn_by" FROM ( SELECT old_values.* FROM old_values  ) AS old_values, _pgh_attached_context; RETURN NULL;', hash='0eec8286994ca371ae9a71f6af4a66cb9c8e3403', level='STATEMENT', operation='DELETE', pgid='pgtrigger_history_of_removed_e4485', referencing='REFERENCING OLD TABLE AS old_values ', table='billing_pendingline', when='AFTER')),
        ),
        migrations.AddConstraint(
            model_name='pendingline',
            constraint=models.CheckConstraint(condition=models.Q(('withdrawn_by', ''), ('billed_in__isnull', True), _connector='OR'), name='pending_line_one_end'),
        ),
    ]
