"""The company's sign-in, against a real issuer: known people come in, others only with a role, forged answers never (ASVS 6.8)."""

import copy

import pytest
import requests
from allauth.socialaccount.models import SocialAccount, SocialToken

from dealops.accounts.models import Role, User
from tests.dealops.accounts.company import CLIENT, SECRET, Company
from tests.dealops.accounts.signing_in import is_in
from tests.expansion.web import makers

pytestmark = [pytest.mark.django_db, pytest.mark.req("F96")]
ADA = {"sub": "0001", "email": "Ada@example.test", "email_verified": True, "name": "Ada Ellis"}


@pytest.fixture
def company(settings):
    made = Company()
    settings.OIDC_SERVER_URL = made.url
    providers = copy.deepcopy(settings.SOCIALACCOUNT_PROVIDERS)
    providers["openid_connect"]["APPS"] = [
        {"provider_id": "company", "name": "Acme", "client_id": CLIENT, "secret": SECRET, "settings": {"server_url": made.url}}
    ]
    settings.SOCIALACCOUNT_PROVIDERS = providers
    made.who = dict(ADA)
    yield made
    made.close()


@pytest.fixture
def ada():
    return makers.person(Role.FINANCE, "Ada Ellis", email="ada@example.test")


def come_in(client, path="/accounts/oidc/company/login/?next=/board"):
    """The browser's way: to the company, and back with what it says."""
    away = client.post(path)
    assert away.status_code == 302, away.content[:300]
    back = requests.get(away.url, allow_redirects=False, timeout=10).headers["Location"]
    return client.get(back.replace("http://testserver", ""))


def test_somebody_we_know_by_a_confirmed_e_mail_comes_in(client, company, ada):
    assert "Sign in with" in client.get("/accounts/login/").content.decode()
    answer = come_in(client)
    assert (answer.status_code, answer.url) == (302, "/board")
    assert client.session["_auth_user_id"] == str(ada.pk)
    assert not SocialToken.objects.exists(), "what opens the company's doors is not kept"


def test_afterwards_the_subject_counts_and_not_the_e_mail(client, company, ada):
    come_in(client)
    client.logout()
    company.who["email"] = "renamed@example.test"
    come_in(client)
    assert client.session["_auth_user_id"] == str(ada.pk)
    assert SocialAccount.objects.get().uid == "0001"


def test_an_e_mail_nobody_confirmed_opens_no_account(client, company, ada):
    company.who["email_verified"] = False
    answer = come_in(client)
    assert answer.status_code == 403 and not is_in(client)
    assert "did not confirm your e-mail" in answer.content.decode()


def test_somebody_unknown_is_refused_with_the_way_in(client, company):
    answer = come_in(client)
    assert answer.status_code == 403 and not is_in(client)
    assert "Ask a RevOps colleague" in answer.content.decode()
    assert not User.objects.filter(email__iexact="ada@example.test").exists()


def test_with_a_default_role_somebody_new_gets_it_and_nothing_that_approves(client, company, settings):
    settings.OIDC_DEFAULT_ROLE = "sales"
    come_in(client)
    person = User.objects.get(email__iexact="ada@example.test")
    assert (person.role, person.name, person.is_staff, person.is_superuser, person.approval_limit) == (
        "sales",
        "Ada Ellis",
        False,
        False,
        None,
    )
    assert not person.has_usable_password() and is_in(client)


@pytest.mark.parametrize(("groups", "role"), [(["x", "fin"], "finance"), ("fin", "finance"), (["other"], None), (["odd"], None)])
def test_groups_give_roles_that_exist(client, company, settings, groups, role):
    settings.OIDC_ROLES = {"fin": "finance", "odd": "emperor"}
    company.who["groups"] = groups
    come_in(client)
    found = User.objects.filter(email__iexact="ada@example.test").first()
    assert (found.role if found else None) == role


def test_groups_never_change_the_role_of_somebody_we_know(client, company, ada, settings):
    settings.OIDC_ROLES = {"boss": "revops"}
    company.who["groups"] = ["boss"]
    come_in(client)
    ada.refresh_from_db()
    assert ada.role == Role.FINANCE


def test_somebody_switched_off_stays_out(client, company, ada):
    User.objects.filter(pk=ada.pk).update(is_active=False)
    come_in(client)
    assert not is_in(client)


@pytest.mark.parametrize(
    "spoil", [{"iss": "https://evil.test"}, {"aud": "another-client"}, {"exp": 1}], ids=["issuer", "audience", "expired"]
)
def test_an_answer_meant_for_somebody_else_is_refused(client, company, ada, spoil):
    company.spoil = spoil
    come_in(client)
    assert not is_in(client)


def test_an_answer_nobody_asked_for_is_refused(client, company, ada):
    assert not is_in(client)
    client.get("/accounts/oidc/company/login/callback/?code=stolen&state=made-up")
    assert not is_in(client)
    assert "/token" not in company.asked


def test_the_way_out_starts_with_a_post_and_comes_back_to_this_host(client, company, ada):
    assert client.get("/accounts/oidc/company/login/").status_code == 200
    assert company.asked == []
    answer = come_in(client, "/accounts/oidc/company/login/?next=https://evil.test/")
    assert answer.url == "/home"


def test_without_the_setting_there_is_no_such_door(client):
    assert "Sign in with your company" not in client.get("/accounts/login/").content.decode()
    assert client.post("/accounts/oidc/company/login/").status_code == 404


def test_the_company_counts_as_a_second_factor(client, company, ada, settings):
    settings.MFA_REQUIRED = True
    come_in(client)
    assert client.get("/home").status_code == 200
