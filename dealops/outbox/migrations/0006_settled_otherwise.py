import django.db.models.deletion
import pgtrigger.compiler
import pgtrigger.migrations
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('outbox', '0005_messages_by_when_they_arrived'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        pgtrigger.migrations.RemoveTrigger(
            model_name='message',
            name='legal_moves',
        ),
        migrations.AddField(
            model_name='message',
            name='settled_at',
            field=models.DateTimeField(blank=True, help_text='By the clock of the business, as the decision it is', null=True),
        ),
        migrations.AddField(
            model_name='message',
            name='settled_by',
            field=models.ForeignKey(blank=True, db_index=False, help_text='Who settled it otherwise', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='message',
            name='settled_reason',
            field=models.TextField(blank=True, db_default='', default='', help_text="Why nothing more is sent, in that person's words"),
        ),
        migrations.AlterField(
            model_name='message',
            name='state',
            field=models.CharField(choices=[('queued', 'Queued'), ('sending', 'Sending'), ('unknown', 'Unknown, asking'), ('done', 'Done'), ('parked', 'Needs a person'), ('settled', 'Settled otherwise')], default='queued', max_length=10),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='message',
            trigger=pgtrigger.compiler.Trigger(name='legal_moves', sql=pgtrigger.compiler.UpsertTriggerSql(declare='DECLARE _is_valid_transition BOOLEAN;', func='SELECT CONCAT(OLD."state", \':\', NEW."state") = ANY(\'{queued:sending,unknown:sending,sending:done,sending:queued,sending:unknown,sending:parked,sending:sending,queued:parked,unknown:parked,parked:queued,parked:unknown,parked:settled,settled:queued,settled:unknown}\'::text[]) INTO _is_valid_transition; IF (_is_valid_transition IS FALSE AND OLD."state" IS DISTINCT FROM NEW."state") THEN RAISE EXCEPTION \'pgtrigger: Invalid transition of field "state" from "%" to "%" on table %\', OLD."state", NEW."state", TG_TABLE_NAME; ELSE RETURN NEW; END IF;', hash='4453f1d08736e5c5eade5626b916936e5729de59', operation='UPDATE', pgid='pgtrigger_legal_moves_beaf6', table='outbox_message', when='BEFORE')),
        ),
        migrations.AddConstraint(
            model_name='message',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('done_at__isnull', True), ('settled_at__isnull', False), ('settled_by__isnull', False), ('state', 'settled'), models.Q(('settled_reason', ''), _negated=True)), models.Q(models.Q(('state', 'settled'), _negated=True), ('settled_at__isnull', True), ('settled_by__isnull', True)), _connector='OR'), name='outbox_settled_by_somebody'),
        ),
    ]
