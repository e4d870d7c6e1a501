"""Every registered admin page, walked: who sees it, that money is only shown, and that none of the known traps is open."""

import re
import time

import pytest
from django.apps import apps
from django.contrib import admin
from django.urls import reverse
from django.utils import timezone

from billing.models import Customer, LegalEntity, Product
from dealops.accounts.models import Role, User
from dealops.audit.admin_classes import AuditedAdmin, ReadOnlyAdmin
from dealops.audit.models import Entry
from dealops.outbox.models import Message
from expansion.matrix import ADMIN_EDITED
from expansion.models import Change
from tests.expansion.desk import approved, set_clock
from tests.worlds import seed_world

pytestmark = [pytest.mark.django_db, pytest.mark.req("F90")]

OURS = {"accounts", "audit", "outbox", "rest", "billing", "expansion"}
PAGES = sorted(admin.site._registry.items(), key=lambda pair: pair[0]._meta.label)
EDITABLE = set(ADMIN_EDITED)
every_page = pytest.mark.parametrize(("model", "desk"), PAGES, ids=[model._meta.label for model, _ in PAGES])


@pytest.fixture
def world(db, settings):
    made = seed_world()
    set_clock(settings)
    approved(made)
    return made


@pytest.fixture
def revops(client, world):
    """Has just signed in: who saves people and approval rules is asked for that (tests/expansion/web/test_step_up.py)."""
    client.force_login(world.admin)
    session = client.session
    session["account_authentication_methods"] = [{"method": "password", "at": time.time()}]
    session["account_authentication_methods_user"] = str(world.admin.pk)
    session.save()
    return client


def address(model, view, *args):
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{view}", args=args)


def text(response):
    return " ".join(response.content.decode().split())


def test_every_model_of_ours_has_a_page_and_nothing_else_has_one():
    mine = {model for model in apps.get_models() if model._meta.app_label in OURS}
    assert set(admin.site._registry) == mine


@every_page
def test_the_page_is_one_of_our_two_kinds_and_every_trap_is_shut(model, desk):
    assert isinstance(desk, ReadOnlyAdmin)
    assert isinstance(desk, AuditedAdmin) == (model._meta.label in EDITABLE)
    assert not desk.actions, "an action would have to name its permission and call an operation"
    assert not desk.list_editable and not desk.inlines and not desk.save_as
    assert desk.fields, "an explicit list of fields"
    assert desk.show_full_result_count is False and desk.list_max_show_all <= 200
    assert not {"password", "lease_token", "request_hash"} & set(desk.fields)


# Rows of these come with the installation or from outside; only their words are edited.
NOT_ADDED = {"expansion.CrmStage", "expansion.Pipeline", "expansion.Stage"}


def test_deleting_many_is_not_offered_anywhere():
    assert "delete_selected" not in dict(admin.site.actions)


@every_page
def test_what_each_role_may_do(model, desk, rf):
    for role in Role:
        person = User(email=f"{role}@x.example", name=role.label, role=role, is_staff=True)
        request = rf.get("/")
        request.user = person
        reads = person.role in {Role.REVOPS, Role.AUDITOR}
        edits = person.role == Role.REVOPS and model._meta.label in EDITABLE
        assert desk.has_view_permission(request) is reads
        assert desk.has_module_permission(request) is reads
        assert desk.has_change_permission(request) is edits
        assert desk.has_add_permission(request) is (edits and model._meta.label not in NOT_ADDED)
        assert desk.has_delete_permission(request) is False


@every_page
def test_a_superuser_without_the_role_sees_nothing(model, desk, rf):
    request = rf.get("/")
    request.user = User(email="root@x.example", name="Root", role=Role.FINANCE, is_staff=True, is_superuser=True)
    assert not desk.has_view_permission(request) and not desk.has_change_permission(request)


def test_every_list_and_row_opens_and_nothing_can_be_added_changed_or_deleted(revops, world):
    for model, desk in PAGES:
        answer = revops.get(address(model, "changelist"), {"q": "x"} if desk.search_fields else {})
        assert answer.status_code == 200, model
        row = model._default_manager.first()
        if row is not None:
            assert revops.get(address(model, "change", row.pk)).status_code == 200, model
            assert revops.post(address(model, "delete", row.pk), {"post": "yes"}).status_code == 403, model
        if model._meta.label not in EDITABLE:
            assert revops.post(address(model, "add"), {}).status_code == 403, model
            if row is not None:
                assert revops.post(address(model, "change", row.pk), {}).status_code == 403, model


def test_hostile_filters_reveal_nothing(revops):
    hostile = (
        "password__startswith",
        "created_by__password__startswith",
        "user__auth_token__key__startswith",
        "contract__customer__email__regex",
    )
    for model, _ in PAGES:
        for lookup in hostile:
            answer = revops.get(address(model, "changelist"), {lookup: "a"})
            assert answer.status_code in (302, 400), f"{model}: refused, never applied"
            if answer.status_code == 302:
                assert "e=1" in answer.headers["Location"]


@pytest.mark.req("F95")
def test_opening_every_admin_address_writes_nothing(revops, world):
    def state():
        return [list(m._default_manager.order_by("pk").values_list()) for m in (Change, Message, Customer, Product, Entry, User)]

    User.objects.filter(pk=world.admin.pk).update(last_login=timezone.now())
    before = state()
    seen, waiting = set(), ["/admin/"]
    while waiting and len(seen) < 250:
        path = waiting.pop()
        if path in seen:
            continue
        seen.add(path)
        answer = revops.get(path)
        assert answer.status_code < 500, path
        waiting += [found for found in re.findall(r'href="(/admin/[^"#]*)"', answer.content.decode()) if "logout" not in found]
    assert len(seen) > 40
    assert state() == before


# --- what RevOps edits -----------------------------------------------------------------------------------------------------


def form_of(client, path):
    """Every field of the form as the browser would send it."""
    page = client.get(path)
    form = page.context["adminform"].form
    data = {}
    for name, field in form.fields.items():
        value = form.get_initial_for_field(field, name)
        if isinstance(value, bool):
            if value:
                data[name] = "on"
        else:
            data[name] = "" if value is None else getattr(value, "pk", value)
    return data


def test_saving_is_in_the_business_log_with_before_and_after(revops, world):
    product = world.products["team"]
    path = address(Product, "change", product.pk)
    answer = revops.post(path, {**form_of(revops, path), "name": "Team plan"})
    assert answer.status_code == 302
    entry = Entry.objects.get(action="product.changed")
    assert (entry.before, entry.after, entry.actor, entry.via) == ({"name": "Team"}, {"name": "Team plan"}, world.admin, "admin")


@pytest.mark.req("F05")
def test_saving_over_what_another_saved_is_refused(revops, world):
    product = world.products["team"]
    path = address(Product, "change", product.pk)
    seen = form_of(revops, path)
    Product.objects.filter(pk=product.pk).update(description="Changed by somebody else")
    answer = revops.post(path, {**seen, "name": "Team plan"})
    assert answer.status_code == 200
    assert "Someone else saved this meanwhile." in text(answer)
    product.refresh_from_db()
    assert product.name == "Team"


def test_what_documents_rest_on_cannot_be_edited_once_there_are_any(revops, world):
    path = address(LegalEntity, "change", world.entity.pk)
    seen = form_of(revops, path)
    assert not {"code", "currency", "time_zone", "number_prefix", "proration_basis"} & set(seen)
    revops.post(path, {**seen, "currency": "USD", "payment_days": "30"})
    world.entity.refresh_from_db()
    assert (world.entity.currency, world.entity.payment_days) == ("GBP", 30)


def test_nobody_gives_themselves_a_role_or_a_limit(revops, world):
    path = address(User, "change", world.admin.pk)
    seen = form_of(revops, path)
    assert not {"role", "approval_limit", "is_active", "person", "is_superuser", "is_staff"} & set(seen)
    revops.post(path, {**seen, "role": "finance", "approval_limit": "1000000", "is_superuser": "on"})
    world.admin.refresh_from_db()
    assert (world.admin.role, world.admin.approval_limit) == (Role.REVOPS, None)


def test_giving_somebody_else_a_limit_is_logged(revops, world):
    path = address(User, "change", world.finance.pk)
    answer = revops.post(path, {**form_of(revops, path), "approval_limit": "7500"})
    assert answer.status_code == 302
    entry = Entry.objects.get(action="user.changed")
    assert entry.after == {"approval_limit": "7500.000"}
    assert "password" not in str(entry.before) + str(entry.after)


def test_giving_somebody_else_a_role_is_logged_with_both(revops, world):
    path = address(User, "change", world.finance.pk)
    answer = revops.post(path, {**form_of(revops, path), "role": "auditor"})
    assert answer.status_code == 302
    entry = Entry.objects.get(action="user.changed")
    assert (entry.before, entry.after, entry.actor) == ({"role": "finance"}, {"role": "auditor"}, world.admin)
    assert entry.via == "admin" and "role" in entry.sentence


def test_a_new_person_cannot_sign_in_before_they_set_a_password(revops):
    data = {"name": "Nina New", "email": "nina@demo.example", "role": "sales", "title": "", "approval_currency": "", "is_active": "on"}
    answer = revops.post(address(User, "add"), data)
    assert answer.status_code == 302, text(answer)[:500]
    assert not User.objects.get(email="nina@demo.example").has_usable_password()


def test_a_customer_is_added_with_a_log_entry(revops, world):
    data = {
        "number": "CU-2000",
        "name": "Newcomer Ltd",
        "legal_entity": world.entity.pk,
        "segment": "",
        "email": "",
        "address": "",
        "country": "GB",
        "tax_number": "",
    }
    assert revops.post(address(Customer, "add"), data).status_code == 302
    assert Entry.objects.get(action="customer.added").subjects == ["customer:CU-2000"]


def test_finance_is_told_that_the_admin_is_not_theirs(client, world):
    client.force_login(world.finance)
    assert client.get("/admin/").status_code in (302, 403)
    assert client.get(address(Change, "changelist")).status_code in (302, 403)
