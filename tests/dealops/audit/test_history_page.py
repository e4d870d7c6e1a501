"""Row history as an auditor reads it: what became what, of which row, by whom; nothing of another team's."""

from datetime import date

import pgtrigger
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from billing.models import Contract, Customer, LegalEntity, Price, Team
from dealops.accounts.models import Role, User
from dealops.audit import context
from dealops.audit.history import KEPT
from dealops.audit.history_reading import page
from expansion.queries.row_history import bounded, page_of
from expansion.scope import visible

pytestmark = [pytest.mark.django_db, pytest.mark.req("F88", "F98")]


@pytest.fixture
def entities(db):
    shared = {"country": "GB", "currency": "GBP", "time_zone": "Europe/London", "future_invoice_owner": "finance"}
    shared |= {"proration_basis": "actual_days", "proration_shape": "net", "minimum_amount": 0}
    return [LegalEntity.objects.create(code=code, name=code.title(), **shared) for code in ("here", "there")]


@pytest.fixture
def auditor(db):
    return User.objects.create_user("olga@x.example", name="Olga Auditor", role=Role.AUDITOR)


def customer(entity, number):
    return Customer.objects.create(number=number, name=number, legal_entity=entity, country="GB", created_at="2026-01-01T00:00Z")


def steps(user, **asked):
    return page_of(user, asked, "").steps


def test_each_step_says_what_became_what_up_to_the_row_as_it_is_now(entities, auditor):
    one = customer(entities[0], "CU-1")
    with context.through("admin", "r1", auditor.pk):
        for name in ("First", "Second"):
            Customer.objects.filter(pk=one.pk).update(name=name)
    second, first = steps(auditor, subject="customer:CU-1")
    assert (first.moved, second.moved) == ((("name", "CU-1", "First"),), (("name", "First", "Second"),))
    assert (first.kind, first.label, first.what, first.who, first.via, first.outside) == (
        "customer", "CU-1", "changed", "Olga Auditor", "admin", False,
    )  # fmt: skip


def test_what_a_column_points_at_is_called_by_its_name(entities, auditor):
    one = customer(entities[0], "CU-1")
    Customer.objects.filter(pk=one.pk).update(legal_entity=entities[1])
    assert steps(auditor, subject="CU-1")[0].moved == (("legal entity", "Here", "There"),)


def test_a_removed_row_shows_what_it_was_and_an_added_one_what_it_is(entities, auditor):
    team = Team.objects.create(code="north", name="North")
    team.members.add(auditor)
    added = steps(auditor, subject="team:north")[0]
    assert (added.what, {name: after for name, _, after in added.moved}) == ("added", {"team": "North", "user": "Olga Auditor"})
    team.members.remove(auditor)
    removed = steps(auditor, subject="team:north")[0]
    assert (removed.what, removed.label.split(" #")[0]) == ("removed", "North")
    assert ("user", "Olga Auditor", "") in removed.moved


def test_the_number_a_row_had_finds_it_as_well_as_the_one_it_has(entities, auditor):
    one = customer(entities[0], "CU-1")
    Customer.objects.filter(pk=one.pk).update(number="CU-9")
    assert steps(auditor, subject="CU-1") == steps(auditor, subject="CU-9") != ()


def test_without_a_first_day_a_filter_reaches_back_three_months_and_says_so(client, entities, auditor):
    one = customer(entities[0], "CU-1")
    for name in ("Long ago", "Lately"):
        Customer.objects.filter(pk=one.pk).update(name=name)
    history = next(kept for kept in KEPT if kept.pgh_tracked_model is Customer)
    with connection.cursor() as cursor, pgtrigger.ignore(f"{history._meta.label}:append_only"):
        first = history.objects.order_by("pgh_id").first()
        cursor.execute(f"UPDATE {history._meta.db_table} SET pgh_created_at = now() - interval '200 days' WHERE pgh_id = %s", [first.pk])
    client.force_login(auditor)
    lately = client.get("/audit/rows?subject=CU-1").content.decode()
    assert "Lately" in lately and "<del>CU-1</del>" not in lately
    assert "Searched the 92 days from" in lately and "from=2000-01-01" in lately
    everything = client.get("/audit/rows?subject=CU-1&from=2000-01-01").content.decode()
    assert "<del>CU-1</del>" in everything and "Searched the" not in everything


@pytest.mark.parametrize(
    ("asked", "first"),
    [
        ({}, None),
        ({"who": "olga"}, "2026-03-22"),
        ({"who": "olga", "from": "no day"}, "2026-03-22"),
        ({"who": "olga", "from": "2026-06-01"}, "2026-06-01"),
        ({"via": "web", "to": "2026-04-02"}, "2025-12-31"),
        ({"to": "0001-01-02"}, "2000-01-01"),
        ({"to": "9999-12-31"}, "2026-03-22"),
    ],
)
def test_a_search_of_row_history_always_has_a_first_day(asked, first):
    assert bounded(asked, today=date(2026, 6, 22)).get("from") == first


def test_the_filters_leave_what_they_name(entities, auditor):
    one = customer(entities[0], "CU-1")
    with context.through("web", "r1", auditor.pk):
        Customer.objects.filter(pk=one.pk).update(name="A")
    with context.through("task", "r2"):
        Customer.objects.filter(pk=one.pk).update(name="B")
    for asked, found in (
        ({"who": "olga"}, 1),
        ({"who": "nobody"}, 0),
        ({"via": "task"}, 1),
        ({"via": "outside"}, 0),
        ({"request": "r2"}, 1),
        ({"from": "2999-01-01"}, 0),
        ({"from": "never", "to": "2999-01-01"}, 2),
    ):
        assert len(steps(auditor, subject="CU-1", **asked)) == found, asked
    assert steps(auditor, subject="contract:C-0") == steps(auditor, subject="nonsense:CU-1") == ()


def test_pages_follow_each_other_without_a_gap_over_all_tables(entities, auditor):
    for number in range(4):
        one = customer(entities[0], f"CU-{number}")
        Customer.objects.filter(pk=one.pk).update(name="moved")
        LegalEntity.objects.filter(pk=entities[0].pk).update(payment_days=number + 1)
    asked = lambda kept, rows: rows  # noqa: E731
    whole = page(asked, size=50).steps
    found, after = [], ""
    while True:
        part = page(asked, after=after, size=3)
        found += part.steps
        after = part.after
        if not after:
            break
    assert tuple(found) == whole and len(whole) > 9
    assert page(asked, after="nonsense_x_y", size=50).steps == whole


def test_only_rows_of_ones_teams_are_there(entities, auditor):
    here, there = customer(entities[0], "CU-1"), customer(entities[1], "CU-2")
    Customer.objects.update(country="FR")
    Price.objects.update(unit_price=1)
    team = Team.objects.create(code="here", name="Here")
    team.legal_entities.add(entities[0])
    team.members.add(auditor)
    seen = User.objects.get(pk=auditor.pk)
    assert [step.label for step in steps(seen, subject="customer:CU-1")] == ["CU-1"]
    assert steps(seen, subject="customer:CU-2") == ()
    kept = next(kept for kept in KEPT if kept.pgh_tracked_model is Customer)
    assert set(visible(seen, kept.objects.all()).values_list("id", flat=True)) == {here.pk}
    assert kept.objects.filter(id=there.pk).exists()


def test_the_page_is_for_those_who_read_the_log(client, auditor):
    for role in Role:
        client.force_login(User.objects.create_user(f"{role}@x.example", name=role.label, role=role))
        assert client.get("/audit/rows").status_code == (200 if role in {Role.AUDITOR, Role.REVOPS} else 403)
    assert client.post("/audit/rows").status_code in (403, 405)


def test_more_rows_need_no_more_queries(client, entities, auditor):
    client.force_login(auditor)

    def queries():
        with CaptureQueriesContext(connection) as found:
            assert client.get("/audit/rows").status_code == 200
        return len(found)

    def moved(count):
        for number in range(count):
            one = customer(entities[number % 2], f"CU-{Customer.objects.count()}")
            Customer.objects.filter(pk=one.pk).update(name="moved")

    moved(2)
    queries()
    few = queries()
    moved(30)
    assert queries() == few


def test_without_any_history_the_page_says_so(client, auditor):
    client.force_login(auditor)
    assert "No row matches" in client.get("/audit/rows?subject=C-1").content.decode()
    assert not Contract.objects.exists()
