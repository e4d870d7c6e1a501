"""SQL typed around the product is in the history of rows like everything else, and says that nobody told on whose behalf (F98)."""

from contextlib import contextmanager

import psycopg
import pytest
from django.db import connection

from dealops.accounts.models import Role, User
from dealops.audit import context
from dealops.audit.history import KEPT
from expansion.models import ApprovalRule


@contextmanager
def by_hand():
    """A session at the database that is none of ours, as `psql` would open it."""
    given = connection.get_connection_params()
    with psycopg.connect(**{name: given[name] for name in ("dbname", "user", "password", "host", "port") if given.get(name)}) as session:
        yield session


@pytest.mark.req("F98")
@pytest.mark.django_db(transaction=True)
def test_sql_typed_around_the_product_is_kept_without_anybody_and_with_the_database_user(client):
    auditor = User.objects.create_user("olga@x.example", name="Olga Auditor", role=Role.AUDITOR)
    rule = ApprovalRule.objects.create(name="Above a thousand", amount_from=1000, currency="GBP")
    with context.through("web", "abc", auditor.pk):
        ApprovalRule.objects.filter(pk=rule.pk).update(approvers=2)
    with by_hand() as session:
        session.execute("UPDATE expansion_approvalrule SET amount_from = 900000 WHERE id = %s", [rule.pk])
    # The same session that the product has just used tells nothing either.
    connection.connection.cursor().execute(f"UPDATE expansion_approvalrule SET is_active = false WHERE id = {rule.pk}")
    user = connection.get_connection_params()["user"]
    kept = next(kept for kept in KEPT if kept.pgh_tracked_model is ApprovalRule)
    rows = kept.objects.filter(id=rule.pk).order_by("pgh_id")
    assert list(rows.values_list("pgh_label", "pgh_context", "pgh_database_user")) == [
        ("insert", {"via": "system"}, user),
        ("update", {"via": "web", "request": "abc", "by": auditor.pk}, user),
        ("update", None, user),
        ("update", None, user),
    ]
    client.force_login(auditor)
    page = " ".join(client.get("/audit/rows?via=outside").content.decode().split())
    assert page.count(f"outside the product (database user {user})") == 2
    assert "<del>1000</del> 900000" in page and "<del>yes</del> no" in page
    assert "Olga Auditor" not in page.split("<tbody>")[1]
