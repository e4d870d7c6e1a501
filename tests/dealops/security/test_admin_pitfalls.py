"""Ways an admin goes wrong elsewhere, each shut here; the others are in tests/dealops/admin (reliability of the admin, F90)."""

from importlib.util import find_spec

import pytest
from django.apps import apps
from django.contrib import admin
from django.db import models
from django.db.models import ProtectedError
from django.urls import reverse

from dealops.accounts.models import Role, User
from tests.expansion.desk import approved
from tests.expansion.web import makers
from tests.worlds import seed_world

pytestmark = [pytest.mark.django_db, pytest.mark.req("F90")]
OURS = {"accounts", "audit", "outbox", "rest", "billing", "expansion"}
SECRETS = {"password", "digest", "token", "access_token", "refresh_token", "secret", "lease_token", "request_hash", "signing_key"}


@pytest.mark.req("F95")
def test_no_action_is_offered_anywhere(rf):
    request = rf.get("/")
    request.user = User(email="r@x.example", name="R", role=Role.REVOPS, is_staff=True)
    for model, desk in admin.site._registry.items():
        assert desk.get_actions(request) == {}, model
        for kind in ("actions_list", "actions_row", "actions_detail", "actions_submit_line"):
            assert not getattr(desk, kind, ()), (model, kind)


def test_nothing_is_deleted_in_bulk(client):
    person = makers.person(Role.REVOPS, "Rhea", is_staff=True)
    client.force_login(person)
    form = {"action": "delete_selected", "_selected_action": [person.pk], "post": "yes"}
    client.post(reverse("admin:accounts_user_changelist"), form)
    assert User.objects.filter(pk=person.pk).exists()


@pytest.mark.req("F115", "M04")
def test_a_person_or_a_customer_with_a_history_cannot_be_deleted():
    world = seed_world()
    approved(world)
    for row in (world.ae, world.finance, world.contract.customer, world.contract, world.entity, world.deal):
        with pytest.raises(ProtectedError):
            row.delete()


@pytest.mark.req("F115")
def test_deleting_a_person_or_a_customer_never_takes_money_along():
    guilty = [
        f"{model._meta.label}.{field.name}"
        for model in apps.get_models()
        if model._meta.app_label in {"billing", "expansion"}
        for field in model._meta.fields
        if isinstance(field, models.ForeignKey)
        and field.remote_field.on_delete is models.CASCADE
        and field.related_model._meta.label
        in {"accounts.User", "billing.Customer", "billing.Contract", "billing.Document", "expansion.Deal"}
        and model._meta.app_label == "billing"
    ]
    assert guilty == []


@pytest.mark.req("F89")
@pytest.mark.parametrize("role", [Role.SALES, Role.CUSTOMER_SUCCESS, Role.FINANCE])
def test_autocomplete_tells_nothing_to_who_may_not_see(client, role):
    makers.deal(owner=makers.person(name="Owner"))
    client.force_login(makers.person(role, f"Nosy {role}", is_staff=True))
    question = {"app_label": "expansion", "model_name": "deal", "field_name": "owner", "term": "Own"}
    answer = client.get(reverse("admin:autocomplete"), question)
    assert answer.status_code == 403
    assert "Owner" not in answer.content.decode()


def test_no_page_shows_a_secret():
    for model, desk in admin.site._registry.items():
        shown = {*desk.fields, *(name for name in desk.list_display if isinstance(name, str)), *desk.search_fields}
        assert not shown & SECRETS, model


def test_no_library_writes_in_bulk_past_the_rules():
    assert find_spec("import_export") is None
    assert not [app.name for app in apps.get_app_configs() if app.name in {"import_export", "django.contrib.admindocs"}]
