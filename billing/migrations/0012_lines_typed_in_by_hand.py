import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [
        ('billing', '0011_former_rows'),
    ]

    operations = [
        pgtrigger.migrations.AddTrigger(
            model_name='contractline',
            trigger=pgtrigger.compiler.Trigger(name='history_of_added', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "billing_contractlinehistory" ("added_in_id", "contract_id", "discount", "ends", "id", "is_recurring", "key", "minimum", "months", "pgh_context", "pgh_created_at", "pgh_label", "product_id", "quantity", "removed_in_id", "starts", "tax_code", "tax_rate", "unit_price") VALUES (NEW."added_in_id", NEW."contract_id", NEW."discount", NEW."ends", NEW."id", NEW."is_recurring", NEW."key", NEW."minimum", NEW."months", COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_metadata\', TRUE), \'\'), NULL)::JSONB, NOW(), \'insert\', NEW."product_id", NEW."quantity", NEW."removed_in_id", NEW."starts", NEW."tax_code", NEW."tax_rate", NEW."unit_price"); RETURN NULL;', hash='b0d6309d35e0d3f7c56ef93d98f8908bd07a6e47', operation='INSERT', pgid='pgtrigger_history_of_added_7e2bb', table='billing_contractline', when='AFTER')),
        ),
    ]
