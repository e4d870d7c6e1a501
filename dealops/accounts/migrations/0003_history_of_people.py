import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0002_api_tokens'),
        ('audit', '0003_former_rows_of_people'),
        ('pghistory', '0007_auto_20250421_0444'),
    ]

    operations = [
        pgtrigger.migrations.AddTrigger(
            model_name='user',
            trigger=pgtrigger.compiler.Trigger(name='history_of_changed', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD."approval_currency" IS DISTINCT FROM (NEW."approval_currency") OR OLD."approval_limit" IS DISTINCT FROM (NEW."approval_limit") OR OLD."id" IS DISTINCT FROM (NEW."id") OR OLD."is_active" IS DISTINCT FROM (NEW."is_active") OR OLD."is_staff" IS DISTINCT FROM (NEW."is_staff") OR OLD."is_superuser" IS DISTINCT FROM (NEW."is_superuser") OR OLD."person" IS DISTINCT FROM (NEW."person") OR OLD."role" IS DISTINCT FROM (NEW."role"))', func='INSERT INTO "audit_userhistory" ("approval_currency", "approval_limit", "id", "is_active", "is_staff", "is_superuser", "person", "pgh_context", "pgh_created_at", "pgh_label", "role") VALUES (OLD."approval_currency", OLD."approval_limit", OLD."id", OLD."is_active", OLD."is_staff", OLD."is_superuser", OLD."person", COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_metadata\', TRUE), \'\'), NULL)::JSONB, NOW(), \'update\', OLD."role"); RETURN NULL;', hash='bcc3f05bf2678d4886910bf8b18324c90e45e145', operation='UPDATE', pgid='pgtrigger_history_of_changed_2e62c', table='accounts_user', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='user',
            trigger=pgtrigger.compiler.Trigger(name='history_of_removed', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "audit_userhistory" ("approval_currency", "approval_limit", "id", "is_active", "is_staff", "is_superuser", "person", "pgh_context", "pgh_created_at", "pgh_label", "role") VALUES (OLD."approval_currency", OLD."approval_limit", OLD."id", OLD."is_active", OLD."is_staff", OLD."is_superuser", OLD."person", COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_metadata\', TRUE), \'\'), NULL)::JSONB, NOW(), \'delete\', OLD."role"); RETURN NULL;', hash='c9b08df9bc055e418db57f1058ad3a3faa9fc9f4', operation='DELETE', pgid='pgtrigger_history_of_removed_7b8e6', table='accounts_user', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='user',
            trigger=pgtrigger.compiler.Trigger(name='history_of_added', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "audit_userhistory" ("approval_currency", "approval_limit", "id", "is_active", "is_staff", "is_superuser", "person", "pgh_context", "pgh_created_at", "pgh_label", "role") VALUES (NEW."approval_currency", NEW."approval_limit", NEW."id", NEW."is_active", NEW."is_staff", NEW."is_superuser", NEW."person", COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_metadata\', TRUE), \'\'), NULL)::JSONB, NOW(), \'insert\', NEW."role"); RETURN NULL;', hash='2f0acee92fb6bd2596d076c9676a8d77638b05cc', operation='INSERT', pgid='pgtrigger_history_of_added_0f883', table='accounts_user', when='AFTER')),
        ),
    ]
