"""The second factor: set up, asked for, required, sealed at rest, and not to be guessed or used twice."""

import re

import pytest
from allauth.mfa.models import Authenticator
from django.core.cache import cache
from django.db import connection
from django.test import Client

from dealops.accounts.models import Role
from tests.dealops.accounts.signing_in import LOGIN, code_of, is_in, sign_in, somebody, with_app

pytestmark = [pytest.mark.django_db, pytest.mark.req("F96")]


@pytest.fixture
def ada():
    return somebody()


def codes_on(page):
    return re.findall(r"<li>(\d{8})</li>", page.content.decode())


def test_a_password_alone_no_longer_signs_in_once_there_is_an_app(client, ada):
    secret = with_app(client, ada)
    other = Client()
    assert sign_in(other, ada).url == "/accounts/2fa/authenticate/"
    assert not is_in(other)
    assert other.get("/home").status_code == 302
    assert other.post("/accounts/2fa/authenticate/", {"code": "000000"}).status_code == 200
    assert not is_in(other)
    cache.clear()
    assert other.post("/accounts/2fa/authenticate/", {"code": code_of(secret)}).url == "/home"
    assert is_in(other)


def test_a_code_works_once(client, ada):
    secret = with_app(client, ada)
    first, second = Client(), Client()
    code = code_of(secret)
    for browser in (first, second):
        sign_in(browser, ada)
    assert first.post("/accounts/2fa/authenticate/", {"code": code}).status_code == 302
    second.post("/accounts/2fa/authenticate/", {"code": code})
    assert is_in(first) and not is_in(second)


def test_each_recovery_code_gets_in_once(client, ada):
    with_app(client, ada)
    codes = codes_on(client.get("/accounts/2fa/recovery-codes/"))
    assert len(codes) == 10
    for expected in (True, False):
        browser = Client()
        sign_in(browser, ada)
        browser.post("/accounts/2fa/authenticate/", {"code": codes[0]})
        assert is_in(browser) is expected
    assert codes[0] not in codes_on(client.get("/accounts/2fa/recovery-codes/"))


def test_codes_cannot_be_guessed_one_after_the_other(client, ada):
    secret = with_app(client, ada)
    browser = Client()
    sign_in(browser, ada)
    pages = [browser.post("/accounts/2fa/authenticate/", {"code": f"{guess:06}"}).content.decode() for guess in range(7)]
    assert "Wait five minutes" in pages[-1]
    browser.post("/accounts/2fa/authenticate/", {"code": code_of(secret)})
    assert not is_in(browser), "not even the right one, while held back"


@pytest.mark.req("F94")
def test_secrets_of_the_factors_are_sealed_in_the_database(client, ada):
    secret = with_app(client, ada)
    codes = codes_on(client.get("/accounts/2fa/recovery-codes/"))
    with connection.cursor() as cursor:
        cursor.execute("SELECT string_agg(row_to_json(a)::text, '') FROM mfa_authenticator a")
        rows = cursor.fetchone()[0]
    assert secret not in rows and not any(code in rows for code in codes)
    assert rows.count("sealed:") == 2


def test_a_reset_password_does_not_get_round_the_factor(client, ada, mailoutbox):
    with_app(client, ada)
    browser = Client()
    browser.post("/accounts/password/reset/", {"email": ada.email})
    address = re.search(r"https?://[^/]+(/accounts/password/reset/key/\S+)", mailoutbox[0].body)[1]
    form = browser.get(address).url
    answer = browser.post(form, {"password1": "another horse battery", "password2": "another horse battery"})
    assert answer.status_code == 302
    assert not is_in(browser)
    assert sign_in(browser, ada, "another horse battery").url == "/accounts/2fa/authenticate/"
    assert browser.get(address).content.decode().count("password1") == 0, "the link works once"


# --- required for everybody -----------------------------------------------------------------------------------------------------


@pytest.fixture
def required(settings):
    settings.MFA_REQUIRED = True


@pytest.mark.parametrize("address", ["/home", "/board", "/admin/", "/approvals", "/accounts/tokens/", "/search?q=x"])
def test_where_it_is_required_a_password_alone_opens_nothing(client, ada, required, address):
    sign_in(client, ada)
    answer = client.get(address)
    assert (answer.status_code, answer.url) == (302, "/accounts/2fa/")
    assert "Set up a second factor first" in client.get("/accounts/2fa/").content.decode()


def test_where_it_is_required_the_api_says_so_too(client, ada, required):
    sign_in(client, ada)
    answer = client.get("/api/v1/deals/")
    assert (answer.status_code, answer.json()["code"]) == (403, "second_factor_required")


def test_with_the_app_set_up_everything_opens_at_once_and_on_the_next_sign_in(client, ada, required):
    secret = with_app(client, ada)
    assert client.get("/home").status_code == 200
    browser = Client()
    sign_in(browser, ada)
    cache.clear()
    browser.post("/accounts/2fa/authenticate/", {"code": code_of(secret)})
    assert browser.get("/home").status_code == 200


def test_the_pages_that_set_one_up_stay_within_reach(client, ada, required):
    sign_in(client, ada)
    for address in ("/accounts/2fa/", "/accounts/2fa/totp/activate/", "/accounts/2fa/webauthn/add/", "/accounts/sessions/"):
        assert client.get(address).status_code == 200, address
    client.post("/accounts/logout/")
    assert not is_in(client)


# --- the pages ---------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "address",
    [
        "2fa/",
        "2fa/totp/deactivate/",
        "2fa/recovery-codes/",
        "2fa/recovery-codes/generate/",
        "2fa/webauthn/",
        "2fa/webauthn/add/",
        "password/change/",
        "sessions/",
        "tokens/",
    ],
)
def test_the_pages_stand_in_the_frame_of_the_product(client, ada, address):
    with_app(client, ada)
    answer = client.get(f"/accounts/{address}")
    page = answer.content.decode()
    assert answer.status_code == 200
    assert 'class="do-sidebar"' in page and 'aria-label="Your account"' in page
    assert page.count("<h1>") == 1
    assert answer.headers["Cache-Control"].find("no-store") >= 0


def test_nobody_sees_or_removes_the_keys_of_another(client, ada):
    other = somebody(Role.FINANCE, "fiona@example.test", "Fiona Reid")
    key = Authenticator.objects.create(user=other, type="webauthn", data={"name": "Fiona's key", "credential": {}})
    sign_in(client, ada)
    assert "Fiona" not in client.get("/accounts/2fa/webauthn/").content.decode()
    for verb in ("remove", "edit"):
        assert client.post(f"/accounts/2fa/webauthn/keys/{key.pk}/{verb}/", {"name": "mine"}).status_code == 404
    assert Authenticator.objects.filter(pk=key.pk).exists()


def test_the_log_in_page_offers_a_passkey(client):
    assert "Sign in with a passkey" in client.get(LOGIN).content.decode()
