"""Acts that weigh a lot are asked about again, and go on where they were (F97, ASVS 7.5.3)."""

import time

import pytest
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.test import Client, RequestFactory
from django.urls import path

from dealops.accounts import step_up
from dealops.accounts.models import ApiToken
from dealops.accounts.personas import PASSWORD as OF_THE_DEMO
from dealops.urls import handler400, handler403, handler404, handler500  # noqa: F401
from dealops.urls import urlpatterns as of_the_product
from tests.dealops.accounts.signing_in import PASSWORD, code_of, is_in, sign_in, somebody, with_app
from tests.expansion.web import makers

pytestmark = [pytest.mark.django_db, pytest.mark.req("F97")]


@step_up.step_up_required
def heavy(request):
    return HttpResponse(f"done {request.method} {request.POST.get('amount', '')}")


@step_up.step_up_required(when=lambda request, amount: amount > 1000)
def above(request, amount):
    return HttpResponse(f"done {amount}")


urlpatterns = [path("heavy", heavy), path("above/<int:amount>", above), *of_the_product]


@pytest.fixture
def ada(settings):
    settings.ROOT_URLCONF = __name__
    return somebody()


def grown_cold(client):
    """As if the person had signed in an hour ago."""
    session = client.session
    session["account_authentication_methods"] = [
        {**record, "at": time.time() - 3600} for record in session["account_authentication_methods"]
    ]
    session.save()


def test_somebody_who_has_just_signed_in_goes_on(client, ada):
    sign_in(client, ada)
    assert client.get("/heavy").content == b"done GET "


def test_an_hour_later_the_person_confirms_and_the_form_is_not_lost(client, ada):
    sign_in(client, ada)
    grown_cold(client)
    asked = client.post("/heavy", {"amount": "125.00"})
    assert asked.status_code == 302
    assert asked.url.startswith("/accounts/reauthenticate/")
    page = client.get(asked.url)
    assert "Confirm that it is you" in page.content.decode()
    wrong = client.post(asked.url, {"password": "wrong", "next": "/heavy"})
    assert b"done" not in wrong.content
    assert client.post(asked.url, {"password": PASSWORD, "next": "/heavy"}).content == b"done POST 125.00"
    assert client.post("/heavy", {"amount": "1"}).status_code == 200, "once confirmed, not asked again for a while"


def test_whoever_has_an_app_is_asked_for_its_code_first_and_the_form_is_not_lost(client, ada):
    secret = with_app(client, ada)
    grown_cold(client)
    asked = client.post("/heavy", {"amount": "125.00"})
    assert asked.url.startswith("/accounts/2fa/reauthenticate/")
    page = client.get(asked.url).content.decode()
    assert "The six digits your app shows now, or one of your recovery codes." in page
    assert "Use your password" in page
    assert b"done" not in client.post(asked.url, {"code": "000000", "next": "/heavy"}).content
    assert client.post(asked.url, {"code": code_of(secret, ahead=1), "next": "/heavy"}).content == b"done POST 125.00"


def test_the_demo_tells_the_password_it_asks_for_until_it_is_changed(client, ada, settings):
    ada.set_password(OF_THE_DEMO)
    ada.save()
    for demo, changed in ((True, False), (True, True), (False, False)):
        settings.DEMO = demo
        ada.set_password(PASSWORD if changed else OF_THE_DEMO)
        ada.save()
        client.force_login(ada)
        for address in (client.get("/heavy").url, "/accounts/2fa/"):
            assert (OF_THE_DEMO in client.get(address).content.decode()) is (demo and not changed), (address, demo, changed)
    assert OF_THE_DEMO not in Client().get("/accounts/login/").content.decode()


def test_only_what_is_above_the_limit_is_asked_about(client, ada):
    sign_in(client, ada)
    grown_cold(client)
    assert client.get("/above/1000").status_code == 200
    assert client.get("/above/1001").status_code == 302


def test_somebody_who_is_not_signed_in_signs_in_first(client, ada):
    asked = client.get("/heavy")
    assert asked.status_code == 302 and "/accounts/login/" in asked.url


def test_personas_have_nothing_to_confirm_with(client, ada, settings):
    persona = makers.person(name="Persona")
    persona.set_unusable_password()
    persona.save()
    client.force_login(persona)
    settings.DEMO = True
    assert client.get("/heavy").status_code == 200
    settings.DEMO = False
    assert client.get("/heavy").status_code == 403


def test_people_of_the_company_sign_in_go_back_there(client, ada, settings):
    settings.OIDC_SERVER_URL = "https://login.example.test"
    worker = makers.person(name="Worker")
    worker.set_unusable_password()
    worker.save()
    client.force_login(worker)
    asked = client.get("/heavy")
    assert asked.status_code == 302
    assert asked.url.startswith("/accounts/oidc/company/login/?process=login&auth_params=prompt%3Dlogin&next=%2Fheavy")


@pytest.mark.parametrize(
    "address",
    ["2fa/totp/activate/", "2fa/webauthn/add/", "2fa/recovery-codes/generate/"],
)
def test_changing_a_factor_asks_again(client, ada, address):
    sign_in(client, ada)
    grown_cold(client)
    for answer in (client.get(f"/accounts/{address}"), client.post(f"/accounts/{address}", {})):
        assert answer.status_code == 302 and "reauthenticate" in answer.url


def test_making_a_token_asks_again_and_then_shows_it_once(client, ada):
    sign_in(client, ada)
    grown_cold(client)
    form = {"name": "Warehouse", "access": "read", "kinds": ["documents"], "expires_at": "2099-01-01"}
    asked = client.post("/accounts/tokens/new", form)
    assert asked.status_code == 302 and not ApiToken.objects.exists()
    refused = client.post(asked.url, {"password": PASSWORD, "next": "/accounts/tokens/new"})
    assert refused.status_code == 400
    assert "within the next year" in refused.content.decode()
    last = time.strftime("%Y-%m-%d", time.gmtime(time.time() + 30 * 86400))
    page = client.post("/accounts/tokens/new", {**form, "expires_at": last}).content.decode()
    row = ApiToken.objects.get()
    assert row.start in page and "shows it once" in page
    secret = page.split('id="new-token">')[1].split("<")[0]
    again = client.get("/accounts/tokens/").content.decode()
    assert secret not in again and row.start in again
    assert Client().get("/api/v1/documents/", headers={"Authorization": f"Token {secret}"}).status_code == 200
    client.post(f"/accounts/tokens/{row.pk}/revoke")
    assert Client().get("/api/v1/documents/", headers={"Authorization": f"Token {secret}"}).status_code == 401


def test_nobody_revokes_the_token_of_another_or_by_a_get(client, ada):
    from tests.dealops.rest.tokens import token_for

    token_for(makers.person(name="Other"))
    row = ApiToken.objects.get()
    sign_in(client, ada)
    assert is_in(client)
    assert client.post(f"/accounts/tokens/{row.pk}/revoke").status_code == 404
    assert client.get(f"/accounts/tokens/{row.pk}/revoke").status_code == 405
    assert client.get("/accounts/tokens/new").status_code == 405
    row.refresh_from_db()
    assert row.revoked_at is None


def test_without_any_way_to_confirm_the_sentence_names_the_way_out(ada):
    request = RequestFactory().get("/heavy")
    request.user, request.session = makers.person(name="Nobody"), {}
    request.user.set_unusable_password()
    request.user.save()
    with pytest.raises(PermissionDenied, match="Sign out, sign in again"):
        step_up.require_fresh(request)
