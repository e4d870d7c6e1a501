"""The database goes away while somebody decides: that is said, and nobody is told that somebody else is saving (F105)."""

import re
from pathlib import Path

import psycopg
import pytest
from django.conf import settings
from django.db import connection

from expansion.models import Decision
from tests.expansion.desk import shown, submitted
from tests.scenarios.workers import database_url

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.req("F105")]


@pytest.fixture
def own_connection(db):
    """Whatever becomes of the connection, the next test gets a new one."""
    yield
    connection.close()


def test_an_approval_that_loses_its_database_is_out_of_order_and_decides_nothing(finance, world, own_connection):
    change = submitted(world)
    finance.raise_request_exception = False

    def cut(execute, sql, params, many, context):
        if 'INSERT INTO "expansion_decision"' in sql:
            with psycopg.connect(database_url()) as other:
                other.execute("SELECT pg_terminate_backend(%s, 10000)", [connection.connection.info.backend_pid])
        return execute(sql, params, many, context)

    with connection.execute_wrapper(cut):
        answer = finance.post(f"/approvals/{change.number}/approve", shown(change))
    assert answer.status_code == 503
    assert "Nothing was half done" in answer.content.decode()
    connection.close()
    change.refresh_from_db()
    assert change.state == "submitted" and not Decision.objects.exists()


def test_no_page_takes_every_failure_of_the_database_for_a_row_in_use():
    pages = sorted(Path(settings.BASE_DIR, "expansion/web").glob("*.py"))
    caught = re.compile(r"except OperationalError.*\n *(.*)\n")
    first_lines = {(path.name, line) for path in pages for line in caught.findall(path.read_text())}
    assert first_lines and {line for _, line in first_lines} == {"raise_unless_busy(failure)"}, first_lines
