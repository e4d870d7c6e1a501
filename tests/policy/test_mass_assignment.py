"""Every column of every model, sent to every address that writes: nothing that only the product sets is set (F87, G20)."""

import json
from urllib.parse import urlencode

import pytest
from django.apps import apps
from django.db import connection, transaction
from django.test import Client

from billing.models import Contract, ContractLine, Customer, Document, Price, Team
from dealops.accounts.models import ApiToken, Role, User
from expansion.models import ApprovalRule, Change, Deal, Decision, Delegation, Handoff
from tests.policy.test_doors import ASKED, address, doors

pytestmark = [pytest.mark.django_db, pytest.mark.req("F87", "G20")]
APPS = ("accounts", "audit", "billing", "expansion", "outbox")
# Rows that give rights, decide amounts or say who did what. Columns of a person that signing in writes are none of it.
GUARDED = (ApiToken, ApprovalRule, Change, Contract, ContractLine, Customer, Deal, Decision, Delegation, Document, Handoff, Price, User)
MOVES = {"last_login"}


def every_column():
    """The name of each column there is, and of each link to rows."""
    names = {field.name for model in apps.get_models() if model._meta.app_label in APPS for field in model._meta.get_fields()}
    return sorted({*names, *(f"{name}_id" for name in names)})


def guarded():
    rows = {}
    for model in GUARDED:
        columns = [field.attname for field in model._meta.concrete_fields if field.name not in MOVES]
        rows[model.__name__] = sorted(model._base_manager.values_list(*columns), key=str)
    return rows | {"Team": sorted(Team.objects.values_list("pk", "members", "legal_entities", "segments", "customers"), key=str)}


def counted():
    """How many rows of the guarded tables were written since the transaction began; PostgreSQL counts what was rolled back as well."""
    tables = [
        *(model._meta.db_table for model in GUARDED),
        *(field.remote_field.through._meta.db_table for field in Team._meta.many_to_many),
    ]
    with connection.cursor() as cursor:
        cursor.execute("SELECT sum(n_tup_ins + n_tup_upd + n_tup_del) FROM pg_stat_xact_user_tables WHERE relname = ANY(%s)", [tables])
        return cursor.fetchone()[0]


def sent(client, method, name, path, values):
    headers = {"Idempotency-Key": f"{method} {path}"[:200], "If-Match": '"1"'} if path.startswith("/api/") else {}
    if path.startswith("/api/"):
        return client.generic(method, path, json.dumps(values).encode(), content_type="application/json", headers=headers)
    asked = {**values, **ASKED.get(name, {})}
    return client.generic(method, path, urlencode(asked), content_type="application/x-www-form-urlencoded")


@pytest.mark.parametrize("role", [Role.SALES, Role.FINANCE, Role.REVOPS])
def test_no_column_is_set_by_sending_its_name(company, role):
    client, wrong, tried = Client(raise_request_exception=False), [], 0
    client.force_login(company.people["colleague"][role])
    values = dict.fromkeys(every_column(), "1")
    assert {"state", "maker", "content_hash", "unit_price", "approval_limit", "is_superuser", "members"} <= set(values)
    before, seen = guarded(), counted()
    for name, door, method in doors():
        if method == "GET" or name in {"account_logout", "persona"}:
            continue
        path = address(name, door, company.here)
        with transaction.atomic():
            answer = sent(client, method, name, path, values)
            count = counted()
            after = guarded() if count != seen else before
            transaction.set_rollback(True)
        seen = count
        tried += 1
        if answer.status_code >= 500:
            wrong.append(f"{method} {name} answers {answer.status_code}")
        if path.startswith("/api/") and answer.status_code < 400:
            wrong.append(f"{method} {name} takes columns it does not know")
        wrong += [f"{method} {name} changed {rows}" for rows in before if after[rows] != before[rows]]
    assert not wrong, "\n".join(wrong)
    assert tried > 60
