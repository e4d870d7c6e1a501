"""Row history: whatever changes a row, the database keeps what it was, on whose behalf, and nothing that is nobody's business."""

from datetime import date
from types import SimpleNamespace
from uuid import uuid4

import pytest
from django.db import DatabaseError, connection, transaction
from django.test import Client
from django.test.utils import override_settings
from django.urls import reverse

from billing.models import Contract, ContractLine, Customer, FutureInvoice, LegalEntity, Price, Team
from billing.operations.billing_run import bill
from dealops.accounts.models import Role, User
from dealops.audit import context
from dealops.audit.history import KEPT, columns
from dealops.audit.history_context import tell
from expansion.models import Change
from tests.dealops.rest.tokens import header_for
from tests.expansion.desk import drafted, set_clock, shown, submitted
from tests.worlds import NOON, seed_world

pytestmark = pytest.mark.req("F98")


@pytest.fixture(scope="module")
def story(django_db_setup, django_db_blocker):
    """Built once for the file; each test is rolled back inside."""
    with django_db_blocker.unblock(), override_settings(DEMO=True), transaction.atomic():
        set_clock(SimpleNamespace())
        yield seed_world()
        transaction.set_rollback(True)


@pytest.fixture
def world(story, db, settings):
    settings.DEMO = True
    return story


def history(model):
    return next(kept for kept in KEPT if kept.pgh_tracked_model is model)


def newest(model, **which):
    return history(model).objects.filter(**which).latest("pgh_id")


# --- on whose behalf ------------------------------------------------------------------------------------------------------


def test_a_bulk_update_within_a_request_names_the_person_and_the_request(world, client):
    change = submitted(world)
    client.force_login(world.finance)
    answer = client.post(reverse("approval_approve", args=[change.number]), shown(change))
    # Lines are superseded by one `update()` of a query set, which sends no signal and calls no save.
    row = newest(ContractLine, pgh_label="update")
    assert row.pgh_context == {"via": "web", "request": answer.headers["X-Request-ID"], "by": world.finance.pk}
    assert row.removed_in_id is None and ContractLine.objects.get(pk=row.id).removed_in_id
    assert newest(Change).pgh_context["by"] == world.finance.pk


def test_what_a_program_does_is_noted_for_the_person_whose_token_it_shows(world):
    change = drafted(world)
    headers = {**header_for(world.ae), "If-Match": '"1"'}
    body = {"content_hash": change.content_hash}
    answer = Client().post(f"/api/v1/changes/{change.number}/submit/", body, content_type="application/json", headers=headers)
    assert answer.status_code == 200, answer.content
    rows = history(Change).objects.filter(state="draft", number=change.number)
    assert [(row.pgh_context["via"], row.pgh_context["by"]) for row in rows] == [("api", world.ae.pk)]


def test_each_statement_goes_through_the_door_it_was_written_behind(world):
    price = Price.objects.first()
    for door in ("command", "task"):
        with context.through(door, by=world.csm.pk if door == "task" else None):
            price.unit_price += 1
            price.save()
    assert [row.pgh_context for row in history(Price).objects.order_by("-pgh_id")[:2]] == [
        {"via": "task", "by": world.csm.pk},
        {"via": "command"},
    ]


def test_a_door_is_told_whatever_its_name_and_whatever_the_statement_looks_like(world):
    with context.through("we'b %s", "\\'; DROP TABLE x; --"), connection.cursor() as cursor:
        cursor.execute("-- by hand\nUPDATE billing_customer SET name = name || ' 100%' WHERE number = 'CU-1042'")
        cursor.execute("WITH one AS (SELECT 'CU-1042' AS number) UPDATE billing_customer c SET country = %s FROM one", ["FR"])
        told = cursor.rowcount
        cursor.executemany("UPDATE billing_customer SET country = %s WHERE number = %s", [("DE", "CU-1042")])
    assert told == Customer.objects.count()
    kept = history(Customer).objects.filter(number="CU-1042").order_by("-pgh_id")[:3]
    assert {(row.pgh_context["via"], row.pgh_context["request"]) for row in kept} == {("we'b %s", "\\'; DROP TABLE x; --")}


def test_reading_and_writing_elsewhere_is_sent_as_it_was_written():
    sent = []
    about = {"cursor": SimpleNamespace(), "connection": SimpleNamespace(in_atomic_block=False)}
    for sql in ("SELECT * FROM billing_contract", "INSERT INTO audit_entry VALUES (%s)", "UPDATE outbox_message SET state = %s"):
        tell(lambda said, *_: sent.append(said), sql, (), False, about)
        assert sent[-1] == sql


# --- what is kept ---------------------------------------------------------------------------------------------------------


def test_a_bill_run_keeps_the_contracts_it_moves_on(world):
    before = Contract.objects.get(pk=world.contract.pk).billed_until
    with context.through("command"):
        bill(on=date(2026, 7, 1), at=NOON)
    row = newest(Contract, id=world.contract.pk)
    assert (row.billed_until, row.pgh_context) == (before, {"via": "command"})
    assert newest(FutureInvoice).contract_id == world.contract.pk


def test_a_contract_line_put_in_by_hand_is_kept(world):
    line = world.seat_line()
    line.pk, line.key = None, uuid4()
    with context.through("command"):
        line.save()
    row = newest(ContractLine)
    assert (row.pgh_label, row.id, row.quantity, row.pgh_context) == ("insert", line.pk, line.quantity, {"via": "command"})


def test_an_update_that_changes_nothing_leaves_no_row(world):
    count = {model: history(model).objects.count() for model in (Contract, Customer, User)}
    Contract.objects.update(state="active")
    Customer.objects.filter(pk=world.contract.customer_id).update(number=world.contract.customer.number)
    # A log-in, a password and a name are no business of this history.
    User.objects.filter(pk=world.ae.pk).update(last_login=NOON, password="!", name="Ada Elsewhere")
    assert count == {model: history(model).objects.count() for model in count}


def test_of_people_their_rights_are_kept_and_nothing_else():
    kept = {field.name for field in columns(history(User))}
    assert kept == {"person", "role", "is_active", "is_staff", "is_superuser", "approval_limit", "approval_currency"}


def test_no_history_has_a_column_that_sounds_like_a_secret_or_a_postal_address():
    named = {field.name for kept in KEPT for field in columns(kept)}
    assert not [name for name in named if any(word in name for word in ("password", "token", "secret", "address", "lease"))]


def test_a_role_given_by_sql_is_kept_with_the_one_before(world):
    with connection.cursor() as cursor:
        cursor.execute("UPDATE accounts_user SET role = 'finance', approval_limit = 1000000 WHERE id = %s", [world.outsider.pk])
    row = newest(User, id=world.outsider.pk)
    assert (row.role, row.approval_limit) == (Role.SALES, None)


def test_who_comes_into_a_team_and_leaves_it_is_kept(world):
    team = Team.objects.create(code="north", name="North")
    team.members.add(world.outsider)
    team.members.remove(world.outsider)
    team.legal_entities.add(world.entity)
    through = history(Team.members.through).objects.order_by("pgh_id").values_list("pgh_label", "team", "user")
    assert list(through.filter(team=team)) == [("insert", team.pk, world.outsider.pk), ("delete", team.pk, world.outsider.pk)]
    assert newest(Team.legal_entities.through).legalentity_id == world.entity.pk


@pytest.mark.parametrize("statement", ["UPDATE {} SET pgh_context = NULL", "DELETE FROM {}"])
def test_no_history_can_be_rewritten(world, statement):
    LegalEntity.objects.filter(pk=world.entity.pk).update(payment_days=99)
    with pytest.raises(DatabaseError, match="Cannot update or delete"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement.format(history(LegalEntity)._meta.db_table))


@pytest.mark.django_db
def test_every_table_that_keeps_its_rows_has_its_triggers_in_the_database():
    """Tables between two models stand in no migration state, so `makemigrations --check` would not miss theirs."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT tgrelid::regclass::text, tgname FROM pg_trigger WHERE NOT tgisinternal")
        there = set(cursor.fetchall())
    for kept in KEPT:
        for model in (kept.pgh_tracked_model, kept):
            missing = {(model._meta.db_table, trigger.get_pgid(model)) for trigger in model._meta.triggers} - there
            assert not missing, missing
