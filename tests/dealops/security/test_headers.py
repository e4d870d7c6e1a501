"""What every answer carries, in the demo and behind TLS, and what a refusal gives away (ASVS 3.3, 3.4, 13.4, 14.3)."""

import json
import os
import subprocess
import sys

import pytest
from django.test import Client

from tests.dealops.test_production import GOOD, ROOT
from tests.expansion.web import makers

pytestmark = [pytest.mark.django_db, pytest.mark.req("F95", "F97")]
PAGES = ("/home", "/board", "/accounts/sessions/", "/search?q=x", "/api/v1/deals/", "/nowhere", "/accounts/login/")


@pytest.fixture
def inside(client):
    client.force_login(makers.person())
    return client


@pytest.mark.parametrize("address", PAGES)
def test_every_answer_has_the_headers(inside, address):
    headers = inside.get(address).headers
    policy = headers["Content-Security-Policy"]
    for rule in ("default-src 'none'", "object-src 'none'", "base-uri 'none'", "frame-ancestors 'none'", "form-action 'self'"):
        assert rule in policy
    assert "unsafe-inline" not in policy.split("script-src")[1].split(";")[0]
    assert "*" not in policy and "http:" not in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["X-Request-ID"]
    assert "Access-Control-Allow-Origin" not in headers
    assert "Server" not in headers and "X-Powered-By" not in headers


@pytest.mark.parametrize("address", [page for page in PAGES if page != "/accounts/login/"])
def test_no_cache_keeps_what_somebody_saw_who_was_signed_in(inside, address):
    assert "no-store" in inside.get(address).headers["Cache-Control"]


def test_the_session_cookie_is_out_of_reach_of_scripts(client):
    from tests.dealops.accounts.signing_in import sign_in, somebody

    cookie = sign_in(client, somebody()).cookies["sid"]
    assert cookie["httponly"] and cookie["samesite"] == "Lax" and cookie["path"] == "/" and not cookie["domain"]
    assert "csrftoken" not in client.cookies, "the CSRF secret lives in the session"
    assert all(cookie["httponly"] and cookie["samesite"] == "Lax" for cookie in client.cookies.values())


# --- the production profile -----------------------------------------------------------------------------------------------------


def in_production(*command, **changes):
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return subprocess.run(
        [sys.executable, *command], cwd=ROOT, env=kept | GOOD | changes, capture_output=True, text=True, timeout=120, check=False
    )


def test_check_deploy_finds_nothing():
    done = in_production("manage.py", "check", "--deploy", "--fail-level", "WARNING")
    assert done.returncode == 0, done.stderr
    assert "no issues" in done.stdout


def test_behind_tls_cookies_are_bound_to_the_host_and_the_browser_stays_on_tls():
    names = (
        "SESSION_COOKIE_NAME SESSION_COOKIE_SECURE CSRF_COOKIE_SECURE CSRF_USE_SESSIONS SECURE_SSL_REDIRECT SECURE_HSTS_SECONDS "
        "SECURE_HSTS_INCLUDE_SUBDOMAINS SECURE_PROXY_SSL_HEADER MFA_REQUIRED SESSION_IDLE_SECONDS SESSION_COOKIE_AGE DEBUG "
        "PASSWORD_RESET_TIMEOUT MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN CELERY_ACCEPT_CONTENT SESSION_SERIALIZER"
    )
    code = f"import json; from dealops import settings as s; print(json.dumps({{n: getattr(s, n) for n in '{names}'.split()}}))"
    done = in_production("-c", code)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1]) == {
        "SESSION_COOKIE_NAME": "__Host-sid",
        "SESSION_COOKIE_SECURE": True,
        "CSRF_COOKIE_SECURE": True,
        "CSRF_USE_SESSIONS": True,
        "SECURE_SSL_REDIRECT": True,
        "SECURE_HSTS_SECONDS": 31536000,
        "SECURE_HSTS_INCLUDE_SUBDOMAINS": True,
        "SECURE_PROXY_SSL_HEADER": None,
        "MFA_REQUIRED": True,
        "SESSION_IDLE_SECONDS": 1800,
        "SESSION_COOKIE_AGE": 43200,
        "DEBUG": False,
        "PASSWORD_RESET_TIMEOUT": 3600,
        "MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN": False,
        "CELERY_ACCEPT_CONTENT": ["json"],
        "SESSION_SERIALIZER": "django.contrib.sessions.serializers.JSONSerializer",
    }


def test_the_seal_of_the_password_is_argon2_and_no_hash_is_weak():
    done = in_production("-c", "from dealops import settings as s; print(s.PASSWORD_HASHERS[0])")
    assert "Argon2" in done.stdout


# --- what a refusal gives away ------------------------------------------------------------------------------------------------------

LEAKS = ("Traceback", "django.", "site-packages", "SELECT ", "settings.", "psycopg", "/usr/", 'File "')


@pytest.mark.parametrize(
    "address", ["/nowhere", "/deals/%00", "/changes/x'--", "/admin/nothing/", "/api/v1/nothing/", "/home?page=" + "9" * 400]
)
def test_error_pages_say_nothing_of_the_inside(inside, address):
    answer = inside.get(address)
    assert answer.status_code < 500
    assert not [leak for leak in LEAKS if leak in answer.content.decode()]


def test_an_unknown_host_is_refused(client):
    answer = client.get("/home", headers={"host": "evil.example"})
    assert answer.status_code == 400
    assert "evil.example" not in answer.content.decode()


def test_a_server_error_gives_a_reference_and_nothing_else(settings, monkeypatch):
    from expansion.web import navigation

    client = Client(raise_request_exception=False)
    client.force_login(makers.person())
    monkeypatch.setattr(navigation, "waiting_for", lambda person: 1 / 0)
    answer = client.get("/home")
    page = answer.content.decode()
    assert answer.status_code == 500
    assert not [leak for leak in (*LEAKS, "ZeroDivision") if leak in page]
    assert answer.headers["X-Request-ID"]


@pytest.mark.req("F95")
def test_a_form_without_its_token_changes_nothing():
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(makers.person())
    for address in ("/accounts/logout/", "/accounts/tokens/new", "/accounts/sessions/", "/accounts/password/change/", "/board/move"):
        assert strict.post(address, {}).status_code == 403, address
    assert strict.get("/home").status_code == 200
