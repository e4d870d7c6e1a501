"""Every migration can be taken back; every one after the first release may run beside people at work (F103, F104)."""

import pytest
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models
from django.db.migrations.loader import MigrationLoader

from tests.dealops.upgrades.rules import BEFORE_FIRST_RELEASE, irreversible, is_new, unsafe

# (app, migration): why it is safe all the same.
ALLOWED: dict[tuple[str, str], str] = {}


@pytest.fixture(scope="module")
def ours():
    loader = MigrationLoader(None)
    return {key: migration for key, migration in loader.disk_migrations.items() if key[0] in BEFORE_FIRST_RELEASE}


@pytest.mark.req("F103", "G28")
def test_every_migration_can_be_taken_back(ours):
    assert len(ours) > 20
    assert {key: found for key, migration in ours.items() if (found := irreversible(migration.operations))} == {}


@pytest.mark.req("F104", "G28")
def test_no_migration_after_the_first_release_holds_a_table_or_breaks_the_release_before(ours):
    wrong = {key: found for key, one in ours.items() if is_new(*key) and key not in ALLOWED and (found := unsafe(one.operations))}
    assert wrong == {}


index = models.Index(fields=["number"], name="by_number")
check = models.CheckConstraint(condition=models.Q(number__gt=0), name="positive")


@pytest.mark.req("F103", "F104")
@pytest.mark.parametrize(
    "one",
    [
        migrations.AddIndex("Deal", index),
        migrations.AddConstraint("Deal", check),
        migrations.AddField("Deal", "new", models.IntegerField(default=1)),
        migrations.AddField("Deal", "new", models.IntegerField(null=True, unique=True)),
        migrations.RemoveField("Deal", "old"),
        migrations.DeleteModel("Deal"),
        migrations.RenameField("Deal", "old", "new"),
        migrations.AlterField("Deal", "old", models.IntegerField()),
    ],
    ids=lambda one: type(one).__name__,
)
def test_what_would_hold_the_table_or_break_the_release_before_is_seen(one):
    assert unsafe([one])


@pytest.mark.parametrize(
    "operations",
    [
        [AddIndexConcurrently("Deal", index)],
        [migrations.AddField("Deal", "new", models.IntegerField(null=True))],
        [migrations.AddField("Deal", "new", models.IntegerField(db_default=1))],
        [migrations.CreateModel("Deal", [("id", models.BigAutoField(primary_key=True))]), migrations.AddIndex("Deal", index)],
    ],
    ids=["concurrent", "nullable", "with_a_default_of_the_database", "on_a_new_table"],
)
def test_what_is_safe_is_let_through(operations):
    assert unsafe(operations) == []


@pytest.mark.req("F103")
def test_what_cannot_be_taken_back_is_seen():
    assert irreversible([migrations.RunPython(lambda apps, editor: None)])
