"""A database with rows goes a release back and forward again, and a migration waits politely (F103, F104). On a copy of the test's own."""

import os
import subprocess
import sys

import psycopg
import pytest
from django.db import connection

from tests.expansion.desk import approved
from tests.scenarios.portfolio import bill_months, sign_more
from tests.scenarios.workers import ROOT, database_url
from tests.worlds import seed_world

pytestmark = pytest.mark.django_db(transaction=True)

COPY = "copy_of_the_tests_own"
# The tables as the release before may have left them: some steps back in every app.
BACK = (("expansion", "0009"), ("billing", "0009"), ("outbox", "0002"), ("audit", "0001"), ("accounts", "0001"))
MONEY = (
    "billing_contract", "billing_contractline", "billing_contractversion", "billing_document", "billing_documentline",
    "billing_futureinvoice", "billing_futureinvoiceversion", "billing_posting", "expansion_change",
    "expansion_decision", "outbox_message", "audit_entry",
)  # fmt: skip


@pytest.fixture
def copy():
    """The address of a copy of the test's database, rows and all."""
    world = seed_world()
    sign_more(world, 3)
    bill_months(4, 5)
    approved(world)
    name = connection.settings_dict["NAME"]
    address = database_url().replace(f"/{name}", f"/{COPY}")
    admin = database_url().replace(f"/{name}", "/postgres")
    connection.close()
    with psycopg.connect(admin, autocommit=True) as one:
        one.execute(f"DROP DATABASE IF EXISTS {COPY} WITH (FORCE)")
        one.execute(f"CREATE DATABASE {COPY} TEMPLATE {name}")
    yield address
    with psycopg.connect(admin, autocommit=True) as one:
        one.execute(f"DROP DATABASE {COPY} WITH (FORCE)")


def _python(address, *words):
    env = {**os.environ, "DATABASE_URL": address, "PYTHONUNBUFFERED": "1", "DJANGO_SETTINGS_MODULE": "dealops.settings"}
    return subprocess.Popen([sys.executable, *words], cwd=ROOT, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


DOWN_AND_UP = """
import sys, django; django.setup()
from django.core.management import call_command
for app, target in %r:
    call_command("migrate", app, target, verbosity=0)
print("down", flush=True)
call_command("migrate", verbosity=0)
call_command("verify")
"""


def done(process):
    said, _ = process.communicate(timeout=250)
    assert process.returncode == 0, said
    return said


def rows(address):
    """What the money tables hold, as text by table; columns by name, because one that comes back stands last."""
    found = {}
    with psycopg.connect(address) as one:
        for table in MONEY:
            cursor = one.execute(f"SELECT to_jsonb(t)::text FROM {table} t ORDER BY id")
            found[table] = [row[0] for row in cursor]
    return found


@pytest.mark.proof("G28 a release back and forward again")
@pytest.mark.req("F103", "G28")
def test_down_and_up_again_every_row_of_money_is_the_same_and_the_books_hold(copy):
    before = rows(copy)
    assert all(before[table] for table in ("billing_document", "billing_documentline", "expansion_decision", "audit_entry"))
    assert done(_python(copy, "-c", DOWN_AND_UP % (BACK,))).startswith("down")
    assert rows(copy) == before


# The command is ours; in the place of a migration's statements, which take seconds to be worked out, stands one that needs the table alone.
POLITE = """
import django; django.setup()
from django.core.management import call_command
from django.core.management.commands import migrate
from django.db import connection

def change(self, *args, **options):
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE outbox_message ADD COLUMN polite integer")

migrate.Command.handle = change
call_command("migrate")
"""


@pytest.mark.req("F104")
def test_a_migration_that_has_to_wait_lets_others_through_between_its_tries(copy):
    reading = "SELECT count(*) FROM outbox_message"
    with psycopg.connect(copy) as report, psycopg.connect(copy, autocommit=True) as page:
        report.execute(reading)  # somebody's long report, in a transaction that stays open
        migrating = _python(copy, "-c", POLITE)
        while "A table is in use" not in (line := migrating.stdout.readline()):
            assert line or migrating.poll() is None, "it ended instead of waiting"
        assert page.execute(reading).fetchone()[0] > 0, "a page reads while the report still goes on"
        report.rollback()
        done(migrating)
        columns = page.execute("SELECT column_name FROM information_schema.columns WHERE table_name = 'outbox_message'").fetchall()
    assert ("polite",) in columns
