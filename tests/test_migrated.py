"""The tables that runs start from are made anew when what makes them has changed (migrated.py)."""

import pytest
from django.core.management import call_command

from tests import migrated


@pytest.fixture
def a_checkout(tmp_path, monkeypatch):
    for name in ("billing/migrations/0001_initial.py", "billing/models/documents.py", "billing/rules.py", "requirements.lock"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("1")
    monkeypatch.setattr(migrated, "ROOT", tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("name", "is_another"),
    [
        ("billing/migrations/0001_initial.py", True),
        ("billing/migrations/0002_new.py", True),
        ("billing/models/documents.py", True),
        ("requirements.lock", True),
        ("billing/rules.py", False),
    ],
)
def test_another_migration_model_or_package_asks_for_other_tables(a_checkout, name, is_another):
    before = migrated._digest()
    (a_checkout / name).write_text("2")
    assert (migrated._digest() != before) is is_another


def test_a_checkout_that_cannot_migrate_gets_servers_without_tables(a_checkout):
    before = migrated.is_template
    with migrated.servers(valkey=False) as handle:
        assert handle.urls.database_url.endswith("/dealops")
        assert migrated.is_template is before
    assert not [path for path in (a_checkout / ".pytest_cache").rglob("*") if path.suffix == ".new"]


@pytest.mark.django_db
def test_the_tables_of_this_run_are_those_of_its_migrations():
    call_command("migrate", check_unapplied=True, verbosity=0)
